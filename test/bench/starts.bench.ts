/** Measures what instances that start do to those that serve on the same node: with the weight of starting ones, and with everybody's. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startLoad } from '../../src/dev/load/start-load.ts';
import type { LoadResult } from '../../src/dev/load/outcome.ts';
import { systemClock } from '../../src/host/clock.ts';
import type { Driver } from '../../src/runtime/driver.ts';
import { workingProgram } from '../cluster/harness/working-instance.ts';
import { programArgv } from '../cluster/harness/programs.ts';
import { type DriverWorld, eventually, openDriverWorld, outputOf } from '../contract/driver-world.ts';
import { recordFigures } from './figures.ts';
import { percentile } from './paired.ts';

/** Two that serve, with a request of a few milliseconds of processor; eight that need half a second of it before they are up. */
const SERVING = { ports: [20_101, 20_102], perSecond: 40, count: 40_000 };
const STARTING = { instances: 8, rounds: 4, count: 5_000_000 };
const STEADY_MS = 4_000;
const IP = '127.0.0.1';

type How = 'gentle' | 'equal';

const busy = `$i = 0; $i++ while $i < ${STARTING.count}; print "up\\n"; sleep 1000`;

describe('a node whose instances serve while others start', () => {
  let world: DriverWorld;
  let driver: Driver;
  beforeAll(async () => {
    world = await openDriverWorld('process');
    driver = await world.open();
    const file = await workingProgram(world.scratch);
    for (const port of SERVING.ports) {
      const command = ['/usr/bin/perl', file, IP, String(port), String(SERVING.count), 'none'];
      await driver.start(world.order({ id: `serving-${port}`, port, command }));
      driver.hasStarted?.(`serving-${port}`);
    }
  });
  afterAll(async () => {
    await world.close();
  });

  /** Load on those that serve, while something is done. */
  const during = async (act: () => Promise<void>): Promise<readonly LoadResult[]> => {
    const pace = { kind: 'rate', perSecond: SERVING.perSecond } as const;
    const runs = await Promise.all(
      SERVING.ports.map(async (port) => {
        const spec = { host: IP, port, pace, count: 100_000, durationMs: 120_000 };
        return await startLoad(
          { ...spec, timeoutMs: 20_000, slowMs: 20_000 },
          { worker: programArgv('load') },
        );
      }),
    );
    await act();
    return await Promise.all(runs.map(async (run) => await run.stop()));
  };
  /** Starts and ends them all. @returns until all were up, ms */
  const startAll = async (how: How): Promise<number> => {
    const ids = Array.from({ length: STARTING.instances }, (_, at) => `starting-${at}`);
    const begun = systemClock.monotonicMs();
    await Promise.all(
      ids.map(async (id) => {
        await driver.start(world.order({ id, command: ['/usr/bin/perl', '-e', `$| = 1; ${busy}`] }));
        if (how === 'equal') driver.hasStarted?.(id);
        await eventually(async () => expect(await outputOf(driver, id, 'stdout')).toContain('up'));
      }),
    );
    const tookMs = systemClock.monotonicMs() - begun;
    for (const id of ids) {
      await driver.stop(id, { signal: 'SIGTERM', graceMs: 1_000 });
      await driver.remove(id);
    }
    return tookMs;
  };

  it('goes on serving', { timeout: 230_000 }, async () => {
    const p99 = (results: readonly LoadResult[]): number =>
      Math.max(...results.map(({ latency }) => latency.p99));
    const steady = p99(await during(async () => await systemClock.sleep(STEADY_MS)));
    const found: Record<How, { readonly p99: number; readonly upMs: number }[]> = { gentle: [], equal: [] };
    for (let round = 0; round < STARTING.rounds; round += 1) {
      // Each is first as often as the other.
      const order: readonly How[] = round % 2 === 0 ? ['gentle', 'equal'] : ['equal', 'gentle'];
      for (const how of order) {
        let upMs = 0;
        const results = await during(async () => {
          upMs = await startAll(how);
        });
        found[how].push({ p99: p99(results), upMs });
      }
    }
    const medianOf = (how: How, what: 'p99' | 'upMs'): number =>
      percentile(
        found[how].map((one) => one[what]),
        0.5,
      );
    const [gentle, equal] = [medianOf('gentle', 'p99'), medianOf('equal', 'p99')];
    const [gentleUp, equalUp] = [medianOf('gentle', 'upMs'), medianOf('equal', 'upMs')];
    const figures = [
      {
        what: `p99 of two that serve while ${STARTING.instances} start, which have a quarter of their weight, against equal weights (steady ${steady.toFixed(0)} ms)`,
        measured: `${gentle.toFixed(0)} against ${equal.toFixed(0)} ms, ${(gentle / equal).toFixed(2)} ×`,
        target: '≤ 1 ×',
        met: gentle <= equal,
      },
      {
        what: 'until all of them are up, against equal weights',
        measured: `${gentleUp.toFixed(0)} against ${equalUp.toFixed(0)} ms, ${(gentleUp / equalUp).toFixed(2)} ×`,
        target: '≤ 1.5 ×',
        met: gentleUp <= 1.5 * equalUp,
      },
    ];
    expect(recordFigures('Starts beside instances that serve', figures)).toEqual([]);
  });
});
