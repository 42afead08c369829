/** Owns `doctor`: is this node fit to forward. Looks at everything; what cannot be looked at is said. Never changes anything. */
import { SluiceError } from '../errors.ts';
import type { LocalAgent } from '../host/agent-status.ts';
import type { NodeProbe } from '../host/node-probe.ts';
import type { Instance } from '../model/service.ts';
import { AGENT_RANGE } from '../store/keys.ts';
import { snapshotOf } from '../store/snapshot.ts';
import type { EndpointStatus, Store } from '../store/store.ts';
import { bad, type DoctorCheck, well } from './doctor-check.ts';
import {
  agentCheck,
  clockCheck,
  portCheck,
  programChecks,
  settingChecks,
  stateDirCheck,
  variantCheck,
} from './doctor-node.ts';
import { kernelChecks, type KernelTrials, type Layout } from './doctor-kernel.ts';
import { storeChecks } from './doctor-store.ts';

/** What doctor looks with; the last ones are implemented at the edge. */
export interface DoctorDeps extends KernelTrials {
  readonly store: Store;
  /** Addresses of this machine. */
  readonly ownIps: readonly string[];
  readonly readLocal: () => Promise<LocalAgent | undefined>;
  readonly probe: () => Promise<NodeProbe>;
  readonly countRules: () => Promise<{ readonly nft: number; readonly legacy: number }>;
  /** The layout that `--dataplane auto` takes here, and why. @throws SluiceError `config` if none works */
  readonly autoLayout: () => Promise<{ readonly layout: Layout; readonly why: string }>;
}

interface AutoLayout {
  /** Undefined if none works here. */
  readonly layout: Layout | undefined;
  readonly check: DoctorCheck;
}

/** What doctor found. */
export interface DoctorReport {
  readonly checks: readonly DoctorCheck[];
  readonly fails: number;
  readonly warnings: number;
}

async function autoCheck({ autoLayout }: DoctorDeps): Promise<AutoLayout> {
  const name = 'dataplane/auto';
  try {
    const { layout, why } = await autoLayout();
    return { layout, check: well(name, `${layout}: ${why}`) };
  } catch (error) {
    if (!(error instanceof SluiceError) || error.code === 'internal') throw error;
    const fix = error.fix ?? 'install the package iptables or nftables';
    const detail = [error.message, error.why].filter((part) => part !== undefined).join(': ');
    return { layout: undefined, check: bad(name, 'fail', { detail, fix }) };
  }
}

/** What of the store can be read; a store that is away is a finding of its own. */
async function instancesOf(
  store: Store,
  signal: AbortSignal | undefined,
): Promise<readonly Instance[] | undefined> {
  try {
    const { items, revision } = await store.list(AGENT_RANGE, { signal });
    const { snapshot } = snapshotOf(items, revision);
    return [...snapshot.instances.values()].flat().map(({ value }) => value);
  } catch (error) {
    if (error instanceof SluiceError && error.code !== 'interrupted') return undefined;
    throw error;
  }
}

async function endpointsOf(store: Store, signal: AbortSignal | undefined): Promise<readonly DoctorCheck[]> {
  let endpoints: readonly EndpointStatus[];
  try {
    endpoints = await store.status({ signal });
  } catch (error) {
    if (!(error instanceof SluiceError) || error.code === 'interrupted') throw error;
    return [
      bad('store', 'fail', { detail: error.why ?? error.message, fix: error.fix ?? 'is etcd running?' }),
    ];
  }
  return storeChecks(endpoints);
}

async function localCheck({ readLocal }: DoctorDeps): Promise<DoctorCheck> {
  try {
    return agentCheck(await readLocal());
  } catch (error) {
    if (!(error instanceof SluiceError)) throw error;
    return bad('agent', 'warn', { detail: error.message, fix: error.fix ?? 'restart the agent' });
  }
}

/** Looks at this node. @throws SluiceError `interrupted` */
export async function doctor(deps: DoctorDeps, signal?: AbortSignal): Promise<DoctorReport> {
  const auto = await autoCheck(deps);
  const [probe, counts, kernel, agent, instances, store] = await Promise.all([
    deps.probe(),
    deps.countRules(),
    kernelChecks(deps, auto.layout),
    localCheck(deps),
    instancesOf(deps.store, signal),
    endpointsOf(deps.store, signal),
  ]);
  const checks = [
    ...programChecks(probe),
    ...kernel,
    auto.check,
    variantCheck(counts),
    ...settingChecks(probe),
    portCheck(probe, instances, new Set(deps.ownIps)),
    clockCheck(probe),
    stateDirCheck(probe),
    agent,
    ...store,
  ];
  return {
    checks,
    fails: checks.filter(({ result }) => result === 'fail').length,
    warnings: checks.filter(({ result }) => result === 'warn').length,
  };
}
