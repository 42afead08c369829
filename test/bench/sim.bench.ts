/** Owns simulating ways to spread connections in nine scenarios and some more: the product's own controller and rules against others. */
import { expect, it } from 'vitest';
import { adaptive, type Outcome, outcomeOf, type Spread, SPREADS } from '../sim/compare.ts';
import { geometricMean } from '../sim/measure.ts';
import type { Scenario } from '../sim/scenario.ts';
import { MORE_SCENARIOS, SCENARIOS } from '../sim/scenarios.ts';
import { type Figure, recordFigures } from './figures.ts';

const SEEDS = Number(process.env['SIM_SEEDS'] ?? 6);

type Name = keyof typeof SPREADS;
/** Outcomes of one scenario. */
type Row = (name: Name) => Outcome;

const NAMES = [
  'equal',
  'static',
  'adaptive',
  'adaptive, iptables',
  'local least connections',
  'P2C global',
  'JSQ',
] as const satisfies readonly Name[];

/** What is varied for adaptive weights, in the scenarios in which it matters. */
const VARIANTS: readonly { readonly what: string; readonly spread: Spread }[] = [
  { what: 'as it is', spread: adaptive() },
  { what: 'weights act at once', spread: adaptive({ delaySeconds: 0 }) },
  { what: 'weights act after 2 s', spread: adaptive({ delaySeconds: 2 }) },
  { what: 'weights act after 4 s', spread: adaptive({ delaySeconds: 4 }) },
  { what: 'a sample each second', spread: adaptive({ everySeconds: 1 }) },
  {
    what: 'no slow start',
    spread: adaptive({ weighting: { kind: 'adaptive', slowStartMs: 0 } }),
  },
];
const VARIED = ['S1', 'S2', 'S5', 'S9', 'cold'];

function run(scenario: Scenario): Row {
  const outcomes = new Map(NAMES.map((name) => [name, outcomeOf(scenario, SPREADS[name], SEEDS)]));
  return (name) => {
    const outcome = outcomes.get(name);
    if (outcome === undefined) throw new Error(`${name} was not simulated`);
    return outcome;
  };
}

const count = (value: number): string => Math.round(value).toLocaleString('en');
const seconds = (value: number): string => (Number.isFinite(value) ? `${count(value)} s` : 'never');
const ratios = (rows: readonly Row[], name: Name): readonly number[] =>
  rows.map((row) => row(name).p99Ms / row('JSQ').p99Ms);

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  return [head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n');
}

function latencyTable(scenarios: readonly Scenario[], rows: readonly Row[]): string {
  const body = rows.map((row, index) => {
    const cells = NAMES.map((way) => {
      const { p99Ms } = row(way);
      return `${count(p99Ms)} (${(p99Ms / row('JSQ').p99Ms).toFixed(2)})`;
    });
    const { name, title } = scenarios[index] ?? { name: '', title: '' };
    return [`${name}: ${title}`, ...cells, row('adaptive').rewritesPerMinute.toFixed(1)];
  });
  return table(['p99 in ms (÷ JSQ)', ...NAMES, 'rewrites a minute, adaptive'], body);
}

function variantTable(): string {
  const scenarios = [...SCENARIOS, ...MORE_SCENARIOS].filter(({ name }) => VARIED.includes(name));
  const body = VARIANTS.map(({ what, spread }) => [
    what,
    ...scenarios.map((scenario) => count(outcomeOf(scenario, spread, SEEDS).p99Ms)),
  ]);
  return table(['adaptive, p99 in ms', ...scenarios.map(({ name }) => name)], body);
}

function figuresOf(rows: readonly Row[], long: Row): readonly Figure[] {
  const whole = geometricMean(ratios(rows, 'adaptive'));
  const worst = Math.max(...rows.map((row) => row('adaptive').p99Ms / row('equal').p99Ms));
  const settled = long('adaptive').settledAfterSeconds;
  const ideal = long('JSQ').settledAfterSeconds;
  const rewrites = Math.max(...rows.map((row) => row('adaptive').rewritesPerMinute));
  return [
    {
      what: 'nine scenarios, p99 of adaptive ÷ JSQ, geometric mean',
      measured: whole.toFixed(2),
      target: '≤ 1.41',
      met: whole <= 1.41,
    },
    {
      what: 'p99 of adaptive ÷ equal weights, the worst of nine',
      measured: worst.toFixed(2),
      target: '≤ 1',
      met: worst <= 1,
    },
    {
      what: 'long connections, 3 → 5 instances: time to max ÷ mean ≤ 1.15, ÷ JSQ',
      measured: `${(settled / ideal).toFixed(2)} (${seconds(settled)} ÷ ${seconds(ideal)})`,
      target: '≤ 1.25',
      met: settled <= 1.25 * ideal,
    },
    {
      what: 'rewrites a minute, the most of nine',
      measured: rewrites.toFixed(1),
      target: '≤ 30',
      met: rewrites <= 30,
    },
  ];
}

it('spreads connections', { timeout: 900_000 }, () => {
  const rows = SCENARIOS.map(run);
  const more = MORE_SCENARIOS.map(run);
  const long = rows[SCENARIOS.findIndex(({ name }) => name === 'S3')];
  if (long === undefined) throw new Error('no scenario with long connections');
  const means = NAMES.map((name) => geometricMean(ratios(rows, name)).toFixed(2));
  const text = [
    `Simulated, seeds: ${SEEDS}. 5 client nodes, a sample each 2 s, weights act .5 s later. What arrives is the same for all. Static, P2C, JSQ and local least connections are told the speeds; adaptive and equal weights are not.`,
    `${latencyTable(SCENARIOS, rows)}\n| geometric mean, ÷ JSQ | ${means.join(' | ')} | |`,
    latencyTable(MORE_SCENARIOS, more),
    variantTable(),
  ].join('\n\n');
  expect(recordFigures('Weights, simulated', figuresOf(rows, long), `${text}\n`)).toEqual([]);
});
