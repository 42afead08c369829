/** Owns what doctor looks at on this machine: programs, kernel settings, disk, clock. Reads only. */
import { constants } from 'node:fs';
import { access, statfs } from 'node:fs/promises';
import { SluiceError } from '../errors.ts';
import type { Exec } from './exec.ts';
import { readKernelFile } from './machine.ts';

/** A program that Sluice runs; its version undefined if it is not installed. */
export interface ProgramFact {
  readonly name: string;
  readonly version: string | undefined;
}

/** Room for the agent's state. */
export interface StateDirFact {
  readonly path: string;
  readonly exists: boolean;
  readonly writable: boolean;
  /** Undefined if there is no such directory. */
  readonly freeBytes: number | undefined;
}

/** What was found on this machine. */
export interface NodeProbe {
  readonly programs: readonly ProgramFact[];
  readonly stateDir: StateDirFact;
  /** The clock follows a time server; undefined if that cannot be read. */
  readonly clockSynchronized: boolean | undefined;
  /** Files of /proc/sys that could be read, by path below it. */
  readonly settings: ReadonlyMap<string, string>;
}

const PROGRAMS: readonly (readonly [name: string, ...args: string[]])[] = [
  ['ip', '-V'],
  ['iptables', '--version'],
  ['ip6tables', '--version'],
  ['nft', '--version'],
  ['conntrack', '--version'],
  ['perl', '--version'],
];

const SETTINGS = [
  'net/ipv4/ip_forward',
  'net/ipv6/conf/all/forwarding',
  'net/netfilter/nf_conntrack_max',
  'net/netfilter/nf_conntrack_count',
  'net/ipv4/ip_local_port_range',
  'net/ipv4/ip_local_reserved_ports',
  'net/ipv4/conf/all/rp_filter',
];

async function firstLine(
  exec: Exec,
  [file, ...args]: readonly [string, ...string[]],
): Promise<string | undefined> {
  try {
    const { stdout, stderr } = await exec(file, args, { timeoutMs: 5_000 });
    return (stdout === '' ? stderr : stdout).trim().split('\n')[0] ?? '';
  } catch (error) {
    if (error instanceof SluiceError && error.code === 'config') return undefined;
    if (error instanceof SluiceError) return error.message;
    throw error;
  }
}

async function stateDirFact(path: string): Promise<StateDirFact> {
  try {
    await access(path, constants.F_OK);
  } catch {
    return { path, exists: false, writable: false, freeBytes: undefined };
  }
  const writable = await access(path, constants.W_OK).then(
    () => true,
    () => false,
  );
  const { bavail, bsize } = await statfs(path);
  return { path, exists: true, writable, freeBytes: bavail * bsize };
}

/** systemd's word; there is no file that tells it without. */
async function clockSynchronized(exec: Exec): Promise<boolean | undefined> {
  const line = await firstLine(exec, ['timedatectl', 'show', '--property=NTPSynchronized', '--value']);
  return line === 'yes' ? true : line === 'no' ? false : undefined;
}

/** Looks at this machine. @param devices names whose rp_filter is read */
export async function probeNode(
  exec: Exec,
  { stateDir, devices }: { readonly stateDir: string; readonly devices: readonly string[] },
): Promise<NodeProbe> {
  const files = [...SETTINGS, ...devices.map((name) => `net/ipv4/conf/${name}/rp_filter`)];
  const [programs, state, clock] = await Promise.all([
    Promise.all(
      PROGRAMS.map(async (argv): Promise<ProgramFact> => ({
        name: argv[0],
        version: await firstLine(exec, argv),
      })),
    ),
    stateDirFact(stateDir),
    clockSynchronized(exec),
  ]);
  return {
    programs,
    stateDir: state,
    clockSynchronized: clock,
    settings: new Map(
      files.flatMap((file) => {
        const text = readKernelFile(`/proc/sys/${file}`);
        return text === undefined ? [] : [[file, text] as const];
      }),
    ),
  };
}
