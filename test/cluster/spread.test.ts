import { beforeAll, describe, expect, it } from 'vitest';
import { chiSquareTest } from '../../src/balance/chi-square.ts';
import { answered, type LoadResult } from '../../src/dev/load/outcome.ts';
import { startLoad } from '../../src/dev/load/start-load.ts';
import { publish } from '../../src/ops/publish.ts';
import { waitConverged } from '../../src/ops/converge.ts';
import { assertNone, openLabStore, specOf, startAgent } from './harness/control.ts';
import type { Workplace } from '../../src/dev/machine.ts';
import { programArgv } from './harness/programs.ts';
import { useLab } from './harness/use-lab.ts';

const WEIGHTS = [1, 2, 7] as const;
const CONNECTIONS = Number(process.env['SPREAD_CONNECTIONS'] ?? 12_000);
/** The bound. */
const LEAST_P = 0.001;

async function burst(from: Workplace): Promise<LoadResult> {
  const pace = { kind: 'concurrency', connections: 32 } as const;
  const spec = {
    host: '10.96.0.10',
    port: 80,
    pace,
    count: CONNECTIONS,
    durationMs: 50_000,
    timeoutMs: 10_000,
  };
  const run = await startLoad(spec, { worker: programArgv('load'), ns: from.ns });
  return await run.result;
}

/** p of one burst, every connection of which must have been answered. */
async function pOfBurst(from: Workplace): Promise<number> {
  const result = await burst(from);
  expect(result.failures).toEqual([]);
  expect(answered(result)).toBe(CONNECTIONS);
  const counts = WEIGHTS.map((_, index) => result.instances[`i${index + 1}`] ?? 0);
  return chiSquareTest(counts, WEIGHTS).p;
}

describe('three instances with weights 1:2:7', () => {
  const lab = useLab({ nodes: 3, etcd: 1, clients: 1 });

  beforeAll(async () => {
    const { nodes, node } = lab();
    await Promise.all(
      nodes.map(async (machine, index) => {
        const server = await machine.start([
          ...programArgv('instance'),
          `i${index + 1}`,
          machine.address,
          '8080',
        ]);
        await server.waitForOutput(/^listening/);
      }),
    );
    await startAgent(lab(), node(1));
    const control = await openLabStore(lab());
    const instances = nodes.map(({ address }, index) => `${address}:8080=${WEIGHTS[index]}`);
    const report = await publish(control.deps, [specOf('web', '10.96.0.10:80', instances)]);
    const convergence = await waitConverged(control.deps, report.revision ?? 0, { timeoutMs: 10_000 });
    assertNone([...convergence.pending, ...convergence.failed]);
    await control.close();
  });

  // An honest spread fails p > 0.001 once in 1,000 runs; a wrong one fails it every time: so the second draw decides.
  it.each([
    ['a remote machine through the node', () => lab().client(1)],
    ['the node itself', () => lab().node(1)],
  ])(
    'get thousands of connections of %s by their weights, none failed',
    { timeout: 120_000 },
    async (_, from) => {
      const first = await pOfBurst(from());
      const p = first > LEAST_P ? first : await pOfBurst(from());
      expect(p).toBeGreaterThan(LEAST_P);
    },
  );
});
