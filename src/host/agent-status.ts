/**
 * Owns the status file of an agent: what it last did and since when its view is stale, readable without the store. The agent writes it,
 * `sluice status` on the same machine reads it.
 */
import path from 'node:path';
import { readFile } from 'node:fs/promises';
import { SluiceError } from '../errors.ts';
import { readBounded, writeAtomic } from './files.ts';

/** An instance that an agent keeps, as it is on the node, whatever the store says. */
export interface LocalInstance {
  readonly service: string;
  readonly id: string;
  readonly state: string;
  /** `IP:PORT`; undefined: it never had one. */
  readonly address?: string | undefined;
  /** Since when it is in its state, RFC 3339. */
  readonly since: string;
  readonly restarts: number;
  readonly why?: string | undefined;
}

/** What an agent says of itself. */
export interface AgentStatus {
  readonly node: string;
  /** Store revision that the kernel rules show. */
  readonly revision: number;
  readonly appliedAt: string;
  readonly rulesHash: string;
  /** The agent's watch on the store is alive. */
  readonly connected: boolean;
  /** Since when the view may be out of date; undefined while connected. */
  readonly staleSince?: string | undefined;
  readonly entries: number;
  readonly instances: number;
  /** What could not be applied, one line each. */
  readonly failures: readonly string[];
  readonly pid: number;
  /** Name of its data plane, e.g. `nftables`; undefined in files of earlier versions. */
  readonly dataplane?: string | undefined;
  /** Instances that it keeps, by service and id; undefined in files of earlier versions. */
  readonly managed?: readonly LocalInstance[] | undefined;
}

/** An agent's status as found on this machine. */
export interface LocalAgent extends AgentStatus {
  /** The very process that wrote the file is alive (pid and start time); else everything here is what it last said. */
  readonly running: boolean;
}

const MAX_BYTES = 1024 * 1024;

/** Where the file is. */
export const agentStatusPath = (stateDir: string): string => path.join(stateDir, 'status.json');

/** Start of a process in clock ticks since boot (field 22 of /proc/PID/stat), or undefined if there is no such process. */
async function startTicks(pid: number): Promise<number | undefined> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => undefined);
  // The command name in parentheses may hold anything, so fields are counted from the last one.
  const fields = stat?.slice(stat.lastIndexOf(')') + 2).split(' ');
  if (fields === undefined || fields[0] === 'Z' || fields[0] === 'X') return undefined;
  const ticks = Number(fields[19]);
  return Number.isSafeInteger(ticks) ? ticks : undefined;
}

/**
 * Writes the status file, atomically. The start time of `status.pid` is added, so that a reader can tell it from a later process.
 * @throws SluiceError `failed`, `permission`
 */
export async function writeAgentStatus(stateDir: string, status: AgentStatus): Promise<void> {
  const record = { ...status, pidStartTicks: await startTicks(status.pid) };
  await writeAtomic(agentStatusPath(stateDir), `${JSON.stringify(record, undefined, 2)}\n`);
}

/**
 * Reads the status file and looks whether its writer is alive.
 * @returns undefined if there is no file: no agent ever ran here with this state directory
 * @throws SluiceError `failed` if the file cannot be understood, `permission`
 */
export async function readAgentStatus(stateDir: string): Promise<LocalAgent | undefined> {
  const file = agentStatusPath(stateDir);
  const text = await readBounded(file, MAX_BYTES);
  if (text === undefined) return undefined;
  const status = parse(text);
  if (status === undefined) {
    throw new SluiceError('failed', `${JSON.stringify(file)} is not the status of an agent`, {
      why: 'it is damaged, or another version wrote it',
      fix: 'restart the agent: it writes the file again',
      details: { path: file },
    });
  }
  const { pidStartTicks, ...rest } = status;
  const ticks = await startTicks(rest.pid);
  return { ...rest, running: ticks !== undefined && ticks === pidStartTicks };
}

const isCount = (value: unknown): value is number =>
  typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
const isText = (value: unknown): value is string => typeof value === 'string';

function isLocalInstance(value: unknown): value is LocalInstance {
  if (typeof value !== 'object' || value === null) return false;
  const { service, id, state, since, address, why, restarts } = value as {
    readonly [K in keyof LocalInstance]?: unknown;
  };
  return (
    [service, id, state, since].every(isText) &&
    [address, why].every((text) => text === undefined || isText(text)) &&
    isCount(restarts)
  );
}

/** What the file holds: the status, and the start time that tells its writer from a later process of the same pid. */
type StatusRecord = AgentStatus & { readonly pidStartTicks?: number | undefined };

function isStatusRecord(value: unknown): value is StatusRecord {
  if (typeof value !== 'object' || value === null) return false;
  const record = value as { readonly [K in keyof StatusRecord]?: unknown };
  const { staleSince, failures, pidStartTicks, dataplane, managed } = record;
  return (
    [record.node, record.appliedAt, record.rulesHash].every(isText) &&
    [record.revision, record.entries, record.instances, record.pid].every(isCount) &&
    typeof record.connected === 'boolean' &&
    (staleSince === undefined || isText(staleSince)) &&
    (pidStartTicks === undefined || isCount(pidStartTicks)) &&
    (dataplane === undefined || isText(dataplane)) &&
    (managed === undefined || (Array.isArray(managed) && managed.every(isLocalInstance))) &&
    Array.isArray(failures) &&
    failures.every(isText)
  );
}

function parse(text: string): StatusRecord | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return isStatusRecord(value) ? value : undefined;
  } catch {
    return undefined;
  }
}
