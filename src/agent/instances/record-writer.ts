/**
 * Owns writing what instances of this node are to the store: the newest state wins, older ones are dropped unwritten; every write compares
 * the record that it replaces and that the assignment still stands, so that nothing is raised from the dead. While the store is away writes
 * wait. What may wait is written together with what comes next: every write is an event for all nodes.
 */
import { setMaxListeners } from 'node:events';
import { createBell } from '../../host/bell.ts';
import type { Clock } from '../../host/clock.ts';
import type { Log } from '../../host/log.ts';
import { encodeInstance } from '../../model/records-service.ts';
import type { Instance, Stored } from '../../model/service.ts';
import { assignmentKey, instanceKey } from '../../store/keys.ts';
import { readInstanceItem } from '../../store/snapshot.ts';
import type { Compare, KeyValue, Operation, Store } from '../../store/store.ts';

/** So many records in one transaction at most (etcd allows 128 operations). */
const BATCH = 32;
const RETRY_FIRST_MS = 100;
const RETRY_LAST_MS = 2_000;
/** So long what may wait does. */
const SOON_MS = 500;

/** What an instance is: all of its record but what others write. */
export type OwnWords = Omit<Instance, 'drain'>;

/** What shall be in the store of one instance; `gone`: no record. */
export interface Wanted {
  readonly words: OwnWords | 'gone';
  /** Its assignment stands: without it no record is made. */
  readonly assigned: boolean;
  /** Nothing depends on it but what people see: another word may follow at once. Default: written at once. */
  readonly mayWait?: boolean;
}

/** Which instance. */
export interface InstanceName {
  readonly service: string;
  readonly id: string;
}

/** What the store holds of an instance, or held a moment ago. */
export interface Copy {
  readonly record: KeyValue | undefined;
  readonly assignment: KeyValue | undefined;
}

/** What the writer needs. */
export interface WriterOptions {
  readonly store: Store;
  readonly node: string;
  readonly clock: Clock;
  readonly log: Log;
  /** What a copy of the store says of an instance's record and assignment, without asking it; may be behind. Undefined: no copy yet. */
  readonly copyOf: (name: InstanceName) => Copy | undefined;
  /** The store says this of the instance since this revision (`gone`: there is no record). Must not throw. */
  readonly onWritten: (name: InstanceName, words: OwnWords | 'gone', revision: number) => void;
}

/** Writes records. */
export interface RecordWriter {
  readonly want: (name: InstanceName, wanted: Wanted) => void;
  /** The record is at this revision (0: deleted): if another one wrote it, what is wanted is written again. */
  readonly look: (name: InstanceName, modRevision: number) => void;
  /** Lets a write that runs end; bounded by 1 s. */
  readonly close: () => Promise<void>;
}

interface Job {
  readonly name: InstanceName;
  wanted: Wanted;
  /** `wanted` is in the store, since this revision. */
  done: boolean;
  revision: number;
  /** When `wanted` is to be written, if it is not done; monotonic. */
  dueMs: number;
}

interface Read {
  readonly revision: number;
  readonly stored: Stored<Instance> | undefined;
  /** Of a record that cannot be read: replaced, nothing of it is kept. */
  readonly modRevision: number;
  /** Create revision of the assignment; 0: there is none. */
  readonly assignment: number;
}

/** What a job comes to, given what was read. */
type Change =
  | { readonly kind: 'none' }
  | { readonly kind: 'write'; readonly compares: readonly Compare[]; readonly operation: Operation };

function changeOf(node: string, { name, wanted }: Job, read: Read): Change {
  const key = instanceKey(name.service, name.id);
  const isThere = read.modRevision > 0;
  const compares: Compare[] = [{ kind: 'mod-revision', key, equals: read.modRevision }];
  if (wanted.words === 'gone') {
    return isThere ? { kind: 'write', compares, operation: { kind: 'delete', key } } : { kind: 'none' };
  }
  const isAssigned = wanted.assigned && read.assignment > 0;
  if (!isThere && !isAssigned) return { kind: 'none' };
  if (isAssigned) {
    const assignment = assignmentKey(node, name.service, name.id);
    compares.push({ kind: 'create-revision', key: assignment, equals: read.assignment });
  }
  const value = encodeInstance({ ...wanted.words, drain: read.stored?.value.drain }, read.stored?.raw);
  const isSame = read.stored !== undefined && value === encodeInstance(read.stored.value, read.stored.raw);
  return isSame ? { kind: 'none' } : { kind: 'write', compares, operation: { kind: 'put', key, value } };
}

/** @param revision of the store, if there is no record */
function readOf(service: string, { record, assignment }: Copy, revision: number): Read {
  let stored: Stored<Instance> | undefined;
  try {
    stored = record === undefined ? undefined : readInstanceItem(service, record);
  } catch {
    stored = undefined; // cannot be read: it is ours to replace
  }
  return {
    revision: stored?.modRevision ?? revision,
    stored,
    modRevision: record?.modRevision ?? 0,
    assignment: assignment?.createRevision ?? 0,
  };
}

async function readBoth(store: Store, node: string, { service, id }: InstanceName): Promise<Read> {
  const [record, assignment] = await Promise.all([
    store.get(instanceKey(service, id)),
    store.get(assignmentKey(node, service, id)),
  ]);
  return readOf(service, { record: record.item, assignment: assignment.item }, record.revision);
}

/** Starts a writer with nothing to write. */
export function startRecordWriter(options: WriterOptions): RecordWriter {
  const { store, node, clock, log, copyOf, onWritten } = options;
  const closing = new AbortController();
  setMaxListeners(0, closing.signal);
  const jobs = new Map<string, Job>();
  const bell = createBell(clock);
  let running: Promise<void> | undefined;
  let lastWhy = '';

  const finish = (job: Job, wanted: Wanted, revision: number): void => {
    if (job.wanted === wanted) job.done = true;
    job.revision = revision;
    if (wanted.words === 'gone' && job.done) jobs.delete(instanceKey(job.name.service, job.name.id));
    onWritten(job.name, wanted.words, revision);
  };

  /** What the copy says, if it is not behind what was written here and a write follows from it: the write is compared with what is there. */
  const fromCopy = (job: Job): Read | undefined => {
    const copy = copyOf(job.name);
    if (copy === undefined || (copy.record?.modRevision ?? 0) < job.revision) return undefined;
    const read = readOf(job.name.service, copy, 0);
    return changeOf(node, job, read).kind === 'write' ? read : undefined;
  };

  /**
   * Writes those records that differ in one transaction.
   * @param anew read them first, whatever the copy says
   * @returns false if somebody was quicker, or the copy was behind
   */
  const writeBatch = async (batch: readonly Job[], anew: boolean): Promise<boolean> => {
    const wanted = batch.map((job) => job.wanted);
    const reads = await Promise.all(
      batch.map(async (job) => (anew ? undefined : fromCopy(job)) ?? (await readBoth(store, node, job.name))),
    );
    const changes = batch.map((job, index) => {
      const read = reads[index];
      return read === undefined ? undefined : changeOf(node, job, read);
    });
    const writes = changes.filter((change) => change?.kind === 'write');
    let revision = 0;
    if (writes.length > 0) {
      const answer = await store.transact({
        compares: writes.flatMap(({ compares }) => compares),
        operations: writes.map(({ operation }) => operation),
      });
      if (answer.kind === 'conflict') return false;
      ({ revision } = answer);
    }
    for (const [index, job] of batch.entries()) {
      const was = wanted[index];
      const at = changes[index]?.kind === 'write' ? revision : reads[index]?.revision;
      if (was !== undefined && at !== undefined) finish(job, was, at);
    }
    return true;
  };

  const run = async (): Promise<void> => {
    let retryMs = RETRY_FIRST_MS;
    let wasRefused = false;
    while (!closing.signal.aborted) {
      const open = [...jobs.values()].filter(({ done }) => !done);
      if (open.length === 0) break;
      const waitMs = Math.min(...open.map(({ dueMs }) => dueMs)) - clock.monotonicMs();
      if (waitMs > 0) {
        await bell.wait(waitMs, closing.signal);
        continue;
      }
      // With one that is due go those that may wait.
      const batch = open.toSorted((a, b) => a.dueMs - b.dueMs).slice(0, wasRefused ? 1 : BATCH);
      try {
        // After a conflict one at a time: a record that others keep changing must not hold the rest up.
        wasRefused = !(await writeBatch(batch, wasRefused));
        if (lastWhy !== '') log.info('states of instances are written again');
        [retryMs, lastWhy] = [RETRY_FIRST_MS, ''];
      } catch (error) {
        const why = error instanceof Error ? error.message : String(error);
        if (why !== lastWhy) log.warn('states of instances wait for the store', { why });
        lastWhy = why;
        await clock.sleep(retryMs, closing.signal);
        retryMs = Math.min(retryMs * 2, RETRY_LAST_MS);
      }
    }
    running = undefined;
  };
  const wake = (): void => {
    bell.ring();
    if (!closing.signal.aborted) running ??= run();
  };

  return {
    want: (name, wanted) => {
      const key = instanceKey(name.service, name.id);
      const job = jobs.get(key);
      const latestMs = clock.monotonicMs() + (wanted.mayWait === true ? SOON_MS : 0);
      const dueMs = job?.done === false ? Math.min(job.dueMs, latestMs) : latestMs;
      if (job === undefined) jobs.set(key, { name, wanted, done: false, revision: 0, dueMs });
      else Object.assign(job, { wanted, done: false, dueMs });
      wake();
    },
    look: (name, modRevision) => {
      const job = jobs.get(instanceKey(name.service, name.id));
      if (job?.done !== true || job.revision === modRevision) return;
      Object.assign(job, { done: false, dueMs: clock.monotonicMs() });
      wake();
    },
    close: async () => {
      closing.abort();
      const bound = new AbortController();
      await Promise.race([running, clock.sleep(1_000, bound.signal)]);
      bound.abort();
    },
  };
}
