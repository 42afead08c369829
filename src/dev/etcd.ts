/** Owns a private etcd of 1 or 3 members for `sluice dev` and the test labs: start, health, stop, start again. Not for production. */
import { mkdir, rm } from 'node:fs/promises';
import { request } from 'node:http';
import path from 'node:path';
import { SluiceError } from '../errors.ts';
import type { Netns } from '../host/netns.ts';
import { waitUntil } from '../host/wait.ts';
import { startChild, type Child } from './child.ts';

/** Where one member lives. */
export interface EtcdPlace {
  readonly ns: Netns;
  /** Address it listens on, besides 127.0.0.1 and its unix socket. */
  readonly address: string;
}

/** How to run a private etcd. */
export interface EtcdOptions {
  readonly places: readonly EtcdPlace[];
  /** Existing folder for data and sockets; at most 80 characters. */
  readonly folder: string;
  /** Default 100; the election timeout is ten times as long. */
  readonly heartbeatMs?: number | undefined;
  /** Further flags of every member. */
  readonly flags?: readonly string[] | undefined;
}

/** One member. */
export interface EtcdMember {
  readonly name: string;
  /** 'http://10.77.0.1:2379': reachable in the network. */
  readonly endpoint: string;
  /** Path of a unix socket with the client port: reachable from any network namespace, also when the network is cut. */
  readonly socket: string;
  /** The running process. */
  readonly process: () => Child;
  /** Starts it again with its data; ready to serve when it resolves, if there is a majority. */
  readonly start: () => Promise<void>;
  /** Default SIGKILL. */
  readonly stop: (signal?: NodeJS.Signals) => Promise<void>;
  /** Whether it serves (it is up and knows a leader). */
  readonly healthy: () => Promise<boolean>;
}

/** A private etcd cluster. */
export interface Etcd {
  readonly members: readonly EtcdMember[];
  /** All endpoints, in the form of --endpoints: comma-separated. */
  readonly endpoints: string;
  readonly stop: () => Promise<void>;
}

/**
 * Starts the members and waits until all serve.
 * @throws SluiceError `failed` if one ends, `timeout` if one does not serve within 20 s; both with the log's tail
 */
export async function startEtcd(options: EtcdOptions): Promise<Etcd> {
  const cluster = options.places.map(({ address }, k) => `e${k + 1}=http://${address}:2380`).join(',');
  const members = await Promise.all(
    options.places.map(async (place, k) => await startMember(options, place, `e${k + 1}`, cluster)),
  );
  await Promise.all(members.map(waitHealthy));
  return {
    members,
    endpoints: members.map(({ endpoint }) => endpoint).join(','),
    stop: async () => {
      await Promise.all(
        members.map(async (member) => {
          await member.stop();
        }),
      );
    },
  };
}

async function startMember(
  options: EtcdOptions,
  place: EtcdPlace,
  name: string,
  cluster: string,
): Promise<EtcdMember> {
  const cwd = path.join(options.folder, name);
  await mkdir(cwd, { recursive: true });
  const argv = [
    ...memberArgv(place.address, name, cluster, options.heartbeatMs ?? 100),
    ...(options.flags ?? []),
  ];
  const socket = path.join(cwd, SOCKET);
  const launch = async (): Promise<Child> => {
    await rm(socket, { force: true }); // a killed member leaves it, and could not bind it again
    return await startChild({ argv, ns: place.ns, cwd });
  };
  let child = await launch();
  const member: EtcdMember = {
    name,
    endpoint: `http://${place.address}:2379`,
    socket,
    process: () => child,
    start: async () => {
      if (!child.running()) child = await launch();
      await waitHealthy(member);
    },
    stop: async (signal = 'SIGKILL') => {
      await child.stop(signal);
    },
    healthy: async () => child.running() && (await isHealthy(member.socket)),
  };
  return member;
}

// etcd wants host:port in unix URLs and no path; the whole is the file's name in its working folder.
const SOCKET = 'client:0';

function memberArgv(address: string, name: string, cluster: string, heartbeatMs: number): readonly string[] {
  const peer = `http://${address}:2380`;
  const flags = {
    name,
    'data-dir': 'data',
    logger: 'zap',
    'log-level': 'warn',
    'listen-peer-urls': peer,
    'initial-advertise-peer-urls': peer,
    'listen-client-urls': `http://${address}:2379,http://127.0.0.1:2379,unix://${SOCKET}`,
    'advertise-client-urls': `http://${address}:2379`,
    'initial-cluster': cluster,
    'initial-cluster-token': 'sluice-private',
    'heartbeat-interval': String(heartbeatMs),
    'election-timeout': String(heartbeatMs * 10),
  };
  return ['etcd', ...Object.entries(flags).map(([key, value]) => `--${key}=${value}`)];
}

async function waitHealthy(member: EtcdMember): Promise<void> {
  const check = async (): Promise<boolean> => {
    if (member.process().running()) return await member.healthy();
    throw new SluiceError('failed', `etcd ${member.name} ended`, {
      why: member.process().stderr().slice(-2000),
    });
  };
  await waitUntil(check, {
    what: `etcd ${member.name} to serve`,
    timeoutMs: 20_000,
    facts: () => member.process().stderr().slice(-2000),
  });
}

/** Asks /health over the unix socket; any failure is a no. */
async function isHealthy(socketPath: string): Promise<boolean> {
  return await new Promise((resolve) => {
    const asked = request({ socketPath, path: '/health', timeout: 1000, agent: false }, (response) => {
      response.resume();
      resolve(response.statusCode === 200);
    });
    asked.once('timeout', () => asked.destroy());
    asked.once('error', () => {
      resolve(false);
    });
    asked.end();
  });
}
