/** Owns commands over several services: all prepared and consented to first, then written one by one, then told what was written. */
import { SluiceError } from '../errors.ts';
import { formatEntry } from '../model/entry.ts';
import type { ReadDeps, WriteDeps, WriteOptions } from './deps.ts';
import { checkInterrupted, type Intent, type Prepared, readAndPlan, refuseTaken } from './prepare.ts';
import type { WriteFailure, WriteReport, WriteResult } from './result.ts';
import { write } from './write.ts';

/** Failures after which the next service would fail alike, or must not be tried. */
const ENDING: readonly SluiceError['code'][] = [
  'unavailable',
  'unknown',
  'permission',
  'interrupted',
  'not-confirmed',
];

/** One error for the whole command. */
function overall(
  failures: readonly WriteFailure[],
  report: Omit<WriteReport, 'error'>,
): SluiceError | undefined {
  const [first] = failures;
  if (first === undefined) return undefined;
  const { results, notTried } = report;
  const count = results.length + failures.length + notTried.length;
  if (count === 1) return first.error;
  const written = results.filter(({ outcome }) => outcome !== 'unchanged').map(({ service }) => service);
  const failed = failures.map(({ service, error }) => ({ service, code: error.code, what: error.message }));
  const text = failures.map(({ service, error }) => `${service}: ${error.message}`).join('; ');
  // Only the last one can have ended the command.
  const last = failures.at(-1)?.error ?? first.error;
  const code = last.code === 'unknown' || last.code === 'interrupted' ? last.code : 'failed';
  return new SluiceError(code, `${results.length} of ${count} services are as asked for`, {
    why: text,
    fix: 'run the same command again: what is written is found unchanged',
    details: { written, failed, notTried },
    cause: last,
  });
}

/**
 * Prepares every service, all before the first write.
 * @returns in the order given, but plans that claim what another of them releases come last
 * @throws SluiceError of the first that cannot be done
 */
export async function prepareAll(
  deps: ReadDeps,
  intents: readonly Intent[],
  options: Pick<WriteOptions, 'ifRevision' | 'signal'>,
): Promise<readonly Prepared[]> {
  const { ifRevision, signal } = options;
  const prepared: Prepared[] = [];
  for (const intent of intents) {
    checkInterrupted(signal);
    prepared.push(await readAndPlan(deps, intent, { ifRevision, signal }));
  }
  const comingFree = new Set(prepared.flatMap(({ plan }) => plan.releases.map(formatEntry)));
  for (const one of prepared) refuseTaken(one, comingFree);
  const takesOver = ({ plan }: Prepared): number =>
    plan.claims.some((entry) => comingFree.has(formatEntry(entry))) ? 1 : 0;
  return prepared.toSorted((a, b) => takesOver(a) - takesOver(b));
}

/**
 * Prepares, asks, writes.
 * @throws SluiceError before the first write; later failures are in the report
 */
export async function writeAll(
  deps: WriteDeps,
  intents: readonly Intent[],
  options: WriteOptions,
): Promise<WriteReport> {
  const prepared = await prepareAll(deps, intents, options);
  await options.confirm?.(prepared.map(({ plan }) => plan));
  const results: WriteResult[] = [];
  const failures: WriteFailure[] = [];
  let notTried: readonly string[] = [];
  for (const [index, first] of prepared.entries()) {
    const { service } = first.plan;
    const intent = intents.find((one) => one.service === service);
    if (intent === undefined) throw new SluiceError('internal', `a plan for ${service} nobody asked for`);
    try {
      results.push(await write(deps, intent, { ...options, first }));
    } catch (error) {
      if (!(error instanceof SluiceError)) throw error;
      failures.push({ service, error });
      if (!ENDING.includes(error.code)) continue;
      notTried = prepared.slice(index + 1).map(({ plan }) => plan.service);
      break;
    }
  }
  const revision = Math.max(0, ...results.map((result) => result.revision));
  const report = { results, failures, notTried, revision };
  return { ...report, error: overall(failures, report) };
}
