/** Owns private etcd clusters for tests: 1 or 3 members on free loopback ports, in an own folder, torn down always. */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

/** One member of a cluster. */
export interface EtcdMember {
  readonly name: string;
  /** `http://127.0.0.1:port`, for clients. */
  readonly endpoint: string;
  readonly clientPort: number;
  /** Address other members use to reach it. */
  readonly peerPort: number;
  /** SIGKILL; resolves when it is gone. */
  readonly kill: () => Promise<void>;
  /** SIGTERM; resolves when it is gone, by SIGKILL after 3 s. */
  readonly stop: () => Promise<void>;
  /** Starts a stopped member again on its data; resolves when it answers or its cluster has no quorum. */
  readonly start: () => Promise<void>;
  /** SIGSTOP: it accepts connections, but answers nothing. */
  readonly pause: () => void;
  /** SIGCONT. */
  readonly resume: () => void;
}

/** A running cluster. */
export interface EtcdCluster {
  readonly members: readonly EtcdMember[];
  readonly endpoints: readonly string[];
  /** Kills all members and removes their data. Idempotent. */
  readonly close: () => Promise<void>;
}

/** What is different from a single plain member. */
export interface EtcdClusterOptions {
  readonly members?: 1 | 3 | undefined;
  /** More flags for every member. */
  readonly flags?: readonly string[] | undefined;
  /** `https` if the flags carry server certificates. */
  readonly scheme?: 'http' | 'https' | undefined;
}

/** Elections in 0.1-0.3 s instead of 1-2 s; a single member is ready in under 0.2 s. */
const FAST = ['--heartbeat-interval=10', '--election-timeout=200'];
const READY_MS = 20_000;

/** Starts a cluster and waits until it takes writes. */
export async function startEtcd(options: EtcdClusterOptions = {}): Promise<EtcdCluster> {
  const count = options.members ?? 1;
  const folder = await mkdtemp(join(tmpdir(), 'sluice-etcd-'));
  const ports = await freePorts(count * 2);
  const plans = Array.from({ length: count }, (_, index) => ({
    name: `m${index + 1}`,
    clientPort: ports[index * 2] ?? 0,
    peerPort: ports[index * 2 + 1] ?? 0,
  }));
  const peers = plans.map((plan) => `${plan.name}=http://127.0.0.1:${plan.peerPort}`).join(',');
  const scheme = options.scheme ?? 'http';
  const members = plans.map((plan) =>
    createMember(plan, { folder, peers, scheme, flags: options.flags ?? [] }),
  );
  const close = async (): Promise<void> => {
    await Promise.all(members.map((member) => member.kill()));
    await rm(folder, { recursive: true, force: true });
  };
  try {
    await Promise.all(members.map((member) => member.start()));
  } catch (error) {
    await close();
    throw error;
  }
  return { members, endpoints: members.map((member) => member.endpoint), close };
}

interface MemberPlan {
  readonly name: string;
  readonly clientPort: number;
  readonly peerPort: number;
}

interface Shared {
  readonly folder: string;
  readonly peers: string;
  readonly scheme: 'http' | 'https';
  readonly flags: readonly string[];
}

function createMember(plan: MemberPlan, shared: Shared): EtcdMember {
  const endpoint = `${shared.scheme}://127.0.0.1:${plan.clientPort}`;
  const log = join(shared.folder, `${plan.name}.log`);
  let child: ChildProcess | undefined;
  const gone = async (signal: NodeJS.Signals, graceMs: number): Promise<void> => {
    const running = child;
    child = undefined;
    if (running === undefined || running.exitCode !== null || running.signalCode !== null) return;
    const exited = new Promise((resolve) => running.once('exit', resolve));
    running.kill('SIGCONT');
    running.kill(signal);
    const done = new AbortController();
    await Promise.race([exited, delay(graceMs, undefined, { signal: done.signal }).catch(() => undefined)]);
    done.abort();
    running.kill('SIGKILL');
    await exited;
  };
  return {
    ...plan,
    endpoint,
    kill: () => gone('SIGKILL', 5_000),
    stop: () => gone('SIGTERM', 3_000),
    start: async () => {
      child = spawnMember(plan, endpoint, { ...shared, log });
      await waitReady(child, log);
    },
    pause: () => child?.kill('SIGSTOP'),
    resume: () => child?.kill('SIGCONT'),
  };
}

function spawnMember(
  plan: MemberPlan,
  endpoint: string,
  shared: Shared & { readonly log: string },
): ChildProcess {
  const peer = `http://127.0.0.1:${plan.peerPort}`;
  const args = [
    `--name=${plan.name}`,
    `--data-dir=${join(shared.folder, plan.name)}`,
    `--listen-client-urls=${endpoint}`,
    `--advertise-client-urls=${endpoint}`,
    `--listen-peer-urls=${peer}`,
    `--initial-advertise-peer-urls=${peer}`,
    `--initial-cluster=${shared.peers}`,
    `--initial-cluster-token=${shared.folder}`,
    '--logger=zap',
    '--log-level=info',
    `--log-outputs=${shared.log}`,
    ...FAST,
    ...shared.flags,
  ];
  return spawn('etcd', args, {
    stdio: 'ignore',
    env: { PATH: process.env['PATH'], ETCD_UNSUPPORTED_ARCH: 'arm64' },
  });
}

/** The log says when clients are served; asking would need certificates and credentials. */
async function waitReady(child: ChildProcess, log: string): Promise<void> {
  let failed: Error | undefined;
  child.once('error', (error) => {
    failed = error;
  });
  const before = (await readLog(log)).length;
  const endsAt = performance.now() + READY_MS;
  while (performance.now() < endsAt) {
    if (failed !== undefined) throw failed;
    const text = (await readLog(log)).slice(before);
    if (/ready to serve client requests|serving (insecure )?client (requests|traffic)/.test(text)) return;
    if (child.exitCode !== null) throw new Error(`etcd ended with ${child.exitCode}: ${text.slice(-2_000)}`);
    await delay(10);
  }
  throw new Error(`etcd was not ready within ${READY_MS} ms: ${(await readLog(log)).slice(-2_000)}`);
}

const readLog = (log: string): Promise<string> => readFile(log, 'utf8').catch(() => '');

/** Free loopback ports, all different. Another process may take one before it is used; ports of one call never collide. */
async function freePorts(count: number): Promise<readonly number[]> {
  const servers = await Promise.all(
    Array.from({ length: count }, () => {
      const server = createServer();
      return new Promise<typeof server>((resolve, reject) => {
        server.once('error', reject);
        server.listen(0, '127.0.0.1', () => resolve(server));
      });
    }),
  );
  const ports = servers.map((server) => {
    const address = server.address();
    return typeof address === 'object' && address !== null ? address.port : 0;
  });
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return ports;
}
