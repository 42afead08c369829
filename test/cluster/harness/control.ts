/**
 * Owns the tests' own way into a lab: a Store in the test process (through the members' unix sockets, so that it works whatever is
 * cut), and agents and commands of the built program on the lab's nodes.
 */
import { connect, createServer, type Server } from 'node:net';
import path from 'node:path';
import type { Child } from '../../../src/dev/child.ts';
import { randomId, systemClock } from '../../../src/host/clock.ts';
import { waitUntil } from '../../../src/host/wait.ts';
import type { ServiceSpec } from '../../../src/model/service.ts';
import type { WriteDeps } from '../../../src/ops/deps.ts';
import { openStore } from '../../../src/store/open.ts';
import type { ServableStore } from '../../../src/store/lease-calls.ts';
import type { Workplace } from '../../../src/dev/machine.ts';
import type { Lab } from './lab.ts';
import { SLUICE } from './program.ts';
import { storeEnv, storeFlags } from './store-way.ts';

/** A store in the test process, and how to end it. */
export interface LabStore {
  readonly store: ServableStore;
  /** What writing use cases need, speaking to this store. */
  readonly deps: WriteDeps;
  readonly close: () => Promise<void>;
}

/** A loopback port that leads to a unix socket. */
async function portTo(socketPath: string): Promise<{ readonly port: number; readonly server: Server }> {
  const server = createServer((inside) => {
    const outside = connect(socketPath);
    inside.pipe(outside).pipe(inside);
    inside.on('error', () => outside.destroy());
    outside.on('error', () => inside.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  return { port: typeof address === 'object' && address !== null ? address.port : 0, server };
}

/** How long a test waits for an answer. Its process shares two cores with a whole lab; a person would not wait so long. */
const PATIENT = { timeoutMs: 10_000 };

/** A store whose calls wait as long as tests do, if not told otherwise. */
const patient = (store: ServableStore): ServableStore => ({
  ...store,
  get: (key, options) => store.get(key, { ...PATIENT, ...options }),
  list: (range, options) => store.list(range, { ...PATIENT, ...options }),
  transact: (transaction, options) => store.transact(transaction, { ...PATIENT, ...options }),
});

/** Opens the lab's etcd from the test process. */
export async function openLabStore(lab: Lab): Promise<LabStore> {
  const doors = await Promise.all(lab.etcd().members.map(({ socket }) => portTo(socket)));
  const store = patient(await openStore({ endpoints: doors.map(({ port }) => `http://127.0.0.1:${port}`) }));
  return {
    store,
    deps: {
      store,
      clock: systemClock,
      newId: randomId,
      random: Math.random,
      origin: { actor: 'test', host: 'lab', command: 'test' },
    },
    close: async () => {
      await store.close();
      for (const { server } of doors) server.close();
    },
  };
}

/** Directory of a node's agent. */
export const stateDirOf = (node: Workplace): string => path.join(node.folder, 'state');

/** How to start an agent. */
export interface AgentStart {
  /** Default true: it is announced in the store first. */
  readonly wait?: boolean;
  readonly dataplane?: string;
  /** Further flags. */
  readonly more?: readonly string[];
  /** `NAME=VALUE` */
  readonly env?: readonly string[];
  /** Put before the command line, to start it elsewhere on the node; default nothing. */
  readonly enter?: readonly string[];
  /** The program; default: as built here. */
  readonly program?: readonly string[];
  /** Default: the node's own. */
  readonly stateDir?: string;
  /** Flags that name the store. */
  readonly store?: readonly string[];
}

/** Starts the agent of a node; it is announced in the store when this resolves (unless `wait` is false). */
export async function startAgent(lab: Lab, node: Workplace, start: AgentStart = {}): Promise<Child> {
  const { wait = true, dataplane = 'auto', more = [], env = [], enter = [], program = SLUICE } = start;
  const { store = storeFlags(lab) } = start;
  const flags = [
    '--node',
    node.name,
    '--state-dir',
    start.stateDir ?? stateDirOf(node),
    '--log-format',
    'text',
    '--dataplane',
    dataplane,
    ...more,
  ];
  const agent = await node.start([...enter, 'env', ...env, ...program, 'agent', ...flags, ...store]);
  if (!wait) return agent;
  await waitUntil(() => agent.stderr().includes('node announced') || !agent.running(), {
    what: `the agent of ${node.name} to announce itself`,
    timeoutMs: 30_000,
    facts: () => agent.stderr(),
  });
  if (!agent.running()) throw new Error(`the agent of ${node.name} ended: ${agent.stderr()}`);
  return agent;
}

/** Starts the monitor of a node; it follows the store soon after. */
export async function startMonitor(
  lab: Lab,
  node: Workplace,
  {
    mode = 'act',
    more = [],
  }: { readonly mode?: 'act' | 'recommend'; readonly more?: readonly string[] } = {},
): Promise<Child> {
  const state = ['--state-dir', stateDirOf(node)];
  const flags = ['--node', node.name, '--mode', mode, ...state, '--log-format', 'text', ...more];
  return await node.start([...SLUICE, 'monitor', ...flags, ...storeFlags(lab)]);
}

/** Runs a command of the built program on a node. */
export async function sluice(
  lab: Lab,
  node: Workplace,
  argv: readonly string[],
): Promise<{ readonly exitCode: number; readonly stdout: string; readonly stderr: string }> {
  const env = { SLUICE_STATE_DIR: stateDirOf(node), ...storeEnv(lab) };
  return await node.run([...SLUICE, ...argv], { env, timeoutMs: 60_000 });
}

/** Nothing failed while a test was set up. @throws with what failed */
export function assertNone(failures: readonly unknown[]): void {
  if (failures.length > 0) throw new Error(`setting up failed: ${JSON.stringify(failures)}`);
}

/** `IP:PORT` (IPv4) as data. */
function addressOf(text: string): { readonly ip: string; readonly port: number } {
  const [ip = '', port = ''] = text.split(':');
  return { ip, port: Number(port) };
}

/** A spec from words: entries `IP:PORT` on tcp, instances `IP:PORT=W`. */
export function specOf(name: string, entry: string, instances: readonly string[]): ServiceSpec {
  return {
    name,
    entries: [{ ...addressOf(entry), protocol: 'tcp' }],
    instances: instances.map((text) => {
      const [at = '', weight = '1'] = text.split('=');
      return { ...addressOf(at), weight: Number(weight) };
    }),
    masquerade: false,
  };
}
