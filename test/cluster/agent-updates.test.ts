import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Child } from '../../src/dev/child.ts';
import { answered } from '../../src/dev/load/outcome.ts';
import { startLoad } from '../../src/dev/load/start-load.ts';
import { waitUntil } from '../../src/host/wait.ts';
import { changeInstances } from '../../src/ops/change-instances.ts';
import { waitConverged } from '../../src/ops/converge.ts';
import { publish } from '../../src/ops/publish.ts';
import { assertNone, type LabStore, openLabStore, specOf, startAgent } from './harness/control.ts';
import { isMachineRoot } from '../harness/netns.ts';
import { programArgv } from './harness/programs.ts';
import { useLab } from './harness/use-lab.ts';

const SERVICES = 1_000;
/** AGENT_UPDATES=500 makes as many as were asked for once; they take a quarter of a whole run of the tests. */
const UPDATES = Number(process.env['AGENT_UPDATES'] ?? 60);
const RATE = 500;

interface AppliedLine {
  readonly chainsChanged: number;
  readonly chainsRemoved: number;
  readonly rulesWritten: number;
}

/** The `rules applied` lines of an agent's log, the newest last. */
function appliedLines(log: string): readonly AppliedLine[] {
  const pattern = /rules applied .*chainsChanged=(\d+) chainsRemoved=(\d+) rulesWritten=(\d+)/g;
  return [...log.matchAll(pattern)].map(([, changed, removed, written]) => ({
    chainsChanged: Number(changed),
    chainsRemoved: Number(removed),
    rulesWritten: Number(written),
  }));
}

const entryOf = (index: number): string => `10.96.${Math.floor(index / 250)}.${(index % 250) + 1}:80`;

describe.skipIf(!isMachineRoot)('one service among 1,000 (needs root)', () => {
  const lab = useLab({ nodes: 2, etcd: 1 });
  let control: LabStore;
  let agent: Child;

  const converged = async (revision: number): Promise<void> => {
    const { outcome, pending, failed } = await waitConverged(control.deps, revision, { timeoutMs: 30_000 });
    expect({ outcome, pending, failed }).toEqual({ outcome: 'converged', pending: [], failed: [] });
  };

  beforeAll(async () => {
    control = await openLabStore(lab());
    const { node } = lab();
    for (const [name, port] of [
      ['a', '8080'],
      ['b', '8081'],
    ] as const) {
      const server = await node(2).start([...programArgv('instance'), name, node(2).address, port]);
      await server.waitForOutput(/^listening/);
    }
    const backends = ['10.77.0.2:8080', '10.77.0.2:8081'];
    const specs = Array.from({ length: SERVICES }, (_, index) =>
      specOf(`s${index}`, entryOf(index), backends.slice(0, 1)),
    );
    const report = await publish(control.deps, specs);
    assertNone(report.failures);
    agent = await startAgent(lab(), node(1));
    await converged(report.revision);
  }, 120_000);

  afterAll(async () => {
    await control.close();
  });

  it(
    `costs exactly its own chain when an instance comes or goes, and no connection fails over ${UPDATES} such updates`,
    { timeout: 240_000 },
    async () => {
      const spec = {
        host: '10.96.2.100',
        port: 80,
        pace: { kind: 'rate', perSecond: RATE },
        count: 1_000_000,
        durationMs: 200_000,
      } as const;
      const service = 's599';
      const load = await startLoad(spec, { worker: programArgv('load'), ns: lab().node(1).ns });
      const before = appliedLines(agent.stderr()).length;
      const second = { ip: '10.77.0.2', port: 8081 };
      for (let update = 0; update < UPDATES; update += 1) {
        const change =
          update % 2 === 0
            ? ({ kind: 'add', service, instances: [{ ...second, weight: 1 }] } as const)
            : ({ kind: 'remove', service, addresses: [second] } as const);
        const report = await changeInstances(control.deps, change);
        await converged(report.revision);
      }
      const result = await load.stop();
      expect({ failures: result.failures, failed: result.attempts - answered(result) }).toEqual({
        failures: [],
        failed: 0,
      });
      expect(result.attempts).toBeGreaterThan(1_000);
      expect(result.instances['b']).toBeGreaterThan(0);
      const lines = await waitUntil(
        () => {
          const found = appliedLines(agent.stderr()).slice(before);
          return found.length >= UPDATES ? found : undefined;
        },
        { what: 'the log of all updates', timeoutMs: 5_000 },
      );
      const costs = new Set(lines.map((line) => JSON.stringify(line)));
      expect([...costs].toSorted()).toEqual([
        JSON.stringify({ chainsChanged: 1, chainsRemoved: 0, rulesWritten: 1 }),
        JSON.stringify({ chainsChanged: 1, chainsRemoved: 0, rulesWritten: 2 }),
      ]);
    },
  );
});
