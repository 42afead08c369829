/**
 * Owns what follows a write: the results on stdout, the shares on stderr, the bounded wait until the live agents have applied it, and the
 * exit code. What is written stands whatever the wait does, and every message says so.
 */
import { exitCodeOf, type ResultCode, SluiceError } from '../errors.ts';
import type { Convergence } from '../ops/converge.ts';
import type { WriteReport, WriteResult } from '../ops/result.ts';
import type { InstancesOutcome } from '../ops/wait-instances.ts';
import { awaitConvergence, convergenceProblem } from './await-convergence.ts';
import { awaitInstances, instancesProblem } from './await-instances.ts';
import { asSluiceError, formatError } from './error-output.ts';
import type { MutationOptions } from './options.ts';
import { isJson } from './output/format.ts';
import { writeListing } from './output/listing.ts';
import { shareText } from './output/plan-text.ts';
import type { Session } from './session.ts';

/** True where results are written as lines as soon as they are known; other formats are one document at the end. */
function inLines(session: Session): boolean {
  return ['table', 'wide', 'name'].includes(session.settings.output);
}

function writeLines(session: Session, results: readonly WriteResult[]): void {
  const { settings, deps, notes } = session;
  for (const result of results) {
    const reference = `service/${result.service}`;
    const isSilent = settings.quiet && result.outcome === 'unchanged';
    if (!isSilent) {
      deps.io.stdout.write(
        settings.output === 'name' ? `${reference}\n` : `${reference} ${result.outcome}\n`,
      );
    }
    const shares = result.outcome === 'deleted' ? '' : `; ${shareText(result.shares)}`;
    const prefix = results.length === 1 ? '' : `${reference}: `;
    notes.info(`${prefix}revision ${result.revision}${shares}`);
    if (result.requestId !== undefined) notes.detail(`request ${result.requestId}`);
  }
}

function writeFailures(session: Session, report: WriteReport): void {
  const { settings, deps, errPalette: palette, notes } = session;
  // With one service its failure is the command's own and is reported last.
  const others = report.failures.filter(({ error }) => error !== report.error);
  for (const { error } of others) {
    deps.io.stderr.write(
      formatError(error, { json: isJson(settings.output), debug: settings.debug, palette }),
    );
  }
  for (const name of report.notTried) notes.warn(`service/${name} was not tried`);
}

function convergenceJson(convergence: Convergence | undefined): object | null {
  if (convergence === undefined) return null;
  const { seconds, ...rest } = convergence;
  return { ...rest, waitedSeconds: Math.round(seconds * 1000) / 1000 };
}

/** The whole outcome as one document. */
async function writeDocument(
  session: Session,
  report: WriteReport,
  found: {
    readonly convergence: Convergence | undefined;
    readonly instances: ReadonlyMap<string, InstancesOutcome>;
  },
): Promise<void> {
  const waited = convergenceJson(found.convergence);
  const written = report.results.map(({ plan: _plan, service, ...result }) => ({
    reference: `service/${service}`,
    service,
    ...result,
    requestId: result.requestId ?? null,
    convergence: waited,
    instances: found.instances.get(service) ?? null,
  }));
  const failed = report.failures.map(({ service, error }) => ({
    reference: `service/${service}`,
    service,
    outcome: 'failed',
    error: { code: error.code, exitCode: exitCodeOf(error), message: error.message, why: error.why ?? null },
  }));
  const notTried = report.notTried.map((service) => ({
    reference: `service/${service}`,
    service,
    outcome: 'not-tried',
  }));
  const items: readonly { readonly reference: string; readonly outcome: string }[] = [
    ...written,
    ...failed,
    ...notTried,
  ];
  if (session.settings.quiet && items.every(({ outcome }) => outcome === 'unchanged')) return;
  await writeListing(session, {
    kind: 'ChangeList',
    revision: report.revision,
    items,
    name: ({ reference }) => reference,
    json: (item) => item,
    columns: [],
  });
}

/** How a wait ended: what was found, or why it stopped. */
interface Waited {
  readonly convergence: Convergence | undefined;
  readonly problem: SluiceError | undefined;
}

/** How to go on waiting: a service that is gone cannot be waited for. */
function againCommand(report: WriteReport): string {
  const there = report.results.find(({ outcome }) => outcome !== 'deleted');
  return there === undefined ? 'sluice status' : `sluice wait ${there.service} --for converged`;
}

/** The failure of a wait that ended early: what is written stands. Bugs stay bugs. */
function stoppedWaiting(error: unknown, revision: number, again: string): SluiceError {
  const cause = asSluiceError(error);
  if (cause.code === 'internal') return cause;
  const isInterrupted = cause.code === 'interrupted';
  const what = isInterrupted ? 'stopped' : cause.message;
  return new SluiceError(cause.code, `${what} while waiting for the nodes to apply revision ${revision}`, {
    why: `revision ${revision} is written and stands${isInterrupted || cause.why === undefined ? '' : `; ${cause.why}`}`,
    fix: `go on with: ${again}`,
    details: { ...cause.details, revision },
    cause: error,
  });
}

async function waitFor(session: Session, report: WriteReport, options: MutationOptions): Promise<Waited> {
  if (options.wait === false || report.results.length === 0) {
    return { convergence: undefined, problem: undefined };
  }
  const again = againCommand(report);
  try {
    const convergence = await awaitConvergence(session, report.revision);
    const asked = options.wait === true;
    return { convergence, problem: convergenceProblem(session, convergence, { again, asked }) };
  } catch (error) {
    return { convergence: undefined, problem: stoppedWaiting(error, report.revision, again) };
  }
}

/** How a wait for instances ended, by service. */
interface Started {
  readonly instances: ReadonlyMap<string, InstancesOutcome>;
  readonly problem: SluiceError | undefined;
}

const NONE: Started = { instances: new Map(), problem: undefined };

/** The managed service of a result; undefined for others. */
function managedOf({ outcome, plan, service }: WriteResult): string | undefined {
  if (outcome === 'deleted') return undefined;
  return plan.origin === 'managed' ? service : undefined;
}

/** Waits for the instances of managed services: where the command is about them, or --wait was given. */
async function waitStarted(
  session: Session,
  report: WriteReport,
  options: MutationOptions & { readonly instances: boolean },
): Promise<Started> {
  const names = report.results.flatMap((result) => managedOf(result) ?? []);
  const isAsked = options.wait === true;
  if (options.wait === false || !(options.instances || isAsked)) {
    const [first] = names;
    if (first !== undefined)
      session.notes.detail(`sluice wait ${first} --for healthy waits for the instances`);
    return NONE;
  }
  const instances = new Map<string, InstancesOutcome>();
  let problem: SluiceError | undefined;
  for (const service of names) {
    try {
      const outcome = await awaitInstances(session, service);
      instances.set(service, outcome);
      problem ??= instancesProblem(session, outcome, { service, asked: isAsked });
    } catch (error) {
      const again = `sluice wait ${service} --for healthy`;
      return { instances, problem: stoppedWaiting(error, report.revision, again) };
    }
  }
  return { instances, problem };
}

/** A report of one change that was written. */
const reportOfOne = (result: WriteResult): WriteReport => ({
  results: [result],
  failures: [],
  notTried: [],
  revision: result.revision,
  error: undefined,
});

/** `finishWrite` for one change. @throws SluiceError what the wait found */
export async function finishOne(
  session: Session,
  result: WriteResult,
  options: MutationOptions & { readonly instances?: boolean },
): Promise<ResultCode> {
  return await finishWrite(session, reportOfOne(result), options, { instances: options.instances });
}

/**
 * Shows what was written and waits for the nodes, and for the instances of managed services where the command is about them
 * (`instances`) or --wait was given.
 * @throws SluiceError the report's own error first, else what the wait found
 */
export async function finishWrite(
  session: Session,
  report: WriteReport,
  options: MutationOptions,
  { instances = false } = {},
): Promise<ResultCode> {
  const lines = inLines(session);
  if (lines) writeLines(session, report.results);
  const { convergence, problem } = await waitFor(session, report, options);
  const started =
    problem === undefined ? await waitStarted(session, report, { ...options, instances }) : NONE;
  if (!lines) await writeDocument(session, report, { convergence, instances: started.instances });
  writeFailures(session, report);
  const error = report.error ?? problem ?? started.problem;
  if (error !== undefined) throw error;
  return 'ok';
}
