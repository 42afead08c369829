/** Owns what tests of managed services under load share: agents and monitors on all nodes, a service published as people do it, load from two nodes. */
import type { Child } from '../../../src/dev/child.ts';
import type { LoadResult } from '../../../src/dev/load/outcome.ts';
import { startLoad } from '../../../src/dev/load/start-load.ts';
import type { Workplace } from '../../../src/dev/machine.ts';
import { systemClock } from '../../../src/host/clock.ts';
import { waitUntil } from '../../../src/host/wait.ts';
import { decodeInstance } from '../../../src/model/records-service.ts';
import type { Instance } from '../../../src/model/service.ts';
import { isServing } from '../../../src/model/serving.ts';
import { startInformer } from '../../../src/store/informer.ts';
import { instancesOf } from '../../../src/store/keys.ts';
import type { KeyValue } from '../../../src/store/store.ts';
import { type LabStore, openLabStore, sluice, startAgent, startMonitor } from './control.ts';
import { writePolicy } from './instance-world.ts';
import type { Lab } from './lab.ts';
import { programArgv } from './programs.ts';

/** The service of these tests. */
const SERVICE = 'web';
const ENTRY = { ip: '10.96.0.10', port: 80 };
/** Longer than any test; a load is stopped. */
const LOAD_MS = 300_000;

/** How a command ended. */
export interface Said {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Load under way from two nodes. */
export interface Load {
  /** Ends it and gives what each of the two found. */
  readonly stop: () => Promise<readonly LoadResult[]>;
}

/** A count under way. */
export interface ServingCount {
  /** Ends it. */
  readonly stop: () => Promise<{ readonly fewest: number; readonly most: number }>;
}

/** A lab whose nodes run instances and decide about them. */
export interface LoadWorld {
  readonly control: LabStore;
  /** By the number of the node from 1. */
  readonly agents: readonly Child[];
  /** Of the nodes that have one. */
  readonly monitors: readonly Child[];
  /** Runs a command on the first node. */
  readonly run: (argv: readonly string[]) => Promise<Said>;
  /** Publishes the service and waits for its instances. @param delayMs how long a request takes */
  readonly publish: (delayMs: number, more?: readonly string[]) => Promise<Said>;
  /** The same with instances that run this command, and answer HTTP. */
  readonly publishCommand: (command: string, more?: readonly string[]) => Promise<Said>;
  /** Instances by the store's word, sorted by id. */
  readonly instances: () => Promise<readonly Instance[]>;
  /** Waits until the store has no others than so many ready ones. */
  readonly settled: (count: number) => Promise<readonly Instance[]>;
  /** Counts instances that get connections at every revision from now on. */
  readonly countServing: () => Promise<ServingCount>;
  /** Addresses that the rules of a node forward to, sorted. */
  readonly forwarded: (node: Workplace) => Promise<readonly string[]>;
  /** @param perSecond new connections a second, of both nodes together */
  readonly load: (perSecond: number) => Promise<Load>;
  readonly close: () => Promise<void>;
}

/** `IP:PORT` of an instance, as rules name it. */
export const addressOf = ({ ip, port }: Instance): string => `${ip}:${port}`;

const instanceOf = ({ key, value }: KeyValue): Instance =>
  decodeInstance(SERVICE, key.split('/').at(-1) ?? '', value).value;

async function instancesIn({ store }: LabStore): Promise<readonly Instance[]> {
  const { items } = await store.list(instancesOf(SERVICE), { timeoutMs: 20_000 });
  return items.map(instanceOf).toSorted((a, b) => (a.id < b.id ? -1 : 1));
}

async function countServingIn({ store }: LabStore): Promise<ServingCount> {
  const counts: number[] = [];
  const informer = startInformer({
    store,
    range: instancesOf(SERVICE),
    clock: systemClock,
    random: Math.random,
    onChange: () => {
      const all = [...informer.items.values()].map(instanceOf);
      counts.push(all.filter(isServing).length);
    },
  });
  await waitUntil(() => counts.length > 0, { what: 'the first count', timeoutMs: 20_000 });
  return {
    stop: async () => {
      await informer.close();
      return { fewest: Math.min(...counts), most: Math.max(...counts) };
    },
  };
}

async function forwardedBy(node: Workplace): Promise<readonly string[]> {
  const { stdout, exitCode, stderr } = await node.run(['iptables-nft-save', '-t', 'nat']);
  if (exitCode !== 0) throw new Error(`the rules of ${node.name} cannot be read: ${stderr}`);
  return [...stdout.matchAll(/--to-destination (\S+)/g)].map(([, address = '']) => address).toSorted();
}

async function startLoads(places: readonly Workplace[], perSecond: number): Promise<Load> {
  const runs = await Promise.all(
    places.map(async ({ ns }) => {
      const pace = { kind: 'rate', perSecond: perSecond / places.length } as const;
      const spec = { host: ENTRY.ip, port: ENTRY.port, pace, count: 1_000_000, durationMs: LOAD_MS };
      // Later than any busy machine: what is late is told by the quantiles, what is lost by the outcomes.
      return await startLoad(
        { ...spec, timeoutMs: 20_000, slowMs: 20_000 },
        { worker: programArgv('load'), ns },
      );
    }),
  );
  return { stop: async () => await Promise.all(runs.map(async (run) => await run.stop())) };
}

/**
 * Starts agents on all nodes of a lab, and monitors; one leads when this resolves.
 * @param watched nodes that have a monitor, and so are sampled: the first two unless said otherwise
 * @param monitorFlags further flags of monitors
 */
export async function openLoadWorld(
  lab: Lab,
  watched = 2,
  monitorFlags: readonly string[] = [],
): Promise<LoadWorld> {
  const control = await openLabStore(lab);
  const agents = await Promise.all(
    lab.nodes.map(
      async (node) => await startAgent(lab, node, { more: ['--policy', await writePolicy(node)] }),
    ),
  );
  const monitors = await Promise.all(
    lab.nodes.slice(0, watched).map(async (node) => await startMonitor(lab, node, { more: monitorFlags })),
  );
  await waitUntil(() => monitors.some((monitor) => monitor.stderr().includes(' leads ')), {
    what: 'a leader',
    timeoutMs: 30_000,
    facts: () => monitors.map((monitor) => monitor.stderr()).join(''),
  });
  const run = async (argv: readonly string[]): Promise<Said> => await sluice(lab, lab.node(1), argv);
  const entry = `${ENTRY.ip}:${ENTRY.port}`;
  const publishCommand: LoadWorld['publishCommand'] = async (command, more = []) => {
    // Patient, so that a machine that is busy does not make a well one look unwell.
    const probe = ['--probe', 'http:/stats', '--probe-interval', '5s', '--probe-timeout', '20s'];
    const what = ['--entry', entry, '--command', command, '--run-as', 'root', ...probe];
    return await run(['publish', SERVICE, ...what, '--wait', '--timeout', '50s', ...more]);
  };
  return {
    control,
    agents,
    monitors,
    run,
    publish: async (delayMs, more) =>
      await publishCommand(
        [...programArgv('instance'), '{id}', '{ip}', '{port}', String(delayMs)].join(' '),
        more,
      ),
    publishCommand,
    instances: async () => await instancesIn(control),
    settled: async (count) => {
      let seen = '';
      return await waitUntil(
        async () => {
          const all = await instancesIn(control);
          seen = all.map(({ id, state, why }) => `${id}: ${state} (${why ?? ''})`).join(', ');
          return all.length === count && all.every(({ state }) => state === 'ready') ? all : undefined;
        },
        { what: `${count} ready instances`, timeoutMs: 40_000, everyMs: 50, facts: () => seen },
      );
    },
    countServing: async () => await countServingIn(control),
    forwarded: forwardedBy,
    load: async (perSecond) => await startLoads([lab.node(3), lab.node(lab.nodes.length)], perSecond),
    close: async () => {
      await Promise.all([...agents, ...monitors].map(async (child) => await child.stop('SIGKILL')));
      await control.close();
    },
  };
}
