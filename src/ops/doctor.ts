/** Owns `doctor`: is this node fit to forward. Looks at everything; what cannot be looked at is said. Never changes anything. */
import { SluiceError } from '../errors.ts';
import type { LocalAgent } from '../host/agent-status.ts';
import type { NodeProbe } from '../host/node-probe.ts';
import type { Family } from '../model/address.ts';
import type { Instance } from '../model/service.ts';
import { AGENT_RANGE } from '../store/keys.ts';
import { snapshotOf } from '../store/snapshot.ts';
import type { EndpointStatus, Store } from '../store/store.ts';
import { bad, type DoctorCheck, skipped, well } from './doctor-check.ts';
import {
  agentCheck,
  clockCheck,
  portCheck,
  programChecks,
  settingChecks,
  stateDirCheck,
  variantCheck,
} from './doctor-node.ts';
import { storeChecks } from './doctor-store.ts';

/** What doctor looks with; the last three are implemented at the edge. */
export interface DoctorDeps {
  readonly store: Store;
  /** Addresses of this machine. */
  readonly ownIps: readonly string[];
  readonly readLocal: () => Promise<LocalAgent | undefined>;
  readonly probe: () => Promise<NodeProbe>;
  readonly countRules: () => Promise<{ readonly nft: number; readonly legacy: number }>;
  /** Tries our rules in a private network namespace. */
  readonly tryRules: (family: Family) => Promise<{
    readonly outcome: 'ok' | 'failed' | 'not-tried';
    readonly detail: string;
  }>;
}

/** What doctor found. */
export interface DoctorReport {
  readonly checks: readonly DoctorCheck[];
  readonly fails: number;
  readonly warnings: number;
}

async function kernelCheck(deps: DoctorDeps, family: Family): Promise<DoctorCheck> {
  const check = `kernel/${family}`;
  const { outcome, detail } = await deps.tryRules(family);
  if (outcome === 'not-tried') return skipped(check, detail);
  if (outcome === 'ok') return well(check, detail);
  const fix =
    'the kernel needs nf_nat, xt_statistic, xt_conntrack, xt_mark, xt_bpf and MASQUERADE: load the modules, or use another kernel';
  return bad(check, family === 'ipv4' ? 'fail' : 'warn', { detail, fix });
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
  const [probe, counts, ipv4, ipv6, agent, instances, store] = await Promise.all([
    deps.probe(),
    deps.countRules(),
    kernelCheck(deps, 'ipv4'),
    kernelCheck(deps, 'ipv6'),
    localCheck(deps),
    instancesOf(deps.store, signal),
    endpointsOf(deps.store, signal),
  ]);
  const checks = [
    ...programChecks(probe),
    ipv4,
    ipv6,
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
