/** Owns measuring what changes of the rules cost, the cells of one size in turn. */
import { median } from '../paired.ts';
import type { Cell } from './cells.ts';
import { benchService } from './services.ts';

/** Milliseconds; undefined where a contender has no such act. */
export interface ProgrammingCost {
  readonly change: number | undefined;
  readonly changeWhole: number | undefined;
  readonly changeMany: number | undefined;
  readonly add: number | undefined;
  readonly readBack: number | undefined;
}

const CHANGES = 11;
/** A contender that has spent so much time on one kind of act makes no more of them. */
const ENOUGH_MS = 2_500;
const ADDED = 3;
/** Services of one batch, or all if there are fewer. */
const MANY = 100;

class Samples {
  readonly #values: number[] = [];

  async take(act: (() => Promise<number>) | undefined): Promise<void> {
    const spent = this.#values.reduce((sum, value) => sum + value, 0);
    if (act !== undefined && spent < ENOUGH_MS) this.#values.push(await act());
  }

  get median(): number | undefined {
    return this.#values.length === 0 ? undefined : median(this.#values);
  }
}

/** Measures cells of one size. */
export async function measureProgramming(
  cells: readonly Cell[],
): Promise<ReadonlyMap<Cell, ProgrammingCost>> {
  const all = cells
    .filter(({ serving }) => serving.change !== undefined)
    .map((cell) => ({
      cell,
      change: new Samples(),
      changeWhole: new Samples(),
      changeMany: new Samples(),
      add: new Samples(),
      readBack: new Samples(),
    }));
  for (let n = 1; n <= CHANGES; n += 1) {
    for (const { cell, ...samples } of all) {
      const { changeWhole, change } = cell.serving;
      const at = (n * 7) % cell.size;
      // The bare transaction is the last one once more, so there must have been one.
      await samples.changeWhole.take(changeWhole && (async () => await changeWhole(at, n)));
      await samples.change.take(change && (async () => await change(at, n)));
    }
  }
  for (let n = 1; n <= ADDED; n += 1) {
    for (const { cell, ...samples } of all) {
      const { changeMany, add, readBack } = cell.serving;
      const step = Math.max(1, Math.floor(cell.size / MANY));
      const ats = Array.from({ length: Math.min(MANY, cell.size) }, (_, k) => k * step);
      await samples.changeMany.take(changeMany && (async () => await changeMany(ats, 100 + n)));
      await samples.add.take(add && (async () => await add(benchService(cell.size + n))));
      await samples.readBack.take(readBack);
    }
  }
  return new Map(
    all.map(({ cell, ...samples }) => [
      cell,
      {
        change: samples.change.median,
        changeWhole: samples.changeWhole.median,
        changeMany: samples.changeMany.median,
        add: samples.add.median,
        readBack: samples.readBack.median,
      },
    ]),
  );
}
