/** Owns the agent's life: start from disk, follow the store, stop; who is told what when the kernel has changed. */
import { mkdir } from 'node:fs/promises';
import { SluiceError } from '../errors.ts';
import type { Dataplane } from '../dataplane/dataplane.ts';
import { openConntrack } from '../dataplane/conntrack.ts';
import { restoreByCoprocess } from '../dataplane/iptables/nat-table.ts';
import { openDataplane } from '../dataplane/open.ts';
import { leanExec } from '../host/lean-exec.ts';
import { preferSmall } from '../host/memory.ts';
import { expectRest } from '../host/resting.ts';
import { openPipe } from '../host/pipe.ts';
import { readMachine } from '../host/machine.ts';
import type { NodeFacts } from '../model/node.ts';
import type { DriverName } from '../model/template.ts';
import { forwards } from '../rules/forwards.ts';
import { VERSION } from '../version.ts';
import { followStore } from './follow.ts';
import { startHeal } from './heal.ts';
import { startHygiene } from './hygiene.ts';
import { openEdges } from './instances/open-edges.ts';
import { startRefusalHold } from './instances/refusal-hold.ts';
import { type Kernel, startKernel } from './kernel.ts';
import { findNodeAddresses, type NodeAddresses } from './node-ip.ts';
import type { AgentOptions } from './options.ts';
import { rememberPids } from './own-pids.ts';
import { loadSnapshot, type SavedSnapshot } from './saved-snapshot.ts';
import { takeSingleAgent } from './single.ts';

/** The saved snapshot, or undefined if there is none or it is damaged (said in the log: the store has everything). */
async function loadSaved({ stateDir, log }: AgentOptions): Promise<SavedSnapshot | undefined> {
  try {
    return await loadSnapshot(stateDir);
  } catch (error) {
    if (!(error instanceof SluiceError)) throw error;
    log.error('the saved snapshot cannot be used; waiting for the store', { why: error.message });
    return undefined;
  }
}

/** Longer than a store that is there takes to answer, on a busy machine too. */
const KEEP_RULES_MS = 10_000;

/**
 * Forwards from the saved snapshot: at once where no rules forward (after a boot or a flush). Rules that an earlier agent left are as new as what it
 * saved, or newer, as it may have been killed before it had saved the last change: they stay until the store answers, or for a moment.
 */
async function startFromDisk(
  options: AgentOptions,
  { kernel, dataplane }: { readonly kernel: Kernel; readonly dataplane: Dataplane },
): Promise<void> {
  const saved = await loadSaved(options);
  if (saved === undefined) return;
  const isForwarding = forwards(await dataplane.dump());
  const { clock, signal } = options;
  const kept = async (): Promise<boolean> => {
    await clock.sleep(KEEP_RULES_MS, signal);
    return !signal.aborted;
  };
  kernel.startFrom(saved, isForwarding ? kept() : undefined);
}

/** What this node says of itself. */
function factsOf(
  options: AgentOptions,
  {
    dataplane,
    addresses,
    offered,
    missing,
  }: {
    readonly dataplane: Dataplane;
    readonly addresses: NodeAddresses;
    readonly offered: readonly DriverName[];
    readonly missing: readonly string[];
  },
): NodeFacts {
  const machine = readMachine();
  return {
    name: options.node,
    addresses: addresses.all,
    networks: machine.networks,
    cpus: machine.cpus,
    memoryBytes: machine.memoryBytes,
    version: VERSION,
    kernel: machine.kernel,
    dataplane: dataplane.name,
    startedAt: options.clock.now().toISOString(),
    labels: options.labels,
    drivers: offered,
    missingDrivers: missing,
  };
}

async function runAlone(options: AgentOptions): Promise<void> {
  const { clock, log, node } = options;
  const own = rememberPids(leanExec, openPipe);
  const { dataplane, refusals, choice, notes } = await openDataplane({
    asked: options.dataplane,
    exec: own.exec,
    openPipe: own.openPipe,
    runRestore: restoreByCoprocess({ onPid: own.add }),
    node,
  });
  log.info('data plane chosen', { dataplane: dataplane.name, why: choice.why });
  await dataplane.adopt();
  const addresses = await findNodeAddresses(options.nodeIps, leanExec);
  log.info('agent starts', { node, version: VERSION, dataplane: dataplane.name, addresses: addresses.all });
  for (const note of notes) log.warn('this node cannot do everything', { note });
  const hygiene = startHygiene({ conntrack: openConntrack(leanExec), clock, log });
  const kernel = startKernel({
    node,
    stateDir: options.stateDir,
    clock,
    log,
    dataplane,
    localFacts: addresses.primary,
    hygiene,
    meter: options.meter,
  });
  await startFromDisk(options, { kernel, dataplane });
  const hasEvents = !dataplane.name.includes('legacy');
  // After the rules: they must not wait for drivers.
  const { edges, offered, missing } = await openEdges(options);
  const facts = factsOf(options, { dataplane, addresses, offered, missing });
  if (offered.length > 0) log.info('instances may be run here', { drivers: offered });
  const hold = startRefusalHold({ refusals, clock, log });
  const heal = startHeal({ kernel, clock, log, isOwn: own.has, hasEvents });
  try {
    await followStore(options, { facts, kernel, edges, hold });
  } finally {
    await edges.close();
    await hold.close();
    await heal.close();
    await kernel.close();
    await hygiene.close();
    log.info('agent stops; rules and instances stay as they are', { node });
  }
}

/**
 * Runs the agent until `options.signal` aborts; rules stay as they are when it ends.
 * @throws SluiceError `locked` if another agent runs on this node, `permission` without CAP_NET_ADMIN, `config`
 */
export async function runAgent(options: AgentOptions): Promise<void> {
  preferSmall();
  expectRest();
  await mkdir(options.stateDir, { recursive: true, mode: 0o700 });
  const single = await takeSingleAgent();
  try {
    await runAlone(options);
  } finally {
    await single.release();
  }
}
