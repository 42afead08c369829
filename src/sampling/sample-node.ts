/** Owns taking one sample of this node: everything is read once, then compared with the sample before. */
import type { Clock } from '../host/clock.ts';
import type { Counting } from '../dataplane/live/counting.ts';
import type { NodeLoad } from '../model/load.ts';
import type { Snapshot } from '../model/snapshot.ts';
import { type Family, familyOf } from '../model/address.ts';
import { SluiceError } from '../errors.ts';
import type { KernelFiles } from './kernel-files.ts';
import { loadBetween, type Reading } from './load-between.ts';
import { type LocalInstance, localInstances, type Running } from './local-instance.ts';
import type { ProcessTable } from './process-table.ts';
import { type CountReading, type Owners, ownersOf, type Rates, ratesBetween } from './rates.ts';
import type { SocketCounter } from './sockets.ts';
import { readInstanceUse, readNodeUse } from './use-reading.ts';

/** What a sample is made from. */
export interface SamplingDeps {
  readonly node: string;
  readonly clock: Clock;
  /** Services and instances as far as is known; undefined before the first listing. */
  readonly snapshot: () => Snapshot | undefined;
  /** All addresses of this node now, canonical. */
  readonly addresses: () => readonly string[];
  /** What drivers run here, by `SERVICE/ID`. */
  readonly running: () => ReadonlyMap<string, Running>;
  /** Processors of this machine. */
  readonly cores: number;
  readonly files: Pick<KernelFiles, 'read' | 'sweep'>;
  readonly processes: ProcessTable;
  readonly sockets: Pick<SocketCounter, 'count'>;
  readonly counting: Counting;
  /** Ends and closes everything that was opened for it. */
  readonly close: () => void;
}

/** Everything that the next sample is compared with. */
export interface Sampled {
  readonly load: NodeLoad;
  readonly reading: Reading;
  readonly counted: Counted;
  /** What could not be read and should be there, one line each. */
  readonly problems: readonly string[];
}

/** What rules counted, and when it is time to look again. */
interface Counted {
  readonly reading: CountReading | undefined;
  readonly rates: Rates | undefined;
  readonly dueMs: number;
  readonly problem?: string | undefined;
  /** Being read; the rest is from before. */
  readonly pending?: Promise<Counted> | undefined;
  /** The owners of this very snapshot. */
  readonly known?: { readonly snapshot: Snapshot; readonly owners: Owners } | undefined;
}

/** Reading counters may take this part of one processor's time. */
const COUNTING_SHARE = 0.01;
/**
 * What reading takes of a processor: programs that start, and then every character; a second for 50,000 rules (7.5 MB). Not the time that passes
 * meanwhile: a busy machine would look away just when its load is to be known.
 */
const COUNTING_MS = { once: 10, character: 1.3e-4 };
/** A sample does not wait longer than this for them; what is read later is told with a later one. */
const COUNTING_WAIT_MS = 1_000;
/** Without rules, or without the right to read them, a look this often is enough. */
const NOTHING_MS = 10_000;

function familiesOf({ services }: Snapshot): readonly Family[] {
  const found = new Set<Family>();
  for (const { value } of services.values()) {
    for (const { ip } of value.entries) found.add(familyOf(ip) ?? 'ipv4');
    if (found.size === 2) break;
  }
  return [...found];
}

/** Reads what rules counted. Takes as long as it takes. */
async function readCounts(
  { clock, counting }: SamplingDeps,
  snapshot: Snapshot,
  before: Counted | undefined,
): Promise<Counted> {
  const startMs = clock.monotonicMs();
  const nothing = { reading: undefined, rates: undefined, dueMs: startMs + NOTHING_MS };
  try {
    const found = await counting.read(familiesOf(snapshot));
    if (found === undefined) return nothing;
    const reading: CountReading = { monotonicMs: startMs, ...found };
    const isKnown = before?.known?.snapshot === snapshot;
    const owners = isKnown ? before.known.owners : ownersOf(snapshot);
    const rates = before?.reading === undefined ? undefined : ratesBetween(before.reading, reading, owners);
    const costMs = COUNTING_MS.once + found.size * COUNTING_MS.character;
    const dueMs = startMs + costMs / COUNTING_SHARE;
    return { reading, rates, dueMs, known: { snapshot, owners } };
  } catch (error) {
    if (!(error instanceof SluiceError)) throw error;
    return { ...nothing, problem: `counters of rules: ${error.message}` };
  }
}

/** Reads what rules counted if it is time to, or goes on waiting for it, for a moment. */
async function count(
  deps: SamplingDeps,
  snapshot: Snapshot | undefined,
  before: Counted | undefined,
): Promise<Counted> {
  const { clock } = deps;
  const last: Counted = before ?? { reading: undefined, rates: undefined, dueMs: clock.monotonicMs() };
  if (last.pending === undefined && (snapshot === undefined || clock.monotonicMs() < last.dueMs)) return last;
  const pending = last.pending ?? (snapshot && readCounts(deps, snapshot, before));
  const waited = new AbortController();
  const found = await Promise.race([pending, clock.sleep(COUNTING_WAIT_MS, waited.signal)]);
  waited.abort();
  return found ?? { ...last, rates: undefined, pending };
}

/** Counts the sockets of all instances here; none are asked for where there are none. */
async function countSockets(
  { sockets }: SamplingDeps,
  instances: readonly LocalInstance[],
): ReturnType<SocketCounter['count']> {
  if (instances.length === 0) return { sockets: { established: new Map(), waiting: new Map() } };
  let [lowest, highest] = [65_535, 1];
  for (const { port } of instances) [lowest, highest] = [Math.min(lowest, port), Math.max(highest, port)];
  return sockets.count({ lowest, highest });
}

/**
 * Takes a sample. Never throws for what cannot be read: its fields are missing, and `problems` says why.
 * @param previous the last sample, undefined for the first: it has nothing that is a difference of two readings
 */
export async function sampleNode(deps: SamplingDeps, previous: Sampled | undefined): Promise<Sampled> {
  const { node, clock, files } = deps;
  const snapshot = deps.snapshot();
  const place = { node, addresses: new Set(deps.addresses()), running: deps.running() };
  const instances = snapshot === undefined ? [] : localInstances(snapshot, place);
  const [socketAnswer, counted] = await Promise.all([
    countSockets(deps, instances),
    count(deps, snapshot, previous?.counted),
  ]);
  const reading: Reading = {
    monotonicMs: clock.monotonicMs(),
    node: readNodeUse(files),
    uses: readInstanceUse(deps, instances),
  };
  files.sweep();
  const load = loadBetween(previous?.reading, reading, {
    node,
    at: clock.now().getTime(),
    cores: deps.cores,
    instances,
    sockets: socketAnswer.sockets,
    rates: counted.rates,
  });
  const problems = [
    ...(socketAnswer.why === undefined ? [] : [`connections: ${socketAnswer.why}`]),
    ...(counted.problem === undefined ? [] : [counted.problem]),
    ...(reading.node.processors === undefined ? ['processor times: /proc/stat cannot be read'] : []),
  ];
  return { load, reading, counted, problems };
}
