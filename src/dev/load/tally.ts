/** Owns the counting of a load run: attempts in, one result out. No clock of its own. */
import { createHistogram, quantilesOf } from './histogram.ts';
import { OUTCOMES, outcomeOf, type Failure, type LoadResult, type Outcome } from './outcome.ts';
import type { Answer } from './attempt.ts';

/** When an attempt was due, began and ended: ms since the run began. */
export interface AttemptTimes {
  readonly dueMs: number;
  readonly begunMs: number;
  readonly endedMs: number;
}

/** The counts of a run. */
export interface Tally {
  readonly add: (answer: Answer, times: AttemptTimes) => void;
  /** @param seconds how long the run took */
  readonly result: (seconds: number) => LoadResult;
}

/** An empty tally. @param slowMs answers later than this are `slow` */
export function createTally(slowMs: number): Tally {
  const latency = createHistogram();
  const lag = createHistogram();
  const outcomes = new Map<Outcome, number>();
  const instances = new Map<string, number>();
  const failures: Failure[] = [];
  return {
    add: (answer, { dueMs, begunMs, endedMs }) => {
      lag.add(begunMs - dueMs);
      const took = endedMs - dueMs;
      const outcome = 'name' in answer ? (took > slowMs ? 'slow' : 'ok') : outcomeOf(answer.code);
      outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
      if ('name' in answer) {
        latency.add(took);
        instances.set(answer.name, (instances.get(answer.name) ?? 0) + 1);
      } else if (failures.length < 20) {
        failures.push({ atMs: Math.round(endedMs), outcome, code: answer.code });
      }
    },
    result: (seconds) => ({
      attempts: lag.count(),
      outcomes: outcomeCounts(outcomes),
      instances: Object.fromEntries([...instances].toSorted(([a], [b]) => (a < b ? -1 : 1))),
      latency: quantilesOf(latency),
      lag: quantilesOf(lag),
      seconds: Math.round(seconds * 1000) / 1000,
      perSecond: Math.round(lag.count() / Math.max(seconds, 0.001)),
      failures,
    }),
  };
}

function outcomeCounts(outcomes: ReadonlyMap<Outcome, number>): Readonly<Record<Outcome, number>> {
  const [ok, slow, refused, reset, timeout, unreachable, local] = OUTCOMES.map(
    (name) => outcomes.get(name) ?? 0,
  );
  return {
    ok: ok ?? 0,
    slow: slow ?? 0,
    refused: refused ?? 0,
    reset: reset ?? 0,
    timeout: timeout ?? 0,
    unreachable: unreachable ?? 0,
    local: local ?? 0,
  };
}
