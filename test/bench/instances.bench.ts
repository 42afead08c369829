/** Measures 100 instances on one node: how long their start takes, what following them costs, how soon an end is seen, what they add to the agent's memory. */
import { describe, expect, it } from 'vitest';
import { openDriverWorld } from '../contract/driver-world.ts';
import { type Figure, recordFigures } from './figures.ts';

const COUNT = 100;
const WATCH_MS = 10_000;
const SAMPLE_MS = 2_000;
const KILLED = 50;

const percentile = (values: readonly number[], part: number): number =>
  values.toSorted((a, b) => a - b)[Math.min(values.length - 1, Math.floor(values.length * part))] ??
  Number.NaN;

const figure = (
  what: string,
  value: number,
  { unit, most }: { readonly unit: string; readonly most: number },
): Figure => ({
  what,
  measured: `${value.toFixed(1)} ${unit}`,
  target: `≤ ${most} ${unit}`,
  met: value <= most,
});

describe('100 instances on one node', () => {
  it('start within 10 s, cost at most 2 % of a core, and are seen to end within 20 ms', async () => {
    const world = await openDriverWorld('process');
    try {
      const driver = await world.open();
      const ids = Array.from({ length: COUNT }, (_, at) => `bench-${process.pid}-${at}`);
      await driver.start(world.order({ id: `warm-${process.pid}` }));
      globalThis.gc?.();
      const rssBefore = process.memoryUsage().rss;
      const begun = performance.now();
      await Promise.all(ids.map((id) => driver.start(world.order({ id }))));
      const startMs = performance.now() - begun;
      globalThis.gc?.();
      const rssKiB = (process.memoryUsage().rss - rssBefore) / 1024 / COUNT;
      const cpu = process.cpuUsage();
      const from = performance.now();
      while (performance.now() - from < WATCH_MS) {
        await driver.usage(ids);
        await new Promise((resolve) => void setTimeout(resolve, SAMPLE_MS));
      }
      const used = process.cpuUsage(cpu);
      const share = (used.user + used.system) / 1000 / (performance.now() - from);
      const delays: number[] = [];
      for (const found of (await driver.list()).slice(0, KILLED)) {
        if (found.kind !== 'running' || found.main === undefined) continue;
        const { pid } = found.main;
        const killed = performance.now();
        const seen = new Promise<number>(
          (resolve) => void driver.onExit(found.id, () => resolve(performance.now() - killed)),
        );
        process.kill(pid, 'SIGKILL');
        delays.push(await seen);
      }
      const p99 = percentile(delays, 0.99);
      const figures: readonly Figure[] = [
        figure('start of all', startMs, { unit: 'ms', most: 10_000 }),
        figure(`following them, use read every ${SAMPLE_MS} ms`, share * 100, {
          unit: '% of a core',
          most: 2,
        }),
        figure('memory an instance', rssKiB, { unit: 'KiB', most: 200 }),
        figure('end by SIGKILL is seen, p99', p99, { unit: 'ms', most: 20 }),
      ];
      expect(recordFigures(`Instances: ${COUNT} on a node`, figures)).toEqual([]);
    } finally {
      await world.close();
    }
  }, 120_000);
});
