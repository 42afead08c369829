import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import type { Child } from '../../src/dev/child.ts';
import type { Workplace } from '../../src/dev/machine.ts';
import { answered, type LoadSpec } from '../../src/dev/load/outcome.ts';
import { type LoadRun, startLoad } from '../../src/dev/load/start-load.ts';
import { systemClock } from '../../src/host/clock.ts';
import { waitUntil } from '../../src/host/wait.ts';
import { waitConverged } from '../../src/ops/converge.ts';
import { publish } from '../../src/ops/publish.ts';
import { type LabStore, openLabStore, sluice, specOf, startAgent } from './harness/control.ts';
import { programArgv } from './harness/programs.ts';
import { useLab } from './harness/use-lab.ts';

const KILLS = Number(process.env['FORWARDER_KILLS'] ?? 10);
const ENTRY = { host: '10.96.0.10', port: 80 };

/** Load on the entry from a node: open loop, until stopped. */
async function loadFrom(node: Workplace, perSecond: number): Promise<LoadRun> {
  const pace = { kind: 'rate', perSecond } as const;
  const spec: LoadSpec = { ...ENTRY, pace, count: 1_000_000, durationMs: 150_000 };
  return await startLoad(spec, { worker: programArgv('load'), ns: node.ns });
}

/** No attempt of the run failed, and there were some. */
async function expectNoFailure(run: LoadRun): Promise<void> {
  const result = await run.stop();
  expect(result.failures).toEqual([]);
  expect(answered(result)).toBe(result.attempts);
  // Enough to mean something, however short the test was.
  expect(result.attempts).toBeGreaterThan(20);
}

async function serve(node: Workplace, name: string, port: number): Promise<void> {
  const server = await node.start([...programArgv('instance'), name, node.address, String(port)]);
  await server.waitForOutput(/^listening/);
}

/** Our nat rules in a node's kernel, without counters and comments. */
async function rulesOf(node: Workplace): Promise<string> {
  const { stdout, exitCode } = await node.run(['iptables-nft-save', '-t', 'nat']);
  expect(exitCode).toBe(0);
  return stdout.replaceAll(/^#.*\n/gm, '').replaceAll(/\[\d+:\d+\]/g, '[0:0]');
}

describe('an agent under faults', () => {
  const lab = useLab({ nodes: 3, etcd: 1 });
  let control: LabStore;

  /** Starts an agent that does not outlive its test. */
  const start = async (node: Workplace, options = {}): Promise<Child> => {
    const agent = await startAgent(lab(), node, options);
    onTestFinished(async () => void (await agent.stop('SIGKILL')));
    return agent;
  };

  /** Publishes `web` with these of the four instances (all are listening). */
  const publishWeb = async (ports: readonly number[]): Promise<number> => {
    const instances = ports.map((port) => `10.77.0.3:${port}`);
    const report = await publish(control.deps, [specOf('web', '10.96.0.10:80', instances)]);
    expect(report.failures).toEqual([]);
    return report.revision;
  };
  const converge = async (revision: number): Promise<void> => {
    const { outcome, pending } = await waitConverged(control.deps, revision, { timeoutMs: 30_000 });
    expect({ outcome, pending }).toEqual({ outcome: 'converged', pending: [] });
  };

  beforeAll(async () => {
    control = await openLabStore(lab());
    await Promise.all([1, 2, 3, 4].map(async (i) => await serve(lab().node(3), `i${i}`, 8080 + i)));
  });
  afterAll(async () => {
    await control.close();
  });

  it(
    `killed ${KILLS} times while services change: rules as those of a fresh agent, no connection fails`,
    { timeout: 180_000 },
    async () => {
      const node = lab().node(1);
      const first = await publishWeb([8081]);
      let agent = await start(node);
      await converge(first);
      const load = await loadFrom(node, 200);
      const stop = new AbortController();
      let revision = 0;
      const changing = (async () => {
        for (let round = 0; !stop.signal.aborted; round += 1) {
          revision = await publishWeb([8081, 8082, 8083, 8084].slice(0, 1 + (round % 4)));
        }
      })();
      for (let kill = 0; kill < KILLS; kill += 1) {
        // Random moments, from the first instructions of the process on to well after its first applies.
        await systemClock.sleep(Math.random() * 1_500);
        await agent.stop('SIGKILL');
        agent = await start(node, { wait: false });
      }
      stop.abort();
      await changing;
      const fresh = await start(lab().node(2));
      await waitUntil(() => agent.stderr().includes('node announced'), {
        what: 'the last agent to be announced',
        timeoutMs: 20_000,
        facts: () => agent.stderr(),
      });
      await converge(revision);
      await expectNoFailure(load);
      expect(await rulesOf(node)).toBe(await rulesOf(lab().node(2)));
      await Promise.all([agent.stop('SIGTERM'), fresh.stop('SIGTERM')]);
    },
  );

  it(
    'without etcd: traffic goes on, status tells since when, publish fails with 69, a restarted agent forwards from disk',
    { timeout: 120_000 },
    async () => {
      const node = lab().node(1);
      const [member] = lab().etcd().members;
      if (member === undefined) throw new Error('a lab with etcd has a member');
      const agent = await start(node);
      await converge(await publishWeb([8081, 8082]));
      const load = await loadFrom(node, 100);
      await waitUntil(
        async () => (await node.run(['test', '-s', `${node.folder}/state/snapshot.json`])).exitCode === 0,
        {
          what: 'the snapshot on disk',
          timeoutMs: 10_000,
        },
      );
      await member.stop();

      const started = systemClock.monotonicMs();
      const refused = await sluice(lab(), node, [
        'publish',
        'web2',
        '--entry',
        '10.96.0.11:80',
        '--instance',
        '10.77.0.3:8081',
      ]);
      const tookMs = systemClock.monotonicMs() - started;
      expect({ exitCode: refused.exitCode, stdout: refused.stdout }).toEqual({ exitCode: 69, stdout: '' });
      expect(refused.stderr).toContain('[unavailable]');
      // 3 s is the promise; the rest is the start of a process on a busy machine.
      expect(tookMs).toBeLessThan(3_000 + 2_000);

      const status = await waitUntil(
        async () => {
          const answer = await sluice(lab(), node, ['status']);
          return answer.stdout.includes('stale since') ? answer : undefined;
        },
        { what: 'status to tell since when the view is stale', timeoutMs: 30_000 },
      );
      expect(status.stdout).toMatch(/stale since \d{4}-\d\d-\d\dT[\d:.]+Z/);
      await expectNoFailure(load);

      await agent.stop('SIGKILL');
      await node.run(['iptables-nft', '-t', 'nat', '-F']);
      const restarted = await start(node, { wait: false });
      await waitUntil(() => restarted.stderr().includes('rules applied'), {
        what: 'rules from the snapshot on disk',
        timeoutMs: 20_000,
        facts: () => restarted.stderr(),
      });
      expect(restarted.stderr()).toContain('forwarding from the saved snapshot');
      const afterRestart = await loadFrom(node, 100);
      await waitUntil(async () => (await rulesOf(node)).includes('10.77.0.3:8081'), {
        what: 'the rules',
        timeoutMs: 5_000,
      });

      await member.start();
      const before = await waitUntil(async () => await publishWeb([8081, 8083]).catch(() => undefined), {
        what: 'a publish after etcd is back',
        timeoutMs: 20_000,
      });
      await waitUntil(async () => (await rulesOf(node)).includes('10.77.0.3:8083'), {
        what: 'the new rules',
        timeoutMs: 10_000,
      });
      await converge(before);
      await expectNoFailure(afterRestart);
      await restarted.stop('SIGTERM');
      expect(await rulesOf(node)).toContain('10.77.0.3:8083');
    },
  );

  it('is the only one on its node: a second one ends with 75 at once', async () => {
    const node = lab().node(1);
    const first = await start(node);
    const second: Child = await start(node, { wait: false });
    const { exitCode } = await second.exited;
    expect({ exitCode, running: first.running() }).toEqual({ exitCode: 75, running: true });
    expect(second.stderr()).toContain('another sluice agent runs on this node');
    await first.stop('SIGTERM');
  });
});
