/** Owns the pace of the load generator: when attempts begin, and when the run ends. Open loop means that answers never slow the pace. */
import { SluiceError } from '../../errors.ts';
import { systemClock, type Clock } from '../../host/clock.ts';
import { attempt, type Answer, type AttemptTarget } from './attempt.ts';
import type { LoadResult, LoadSpec } from './outcome.ts';
import { createTally, type Tally } from './tally.ts';

/** What a run needs from outside. */
export interface LoadDeps {
  readonly clock?: Clock | undefined;
  readonly attempt?: ((target: AttemptTarget, done: (answer: Answer) => void) => void) | undefined;
  /** Ends the run early; attempts under way are awaited. */
  readonly signal?: AbortSignal | undefined;
}

interface Run {
  readonly spec: LoadSpec;
  readonly clock: Clock;
  readonly tally: Tally;
  readonly elapsedMs: () => number;
  /** Begins one attempt that was due at `dueMs`; resolves when it ended. */
  readonly begin: (dueMs: number) => Promise<void>;
  readonly over: () => boolean;
}

/** An open-loop generator looks this often for attempts that are due … */
const TICK_MS = 1;
/** … and when it is late, lets answers in after so many begun at once. */
const BURST = 32;
const LOAD_BOUNDS = { count: 10_000_000, durationMs: 600_000, pace: 100_000 };

/**
 * Runs the load to its end and tells what became of it.
 * @throws SluiceError `usage` if the spec has no bound or a senseless pace
 */
export async function generateLoad(spec: LoadSpec, deps: LoadDeps = {}): Promise<LoadResult> {
  checkSpec(spec);
  const clock = deps.clock ?? systemClock;
  const try1 = deps.attempt ?? attempt;
  const target = { host: spec.host, port: spec.port, timeoutMs: spec.timeoutMs ?? 3000 };
  const tally = createTally(spec.slowMs ?? 1000);
  const startMs = clock.monotonicMs();
  const elapsedMs = (): number => clock.monotonicMs() - startMs;
  let begun = 0;
  const run: Run = {
    spec,
    clock,
    tally,
    elapsedMs,
    begin: async (dueMs) => {
      begun += 1;
      const begunMs = elapsedMs();
      await new Promise<void>((resolve) => {
        try1(target, (answer) => {
          tally.add(answer, { dueMs, begunMs, endedMs: elapsedMs() });
          resolve();
        });
      });
    },
    over: () => begun >= spec.count || elapsedMs() >= spec.durationMs || deps.signal?.aborted === true,
  };
  await (spec.pace.kind === 'rate'
    ? openLoop(run, spec.pace.perSecond)
    : closedLoop(run, spec.pace.connections));
  return tally.result(elapsedMs() / 1000);
}

/** Attempt k is due at k / perSecond, and is begun even if the generator is late; it is measured from when it was due. */
async function openLoop(run: Run, perSecond: number): Promise<void> {
  const underWay = new Set<Promise<void>>();
  for (let k = 0; !run.over();) {
    const dueMs = (k * 1000) / perSecond;
    if (dueMs > run.elapsedMs()) {
      await run.clock.sleep(TICK_MS);
      continue;
    }
    k += 1;
    if (k % BURST === 0) await run.clock.sleep(0);
    const one = run.begin(dueMs);
    underWay.add(one);
    void one.then(() => underWay.delete(one));
  }
  await Promise.all(underWay);
}

async function closedLoop(run: Run, connections: number): Promise<void> {
  const lane = async (): Promise<void> => {
    while (!run.over()) await run.begin(run.elapsedMs());
  };
  await Promise.all(Array.from({ length: connections }, lane));
}

function checkSpec({ pace, count, durationMs }: LoadSpec): void {
  const given = { count, durationMs, pace: pace.kind === 'rate' ? pace.perSecond : pace.connections };
  const wrong = (['count', 'durationMs', 'pace'] as const).filter(
    (key) => !(given[key] > 0 && given[key] <= LOAD_BOUNDS[key]),
  );
  if (wrong.length === 0) return;
  throw new SluiceError('usage', `a load run needs bounds: ${wrong.join(', ')}`, {
    why: 'each must be above 0 and not above its limit',
    details: { given, limits: LOAD_BOUNDS },
  });
}
