/** Owns counting connections a second, of many clients at once to random services. */
import { type Cell } from './cells.ts';
import { median } from '../paired.ts';
import { ENTRY_PORT, INSTANCE_PORT } from './services.ts';

const ROUNDS = 4;
const LOAD = { ms: 400, processes: 16 };
/** Services among which the clients choose. */
const TARGETS = 200;

/** Connections a second of each cell, each with one byte there and back; the cells in turn. */
export async function measureRates(cells: readonly Cell[]): Promise<ReadonlyMap<Cell, number>> {
  const rates = new Map<Cell, number[]>(cells.map((cell) => [cell, []]));
  for (let round = 0; round < ROUNDS; round += 1) {
    for (const cell of cells) {
      const step = Math.max(1, Math.floor(cell.services.length / TARGETS));
      const targets = cell.services.filter((_, at) => at % step === step - 1);
      const ips = targets.map(({ vip, instances }) =>
        cell.kind === 'forwards' ? (instances[0] ?? '') : vip,
      );
      const port = cell.kind === 'forwards' ? INSTANCE_PORT : ENTRY_PORT;
      const connections = await cell.lane.crowd.rate(ips, port, LOAD);
      rates.get(cell)?.push((connections / LOAD.ms) * 1000);
    }
  }
  return new Map([...rates].map(([cell, values]) => [cell, median(values)]));
}
