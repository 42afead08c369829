/** Owns counting how connections spread over the instances of a service, as the instances see them. */
import { chiSquareTest } from '../../../src/balance/chi-square.ts';
import type { Figure } from '../figures.ts';
import { LAYOUTS, sluiceName } from './cells.ts';
import { SPREAD, takesPart } from './options.ts';
import { ENTRY_PORT, weightedService } from './services.ts';
import { sluice } from './sluice.ts';
import type { World } from './world.ts';

const equal = (count: number): readonly number[] => Array.from({ length: count }, () => 1);
const CASES: Readonly<Record<string, readonly number[]>> = {
  '1:2:7': [1, 2, 7],
  '3 equal': equal(3),
  '5 equal': equal(5),
  '20 equal': equal(20),
};
/** By chance one of a thousand honest counts has a smaller p. */
const LEAST_P = 0.001;

/** Judges one count: exact where the layout takes turns, by chi-square where it draws. */
function judge(
  what: string,
  counts: readonly number[],
  weights: readonly number[],
  isExact: boolean,
): Figure {
  const sum = weights.reduce((a, b) => a + b, 0);
  const off = Math.max(...counts.map((count, at) => Math.abs(count - (SPREAD * (weights[at] ?? 0)) / sum)));
  const { statistic, p } = chiSquareTest(counts, weights);
  return {
    what,
    measured: `at most ${off.toFixed(1)} from its share; chi-square ${statistic.toFixed(2)}, p = ${p.toFixed(3)}`,
    target: isExact ? `≤ ${weights.length} from its share` : `p > ${LEAST_P}`,
    met: isExact ? off <= weights.length : p > LEAST_P,
  };
}

/** Counts for each layout of Sluice and each set of weights; the layouts at the same time, since nothing is timed. */
export async function measureSpread(world: World): Promise<readonly Figure[]> {
  const named = Object.entries(CASES);
  const services = named.map(([, weights], at) => weightedService(at, weights));
  const layouts = LAYOUTS.filter((one) => takesPart(sluiceName(one)));
  const figures = layouts.map(async (layout): Promise<readonly Figure[]> => {
    const lane = await world.openLane();
    await sluice({ layout })(lane, services);
    const own: Figure[] = [];
    for (const [at, [name, weights]] of named.entries()) {
      const { vip = '', instances = [] } = services[at] ?? {};
      const seen = await lane.crowd.serve(vip, ENTRY_PORT, SPREAD);
      const counts = instances.map((ip) => seen.get(ip) ?? 0);
      const what = `${sluiceName(layout)}: spread of ${SPREAD.toLocaleString('en')} connections, ${name}`;
      own.push(judge(what, counts, weights, layout === 'nftables'));
    }
    return own;
  });
  return (await Promise.all(figures)).flat();
}
