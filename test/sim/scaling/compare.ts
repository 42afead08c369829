/** Owns the comparison of algorithms of scaling over loads and seeds, and its table. */
import { hpa } from './hpa.ts';
import { kpa } from './kpa.ts';
import { nomad } from './nomad.ts';
import { sluice } from './sluice.ts';
import { type Algorithm, type Outcome, simulate, TRACES } from './world.ts';

/** Name of a load. */
export type TraceName = keyof typeof TRACES;

/** Those that are compared; each call makes a fresh one. */
const ALGORITHMS: Readonly<Record<string, () => Algorithm>> = {
  Sluice: () => sluice(),
  'Kubernetes HPA': hpa,
  'Nomad target-value': nomad,
  'Knative KPA': kpa,
};

const NAMES: readonly TraceName[] = ['step × 3', 'spikes', 'noise', 'ramp'];

/** Means over seeds 1 to `seeds`. */
export function meanOutcome(make: () => Algorithm, trace: TraceName, seeds: number): Outcome {
  const runs = Array.from({ length: seeds }, (_, index) => simulate(TRACES[trace], make(), index + 1));
  const mean = (of: (run: Outcome) => number): number => runs.reduce((sum, run) => sum + of(run), 0) / seeds;
  return {
    delayed: mean(({ delayed }) => delayed),
    meanInstances: mean(({ meanInstances }) => meanInstances),
    changes: mean(({ changes }) => changes),
    turns: mean(({ turns }) => turns),
  };
}

/** One algorithm under every load. */
export interface Compared {
  readonly name: string;
  readonly outcomes: readonly (Outcome & { readonly trace: TraceName })[];
}

/** Every algorithm under every load. */
export function compareAll(seeds: number): readonly Compared[] {
  return Object.entries(ALGORITHMS).map(([name, make]) => {
    return { name, outcomes: NAMES.map((trace) => ({ trace, ...meanOutcome(make, trace, seeds) })) };
  });
}

function cell({ delayed, meanInstances, changes, turns }: Outcome): string {
  return `${(delayed * 100).toFixed(1)} % / ${meanInstances.toFixed(1)} / ${changes.toFixed(0)} / ${turns.toFixed(0)}`;
}

/** A Markdown table: requests delayed by more than 0.5 s, mean instances, changes, turns of direction. */
export function tableOf(all: readonly Compared[]): string {
  const rows = all.map(({ name, outcomes }) => `| ${name} | ${outcomes.map(cell).join(' | ')} |`);
  return [
    'Requests that wait longer than 0.5 s / mean instances / changes / turns of direction, of 40 minutes. Load 60 a second with 180 for ten minutes',
    '(step), with 180 for 40 s of every four minutes (spikes), 100 (noise), 40 to 300 in 15 minutes (ramp), each with 10 % noise; an',
    'instance does 20 a second, answers 10 s after it is asked for, and burns all of its processor for its first 5 s.',
    '',
    `| algorithm, with its defaults, target 70 % | ${NAMES.join(' | ')} |`,
    `| --- | ${NAMES.map(() => '---').join(' | ')} |`,
    ...rows,
    '',
  ].join('\n');
}
