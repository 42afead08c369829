/**
 * Owns turning samples of nodes into loads of the instances of one service. New connections are counted on every node that forwards, so that they
 * are only known if all of them were heard: a part of them would look like less load. Pure.
 */
import { instanceKey, type NodeLoad } from '../model/load.ts';
import { FRESH_MS, type LoadSample, type ScaledInstance } from './scaling-readings.ts';

/** The latest sample of a node, and when it came by the clock of whoever decides. */
export interface HeardLoad {
  readonly load: NodeLoad;
  readonly arrivedMs: number;
}

/** An instance that serves or will. */
export interface ServingInstance {
  readonly id: string;
  /** Where it runs; undefined: not on a node that samples. */
  readonly node?: string | undefined;
  /** Since when it is ready, by the same clock; undefined: not yet. */
  readonly readySinceMs?: number | undefined;
}

/** What is known of the service and its fleet. */
export interface Sampled {
  readonly service: string;
  readonly instances: readonly ServingInstance[];
  /** By node. */
  readonly loads: ReadonlyMap<string, HeardLoad>;
  /** Nodes that forward: those that are alive. */
  readonly forwarding: readonly string[];
  readonly nowMs: number;
}

/** New connections a second to the service, of all nodes; undefined if one of them was not heard, or did not count them. */
function newConnections({ service, loads, forwarding, nowMs }: Sampled): number | undefined {
  const counted = forwarding.map((node) => {
    const heard = loads.get(node);
    const isFresh = heard !== undefined && nowMs - heard.arrivedMs <= FRESH_MS;
    const counts = heard?.load.serviceConnections ?? {};
    return isFresh && Object.hasOwn(counts, service) ? counts[service] : undefined;
  });
  if (counted.length === 0 || counted.includes(undefined)) return undefined;
  return counted.reduce<number>((sum, rate) => sum + (rate ?? 0), 0);
}

/** What was measured of an instance by its own node, and its part of what was counted towards the service. */
function sampleOf(
  sampled: Sampled,
  { id, node }: ServingInstance,
  rate: number | undefined,
): LoadSample | undefined {
  const heard = node === undefined ? undefined : sampled.loads.get(node);
  const key = instanceKey(sampled.service, id);
  if (heard === undefined)
    return rate === undefined ? undefined : { arrivedMs: sampled.nowMs, newConnections: rate };
  const own = Object.hasOwn(heard.load.instances, key) ? heard.load.instances[key] : undefined;
  const { cpu, connections, acceptQueue } = own ?? {};
  return { arrivedMs: heard.arrivedMs, cpu, connections, acceptQueue, newConnections: rate };
}

/** The instances of a service with what is known of their load, for a decision. */
export function scaledInstances(sampled: Sampled): readonly ScaledInstance[] {
  const isReady = ({ readySinceMs = Infinity }: ServingInstance): boolean => readySinceMs <= sampled.nowMs;
  const ready = sampled.instances.filter(isReady).length;
  const whole = newConnections(sampled);
  // Only their sum is decided on, and it is known also while counters of single instances begin anew with their rules.
  const rate = whole === undefined || ready === 0 ? undefined : whole / ready;
  return sampled.instances.map((instance) => ({
    readySinceMs: instance.readySinceMs,
    load: sampleOf(sampled, instance, isReady(instance) ? rate : undefined),
  }));
}
