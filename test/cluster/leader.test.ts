import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import type { Child } from '../../src/dev/child.ts';
import { systemClock } from '../../src/host/clock.ts';
import { waitUntil } from '../../src/host/wait.ts';
import { encodeLeader } from '../../src/model/records-leader.ts';
import { readLeader } from '../../src/ops/leader.ts';
import { LEADER_KEY } from '../../src/store/keys.ts';
import { actors } from '../monitor/world.ts';
import { template } from '../schedule/world.ts';
import { type LabStore, openLabStore, sluice, startMonitor } from './harness/control.ts';
import { useLab } from './harness/use-lab.ts';
import { judge, recordHistory } from './leader-history.ts';

const PAUSES = Number(process.env['LEADER_PAUSES'] ?? 20);
const NODES = 4;

const USURPER = 'usurper';

type Monitors = ReadonlyMap<string, Child>;

function of(monitors: Monitors, name: string): Child {
  const child = monitors.get(name);
  if (child === undefined) throw new Error(`nobody is ${name}`);
  return child;
}

const otherOf = (monitors: Monitors, name: string): string =>
  [...monitors.keys()].find((each) => each !== name) ?? '';

/** How often a monitor has said that it leads no longer. */
const timesLost = (monitor: Child): number => monitor.stderr().split('leads no longer').length;

describe('two monitors on a real etcd', () => {
  const lab = useLab({ nodes: 2, etcd: 1 });
  let control: LabStore;
  let people: ReturnType<typeof actors>;

  beforeAll(async () => {
    control = await openLabStore(lab());
    people = actors(control.store);
    for (let i = 1; i <= NODES; i += 1) await people.node(`m${i}`);
  });
  afterAll(async () => {
    await control.close();
  });

  /** Both monitors, by the names of their nodes. */
  const startBoth = async (): Promise<ReadonlyMap<string, Child>> => {
    const pairs = await Promise.all(
      [1, 2].map(async (i) => [lab().node(i).name, await startMonitor(lab(), lab().node(i))] as const),
    );
    onTestFinished(async () => {
      for (const [, child] of pairs) child.signal('SIGCONT');
      await Promise.all(pairs.map(async ([, child]) => child.stop('SIGTERM')));
    });
    return new Map(pairs);
  };
  const leaderOther = async (than: string | undefined, timeoutMs = 20_000): Promise<string> =>
    waitUntil(
      async () => {
        const leader = await readLeader(control.store);
        return leader !== undefined && leader.node !== than ? leader.node : undefined;
      },
      { what: `a leader other than ${String(than)}`, timeoutMs },
    );
  /** Agents that do what they are told, until stopped. */
  const liveAgents = (): (() => Promise<void>) => {
    const stop = new AbortController();
    const living = (async () => {
      while (!stop.signal.aborted) {
        await people.agents();
        await systemClock.sleep(5, stop.signal);
      }
    })();
    return async () => {
      stop.abort();
      await living;
    };
  };
  const settled = async (replicas: number): Promise<void> => {
    await waitUntil(
      async () => {
        const states = [...(await people.states('web')).values()];
        const assigned = await people.assigned();
        return (
          states.length === replicas && assigned.length === replicas && states.every((one) => one === 'ready')
        );
      },
      { what: `${replicas} ready instances and nothing else`, timeoutMs: 30_000, everyMs: 50 },
    );
  };

  const dropLead = async (): Promise<void> => people.write({ kind: 'delete', key: LEADER_KEY });
  /** As if another had won the election, which then does nothing. */
  const takeLead = async (): Promise<void> => {
    await dropLead();
    const usurper = { node: USURPER, host: USURPER, pid: 1, since: '2026-01-01T00:00:00.000Z' };
    await people.write({ kind: 'put', key: LEADER_KEY, value: encodeLeader(usurper) });
  };

  it(
    `keep to one leader though it is paused ${PAUSES} times in the middle of decisions: no write of an old one counts`,
    { timeout: 240_000 },
    async () => {
      const { revision } = await control.store.get(LEADER_KEY);
      const history = recordHistory(control.store, revision);
      const monitors = await startBoth();
      const stopAgents = liveAgents();
      let leader = await leaderOther(undefined);
      let refused = 0;
      for (let pause = 0; pause < PAUSES; pause += 1) {
        const [paused, idle] = [of(monitors, leader), of(monitors, otherOf(monitors, leader))];
        const usurped = pause % 2 === 1;
        if (usurped) await settled(2 + ((pause + 1) % 5));
        await people.publish('web', 2 + (pause % 5), template(`t${pause >> 3}`));
        // Anywhere from before it has seen the change to after it has written what follows.
        await systemClock.sleep(Math.random() * 12);
        paused.signal('SIGSTOP');
        const before = timesLost(paused);
        if (usurped) {
          // Nothing changes but the leader: only the fence can refuse what the paused one has decided.
          idle.signal('SIGSTOP');
          await takeLead();
        } else {
          // Once its lease runs out by itself, else its key is taken as if it had; the other decides meanwhile.
          if (pause !== 24) await dropLead();
          leader = await leaderOther(leader);
          await people.publish('web', 2 + ((pause + 2) % 5), template(`t${pause >> 3}`));
        }
        paused.signal('SIGCONT');
        await waitUntil(() => timesLost(paused) > before, {
          what: 'the paused one to learn that it leads no longer',
          timeoutMs: 20_000,
          facts: () => paused.stderr().slice(-2_000),
        });
        if (!usurped) continue;
        idle.signal('SIGCONT');
        await dropLead();
        leader = await leaderOther(USURPER);
      }
      await settled(2 + ((PAUSES - 1) % 5));
      await stopAgents();
      history.close();
      for (const child of monitors.values()) {
        refused += child.stderr().split('a write was refused: another leads').length - 1;
      }
      const { wrong, leaders, decisions, placed } = judge(history.events);
      process.stderr.write(
        `${PAUSES} pauses: ${leaders} leaders, ${decisions} decisions, ${placed} instances, ${refused} writes refused\n`,
      );
      expect(wrong).toEqual([]);
      expect(history.ends).toEqual(['closed']);
      expect(leaders).toBeGreaterThan(PAUSES / 2);
      expect(decisions).toBeGreaterThan(20);
      expect(placed).toBeGreaterThan(10);
      expect(refused).toBeGreaterThan(0);
    },
  );

  it(
    'give the lead on at once when told to stop, and a command finds that another leads',
    { timeout: 60_000 },
    async () => {
      const monitors = await startBoth();
      const leader = await leaderOther(undefined);
      const idle = [...monitors.keys()].find((name) => name !== leader);
      const once = await sluice(lab(), lab().node(1), ['monitor', '--once', '--node', 'm9']);
      expect({ exitCode: once.exitCode, stdout: once.stdout }).toEqual({ exitCode: 75, stdout: '' });
      expect(once.stderr).toContain('another sluice monitor runs on this node');
      const stopping = monitors.get(leader);
      const ended = stopping?.stop('SIGTERM');
      expect(await leaderOther(leader, 5_000)).toBe(idle);
      expect((await ended)?.exitCode).toBe(0);
      const number = lab().nodes.findIndex(({ name }) => name === leader) + 1;
      const free = await sluice(lab(), lab().node(number), ['monitor', '--once', '--node', 'm9']);
      expect(free.exitCode).toBe(0);
      expect(free.stderr).toContain(`nothing decided: node/${String(idle)} leads`);
    },
  );

  it('have a forerunner that looks once', { timeout: 60_000 }, async () => {
    await waitUntil(async () => (await readLeader(control.store)) === undefined, {
      what: 'nobody to lead',
      timeoutMs: 20_000,
    });
    await people.publish('late', 1, template('one'));
    const { exitCode, stdout } = await sluice(lab(), lab().node(1), ['monitor', '--once', '-o', 'json']);
    expect(exitCode).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({
      kind: 'Decision',
      items: expect.arrayContaining([
        expect.objectContaining({ service: 'late', done: true, why: '0 of 1 instances' }),
      ]),
    });
    expect(await readLeader(control.store)).toBeUndefined();
  });
});
