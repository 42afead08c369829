import { describe, expect, it } from 'vitest';
import { type Compared, compareAll, tableOf, type TraceName } from '../sim/scaling/compare.ts';
import { recordFigures } from './figures.ts';

const SEEDS = 20;

function delayedOf(all: readonly Compared[], name: string, trace: TraceName): number {
  const outcomes = all.find((one) => one.name === name)?.outcomes;
  return outcomes?.find((one) => one.trace === trace)?.delayed ?? Number.NaN;
}

const percent = (share: number): string => `${(share * 100).toFixed(2)} %`;

describe('scaling, simulated', () => {
  it('delays few requests, and fewer than the HPA and Nomad', () => {
    const all = compareAll(SEEDS);
    const step = delayedOf(all, 'Sluice', 'step × 3');
    const spikes = delayedOf(all, 'Sluice', 'spikes');
    const others = (trace: TraceName): string =>
      `${percent(delayedOf(all, 'Kubernetes HPA', trace))}, ${percent(delayedOf(all, 'Nomad target-value', trace))}`;
    const missed = recordFigures(
      'Scaling, simulated',
      [
        {
          what: `load × 3 at once: requests delayed > 0.5 s, mean of ${SEEDS} seeds (HPA, Nomad: ${others('step × 3')})`,
          measured: percent(step),
          target: '≤ 2.5 %',
          met: step <= 0.025,
        },
        {
          what: `spikes of 40 s every 4 minutes: the same (HPA, Nomad: ${others('spikes')})`,
          measured: percent(spikes),
          target: '≤ 3 %',
          met: spikes <= 0.03,
        },
      ],
      tableOf(all),
    );
    expect(missed).toEqual([]);
  });
});
