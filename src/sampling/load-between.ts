/**
 * Owns turning two readings of a node into its sample. What cannot be told from them is left out: first readings, counters that went back, another
 * run of an instance, readings too close together or too far apart. Pure.
 */
import { type InstanceLoad, LOAD_LIMITS, type NodeLoad } from '../model/load.ts';
import type { LocalInstance } from './local-instance.ts';
import { TICKS_PER_SECOND } from './parse/process.ts';
import { busyShare } from './parse/processor.ts';
import { connectionsIn, type Sockets } from './parse/sockets.ts';
import type { Rates } from './rates.ts';
import { sessionTicks } from './session-use.ts';
import type { InstanceUse, NodeUse } from './use-reading.ts';

/** What was read at one moment. */
export interface Reading {
  readonly monotonicMs: number;
  readonly node: NodeUse;
  readonly uses: ReadonlyMap<string, InstanceUse>;
}

/** What is known of now alone. */
export interface Now {
  readonly node: string;
  /** Wall time in ms since 1970. */
  readonly at: number;
  /** Processors as the machine says, where the reading has none. */
  readonly cores: number;
  readonly instances: readonly LocalInstance[];
  readonly sockets: Sockets | undefined;
  readonly rates: Rates | undefined;
}

/** Time between readings whose difference says something of the present; in between, a tick of 10 ms is below 5 %. */
const MIN_BETWEEN_MS = 200;
const MAX_BETWEEN_MS = 15_000;
/** Rounding of ticks can show a little more than all cores. */
const MEASURING_ERROR = 1.1;

const rounded = (value: number): number => Math.round(value * 10_000) / 10_000;

/** Milliseconds between two readings, if they can be compared. */
function betweenMs(before: Reading | undefined, after: Reading): number | undefined {
  if (before === undefined) return undefined;
  const ms = after.monotonicMs - before.monotonicMs;
  return ms >= MIN_BETWEEN_MS && ms <= MAX_BETWEEN_MS ? ms : undefined;
}

function secondsUsed(before: InstanceUse | undefined, after: InstanceUse): number | undefined {
  if (before === undefined || before.run !== after.run) return undefined;
  if (after.cpuSeconds !== undefined) {
    return before.cpuSeconds === undefined ? undefined : after.cpuSeconds - before.cpuSeconds;
  }
  if (before.processes === undefined || after.processes === undefined) return undefined;
  const ticks = sessionTicks(before.processes, after.processes);
  return ticks === undefined ? undefined : ticks / TICKS_PER_SECOND;
}

/** Cores used, of those of the node. */
function coresUsed(seconds: number | undefined, ms: number, cores: number): number | undefined {
  if (seconds === undefined || seconds < 0) return undefined;
  const used = (seconds * 1_000) / ms;
  return used > cores * MEASURING_ERROR + 0.1 ? undefined : Math.min(used, cores);
}

interface Pair {
  readonly before: Reading | undefined;
  readonly after: Reading;
  readonly now: Now;
  /** Undefined: sockets cannot be counted now. */
  readonly connectionsOf: ReturnType<typeof connectionsIn> | undefined;
}

function instanceLoad(instance: LocalInstance, { before, after, now, connectionsOf }: Pair): InstanceLoad {
  const { name, running } = instance;
  const use = after.uses.get(name);
  const ms = betweenMs(before, after);
  const seconds =
    use === undefined || ms === undefined ? undefined : secondsUsed(before?.uses.get(name), use);
  const cores = after.node.processors?.cores ?? now.cores;
  const limitCores = running?.limitCores ?? cores;
  const cpuCores = limitCores > 0 ? coresUsed(seconds, ms ?? 0, cores) : undefined;
  const found = connectionsOf?.(instance);
  return {
    acceptQueue: found && Math.min(found.acceptQueue, LOAD_LIMITS.connections),
    connections: found && Math.min(found.connections, LOAD_LIMITS.connections),
    cpu: cpuCores === undefined ? undefined : rounded(Math.min(1, cpuCores / limitCores)),
    cpuCores: cpuCores === undefined ? undefined : rounded(cpuCores),
    memoryBytes: use?.memoryBytes,
  };
}

function nodeCpu(before: Reading | undefined, after: Reading): number | undefined {
  const [then, now] = [before?.node.processors, after.node.processors];
  if (then === undefined || now === undefined || betweenMs(before, after) === undefined) return undefined;
  return busyShare(then, now);
}

/** The mean's time, where it is not that since the reading before. */
function longerThan(ms: number | undefined, rates: Rates | undefined): number | undefined {
  return rates === undefined || rates.overMs < 1.5 * (ms ?? 0) ? undefined : rates.overMs;
}

/** The sample of a node. @param before undefined: this is the first reading */
export function loadBetween(before: Reading | undefined, after: Reading, now: Now): NodeLoad {
  const { processors, pressure, memory, load1 } = after.node;
  const cpu = nodeCpu(before, after);
  const connectionsOf = now.sockets && connectionsIn(now.sockets);
  const pair: Pair = { before, after, now, connectionsOf };
  return {
    node: now.node,
    at: now.at,
    cores: processors?.cores ?? now.cores,
    cpu: cpu === undefined ? undefined : rounded(cpu),
    psiCpuSome10: pressure === undefined ? undefined : rounded(pressure),
    memoryUsedBytes: memory?.usedBytes,
    memoryTotalBytes: memory?.totalBytes,
    load1,
    instances: Object.fromEntries(
      now.instances.map((instance) => [instance.name, instanceLoad(instance, pair)]),
    ),
    newConnections: Object.fromEntries(now.rates?.perSecond ?? []),
    serviceConnections: now.rates && Object.fromEntries(now.rates.ofServices),
    newConnectionsOverMs: longerThan(betweenMs(before, after), now.rates),
  };
}
