import { afterAll, beforeAll, expect, it } from 'vitest';
import { isMachineRoot } from '../../harness/netns.ts';
import { printFigures, recordFigures } from '../figures.ts';
import { type Cell, openCells } from './cells.ts';
import { measureLatencies } from './latency.ts';
import { FIGURES, IS_WHOLE, LARGEST, SIZES } from './options.ts';
import { measureProgramming, type ProgrammingCost } from './programming.ts';
import { measureRates } from './rate.ts';
import { latencyTable, loadTable, programmingTable, rateTable } from './tables.ts';
import { latencyTargets, programmingTargets } from './targets.ts';
import { measureSpread } from './spread.ts';
import { openWorld, type World } from './world.ts';

const wants = (figure: string): boolean => FIGURES.includes(figure);
let world: World;

beforeAll(async () => {
  if (!isMachineRoot)
    throw new Error('this benchmark needs root: iptables-legacy and large transactions are for root only');
  world = await openWorld();
});
afterAll(async () => {
  await world.close();
});

it('measures Sluice beside the others', { timeout: 900_000 }, async () => {
  const started = performance.now();
  const say = (text: string): void =>
    void process.stdout.write(`${((performance.now() - started) / 1000).toFixed(0)} s: ${text}\n`);
  const { cells, left } = await openCells(world);
  say('all are up');
  const plain = cells.filter(({ instances }) => instances === undefined);
  const latencies = await measureLatencies(wants('latency') ? cells : []);
  say('latencies measured');
  const rates = await measureRates(wants('rate') ? plain.filter(({ size }) => size === LARGEST) : []);
  say('rates measured');
  const costs = new Map<Cell, ProgrammingCost>();
  for (const size of wants('programming') ? SIZES : []) {
    const measured = await measureProgramming(plain.filter((cell) => cell.size === size));
    for (const [cell, cost] of measured) costs.set(cell, cost);
  }
  say('changes measured');
  const spread = wants('spread') ? await measureSpread(world) : [];
  say('spread measured');
  const figures = [...latencyTargets(latencies), ...programmingTargets(cells, costs), ...spread];
  const tables = [
    latencyTable(latencies),
    rateTable(rates),
    loadTable(plain),
    programmingTable(costs),
    ...(left.length === 0 ? [] : [`Not measured: ${left.join('; ')}.`]),
  ];
  const title = `Data plane: ${SIZES.map((size) => size.toLocaleString('en')).join(', ')} services × 5 instances`;
  const conclude = IS_WHOLE ? recordFigures : printFigures;
  expect(conclude(title, figures, tables.join('\n'))).toEqual([]);
});
