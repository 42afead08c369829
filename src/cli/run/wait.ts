/** Owns the body of `wait`. */
import { type ResultCode, SluiceError } from '../../errors.ts';
import { formatReference, parseReference } from '../../model/reference.ts';
import { quoteValue } from '../../model/text.ts';
import { waitFor, type WaitCondition } from '../../ops/wait-for.ts';
import { DEFAULT_WAIT_MS } from '../await-convergence.ts';
import type { WaitFlags } from '../commands/wait.ts';
import { writeListing } from '../output/listing.ts';
import { startProgress } from '../progress.ts';
import { readDeps, type Session } from '../session.ts';
import { suggestFor } from '../suggest.ts';

/** The condition as data. @throws SluiceError `usage` */
function conditionOf(text: string): WaitCondition {
  const count = /^instances=(0|[1-9][0-9]{0,5})$/.exec(text)?.[1];
  if (count !== undefined) return { kind: 'instances', count: Number(count) };
  if (text === 'converged' || text === 'healthy' || text === 'drained') return { kind: text };
  throw new SluiceError('usage', `--for: ${quoteValue(text)} is not a condition`, {
    why: 'conditions are converged, healthy, instances=N and drained',
    fix: suggestFor(
      text,
      ['converged', 'healthy', 'instances=1', 'drained'],
      'write for example --for converged',
    ),
    details: { flag: '--for', value: text.slice(0, 80) },
  });
}

/** Seconds to the millisecond. */
const toMs = (seconds: number): number => Math.round(seconds * 1000) / 1000;

/** Waits until the condition holds. @throws SluiceError `unhealthy` if it does not in time */
export async function waitBody(session: Session, word: string, flags: WaitFlags): Promise<ResultCode> {
  const condition = conditionOf(flags.for);
  const reference = parseReference(word);
  const timeoutMs = session.settings.timeoutMs ?? DEFAULT_WAIT_MS;
  const name = formatReference(reference);
  const progress = await startProgress(session, `waiting for ${name} to be ${flags.for}`);
  const options = {
    condition,
    timeoutMs,
    signal: session.signal,
    onProgress: (now: string) => progress.update(`${name}: ${now}`),
  };
  const deps = await readDeps(session);
  const outcome = await waitFor(deps, reference, options).finally(() => progress.stop());
  const { met, now, seconds, revision } = outcome;
  if (!met) {
    throw new SluiceError(
      'unhealthy',
      `${flags.for} does not hold for ${name} after ${seconds.toFixed(1)}s`,
      {
        why: now,
        fix: `sluice describe ${word} shows it; --timeout gives more time`,
        details: { reference: name, condition: flags.for, now, waitedSeconds: toMs(seconds), revision },
      },
    );
  }
  const item = { reference: name, condition: flags.for, met, now, waitedSeconds: toMs(seconds) };
  if (session.settings.quiet) return 'ok';
  await writeListing(session, {
    kind: 'WaitResult',
    revision,
    items: [item],
    name: () => name,
    json: () => ({ ...item, convergence: outcome.convergence ?? null }),
    columns: [],
    text: () => `${name} ${flags.for} after ${seconds.toFixed(1)}s: ${now}\n`,
  });
  return 'ok';
}
