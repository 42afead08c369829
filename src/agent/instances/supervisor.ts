/**
 * Owns the instances of one node: finds them again, follows what the store wants of them, and tells rules, disk, store and log what they
 * are. Rules first, since nothing else may be late. Without the store nothing is stopped; everything else goes on.
 */
import { setMaxListeners } from 'node:events';
import type { Assignment } from '../../model/assignment.ts';
import type { DriverName } from '../../model/template.ts';
import { assignmentKey, assignmentsOf, instanceKey } from '../../store/keys.ts';
import { startInformer } from '../../store/informer.ts';
import type { KeyValue } from '../../store/store.ts';
import { createAcknowledgements } from './acknowledgements.ts';
import { adopt, listDriver, notesByDriver } from './adoption.ts';
import { namesOf, readAssignment, unreadableRecord } from './assignment-reader.ts';
import { createConnectionWatch } from './connection-watch.ts';
import { type Life, newLife } from './life.ts';
import { keepNotes, loadNotes, type Note, type Notes } from './notes.ts';
import { nameOf, ownRecords, withdrawnOf } from './own-records.ts';
import { stateOf } from './phase-views.ts';
import { createProber } from './prober.ts';
import { addressesInService } from './refusal-hold.ts';
import { type Copy, type InstanceName, type RecordWriter, startRecordWriter } from './record-writer.ts';
import type { Supervisor, SupervisorOptions } from './supervisor-options.ts';
import { isSameWish, localInstance, noteOf, recordOf, stopWishOf, timingOf, whyText } from './words.ts';
import { type Shared, Worker, type WorkerStart } from './worker.ts';

/**
 * What became of an instance is written to the store and to disks when the rules of its node are without it, which takes 5-20 ms, or after this
 * time: all other nodes are busy with it then, which keeps these rules back where processors are shared (p50 34 instead of 11 ms).
 */
const RULES_FIRST_MS = 50;

class NodeSupervisor implements Supervisor {
  readonly #options: SupervisorOptions;
  readonly #workers = new Map<string, Worker>();
  readonly #records: ReturnType<typeof ownRecords>;
  readonly #closing = new AbortController();
  readonly #shared: Shared;
  readonly #notes: Notes;
  readonly #writer: RecordWriter;
  readonly #informer: ReturnType<typeof startInformer>;
  readonly #adopting: Promise<void>;
  /** Notes of drivers that were not listed yet. */
  readonly #waiting: Map<DriverName, readonly Note[]>;
  /** Names of assignments that cannot be read and have no instance: only their records say so. */
  readonly #unreadable = new Set<string>();
  #assignments: ReadonlyMap<string, KeyValue> | undefined;
  #items: ReadonlyMap<string, KeyValue> | undefined;

  constructor(options: SupervisorOptions, notes: readonly Note[]) {
    const { node, stateDir, store, edges, clock, log, random } = options;
    this.#options = options;
    this.#records = ownRecords(node);
    setMaxListeners(0, this.#closing.signal);
    this.#waiting = new Map(notesByDriver(node, edges.expected, notes));
    this.#notes = keepNotes({ stateDir, all: () => this.#allNotes(), clock, log });
    this.#writer = startRecordWriter({
      store,
      node,
      clock,
      log,
      copyOf: (name) => this.#copyOf(name),
      onWritten: (name, words, revision) => {
        if (words === 'gone' || words.state !== 'draining') return;
        this.#workers.get(nameOf(name))?.send({ kind: 'announced', revision });
      },
    });
    this.#shared = {
      edges,
      clock,
      log,
      random,
      probe: createProber(edges, { clock, random }),
      watchConnections: createConnectionWatch(edges.countConnections, { clock, log }),
      acknowledgements: createAcknowledgements(store, clock),
      flushNotes: async () => await this.#notes.flush(),
      ipFor: options.ipFor,
      entriesFor: options.entriesFor,
      onChange: (worker, before) => this.#tell(worker, before),
    };
    this.#informer = startInformer({
      store,
      range: assignmentsOf(node),
      clock,
      random,
      onChange: ({ keys, cause }) => {
        this.#assignments = this.#informer.items;
        this.#reconcile(
          cause === 'list' ? undefined : keys.map((key) => key.slice(assignmentsOf(node).start.length)),
        );
      },
    });
    this.#adopting = this.#adoptAll();
  }

  /** Notes of instances whose driver has not been listed yet are kept as they are. */
  #allNotes(): readonly Note[] {
    return [...[...this.#waiting.values()].flat(), ...[...this.#workers.values()].map(noteOf)];
  }

  async #adoptAll(): Promise<void> {
    const { node, edges, clock, log, random, ipFor } = this.#options;
    const signal = this.#closing.signal;
    await Promise.all(
      [...this.#waiting].map(async ([name, notes]) => {
        const observed = await listDriver(() => edges.drivers.get(name), { clock, log, signal });
        if (signal.aborted) return;
        const starts = adopt({ node, driver: name, notes, observed, ipFor, clock, random });
        const workers = starts.map((start) => this.#add(start));
        // Only now: at no moment may what is written down lack one of them.
        this.#waiting.delete(name);
        for (const worker of workers) {
          const { service, id, life } = worker;
          log.info('instance found again', { service, id, state: stateOf(life), why: life.why });
          this.#begin(worker);
        }
        this.#reconcile(undefined);
      }),
    );
    if (!signal.aborted) void this.#withdraw();
  }

  #add(start: WorkerStart): Worker {
    const worker = new Worker(start, this.#shared);
    this.#workers.set(nameOf(worker), worker);
    return worker;
  }

  #begin(worker: Worker): void {
    void this.#withdraw();
    this.#notes.changed();
    this.#want(worker);
    this.#show();
    worker.begin();
  }

  /** What an instance has become: to the rules and the log; when the rules have it, to the store and the disk. */
  #tell(worker: Worker, before: Life): void {
    const { life, service, id, order } = worker;
    const state = stateOf(life);
    const isNew = state !== stateOf(before);
    if (life.phase.kind === 'gone') {
      this.#workers.delete(nameOf(worker));
      worker.close();
    }
    if (!isNew) return this.#keep(worker, before);
    const ruled = this.#withdraw();
    const address = order === undefined ? undefined : `${order.ip}:${order.port}`;
    const { clock, log } = this.#options;
    const bad = state === 'failed' || state === 'crashloop';
    log[bad ? 'warn' : 'info'](`instance ${state}`, { service, id, address, why: life.why });
    if (ruled === undefined) return this.#keep(worker, before);
    const soon = Promise.race([ruled, clock.sleep(RULES_FIRST_MS, this.#closing.signal)]);
    void soon.then(() => this.#closing.signal.aborted || this.#keep(worker, before));
  }

  /** What an instance is now, to the store and the disk, as far as they know it by what it was. */
  #keep(worker: Worker, before: Life): void {
    const { life } = worker;
    const isOther = stateOf(life) !== stateOf(before) || life.why !== before.why;
    if (isOther || life.restarts !== before.restarts) {
      this.#want(worker);
      this.#show();
    }
    if (isOther || life.phase.kind !== before.phase.kind || life.stop !== before.stop) this.#notes.changed();
  }

  #show(): void {
    this.#options.show(this.instances().map(localInstance));
  }

  /** To the rules, and to what stands beside them. */
  #withdraw(): Promise<void> | undefined {
    const ruled = this.#options.withdraw(withdrawnOf(this.#workers.values(), this.#records.records));
    this.#options.inService(addressesInService(this.#workers.values()));
    return ruled;
  }

  /** The record that the store shall have of it. */
  #want(worker: Worker): void {
    const { node, ipFor } = this.#options;
    const { service, id, assignment, order, life, since } = worker;
    const { assigned } = life;
    if (life.phase.kind === 'gone') return this.#writer.want(worker, { words: 'gone', assigned: false });
    const ip = order?.ip ?? ipFor(service);
    const words = recordOf({ node, service, id, assignment, order, ip, life, since });
    // On its way up: it may be ready, or gone, in a moment.
    const mayWait = life.phase.kind === 'pending' || life.phase.kind === 'starting';
    if (words !== undefined) this.#writer.want({ service, id }, { words, assigned, mayWait });
  }

  #copyOf({ service, id }: InstanceName): Copy | undefined {
    if (this.#items === undefined || this.#assignments === undefined) return undefined;
    const assignment = this.#assignments.get(assignmentKey(this.#options.node, service, id));
    return { record: this.#items.get(instanceKey(service, id)), assignment };
  }

  /** Brings instances to what is wanted of them, once assignments and records are known whole. `names` undefined: all. */
  #reconcile(names: readonly string[] | undefined): void {
    const assignments = this.#assignments;
    if (assignments === undefined || !this.#records.listed() || this.#closing.signal.aborted) return;
    const prefix = assignmentsOf(this.#options.node).start;
    const all =
      names ??
      new Set([...this.#workers.keys(), ...[...assignments.keys()].map((key) => key.slice(prefix.length))]);
    for (const name of all) this.#reconcileOne(name, assignments.get(prefix + name));
    if (names === undefined) this.#sweep(assignments);
  }

  #reconcileOne(name: string, item: KeyValue | undefined): void {
    const worker = this.#workers.get(name);
    if (item === undefined) {
      if (this.#unreadable.delete(name)) this.#writer.want(namesOf(name), { words: 'gone', assigned: false });
      if (worker?.life.assigned === true) worker.send({ kind: 'ordered', assigned: false });
      return;
    }
    const assignment = readAssignment(name, item, this.#options);
    if (typeof assignment === 'string') return this.#tellUnreadable(name, assignment);
    this.#unreadable.delete(name);
    const stop = stopWishOf(assignment, this.#records.records.get(name)?.drain);
    if (worker === undefined) return this.#assign(name, assignment);
    const isOther =
      worker.assignment.templateHash !== assignment.templateHash ||
      worker.assignment.weight !== assignment.weight;
    worker.assignment = assignment;
    if (isOther) this.#want(worker);
    if (!worker.life.assigned || !isSameWish(worker.life.stop, stop)) {
      worker.send({ kind: 'ordered', assigned: true, stop });
    }
  }

  /** What runs goes on as it is; where nothing does, the record says what is wrong. */
  #tellUnreadable(name: string, why: string): void {
    if (this.#workers.has(name) || this.#waiting.size > 0) return;
    const { node, clock, ipFor } = this.#options;
    const named = namesOf(name);
    this.#unreadable.add(name);
    const since = clock.now().toISOString();
    const words = unreadableRecord({ ...named, node, ip: ipFor(named.service), why, since });
    this.#writer.want(named, { words, assigned: true });
  }

  /** A new instance. One whose driver was not listed yet may run already. */
  #assign(name: string, assignment: Assignment): void {
    const { log, clock } = this.#options;
    const { service, id, template } = assignment;
    if (this.#waiting.has(template.driver)) return;
    const holder = [...this.#workers.values()].find((worker) => worker.id === id);
    if (holder !== undefined) {
      log.error('an assignment cannot be followed', { name, why: `${nameOf(holder)} has the same id` });
      return;
    }
    log.info('instance assigned', { service, id });
    const life = newLife(timingOf(template));
    this.#begin(this.#add({ service, id, assignment, life, since: clock.now().toISOString() }));
    const stop = stopWishOf(assignment, this.#records.records.get(name)?.drain);
    if (stop !== undefined) this.#workers.get(name)?.send({ kind: 'ordered', assigned: true, stop });
  }

  /** Records of ours with nothing behind them: no process, no note, no assignment. */
  #sweep(assignments: ReadonlyMap<string, KeyValue>): void {
    const { node } = this.#options;
    if (this.#waiting.size > 0) return;
    const prefix = assignmentsOf(node).start;
    for (const [name, { service, id }] of this.#records.records) {
      if (this.#workers.has(name) || assignments.has(prefix + name)) continue;
      this.#writer.want({ service, id }, { words: 'gone', assigned: false });
    }
  }

  recordsChanged(items: ReadonlyMap<string, KeyValue>, keys: readonly string[] | undefined): void {
    const isFirst = !this.#records.listed();
    this.#items = items;
    const changes = this.#records.take(items, keys);
    for (const change of changes) this.#writer.look(change, change.modRevision);
    if (changes.length === 0 && !isFirst) return;
    void this.#withdraw();
    this.#reconcile(isFirst || keys === undefined ? undefined : changes.map(nameOf));
  }

  instances(): readonly Worker[] {
    return [...this.#workers].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([, worker]) => worker);
  }

  async close(): Promise<void> {
    this.#closing.abort();
    await Promise.all([this.#informer.close(), this.#writer.close(), this.#adopting]);
    for (const worker of this.#workers.values()) worker.close();
    await this.#notes.close();
  }
}

/** Finds the node's instances again and follows what is wanted of them, until closed. Notes that cannot be read are told and replaced. */
export async function startSupervisor(options: SupervisorOptions): Promise<Supervisor> {
  const { stateDir, clock, log } = options;
  const notes = await loadNotes(stateDir, clock).catch((error: unknown) => {
    log.error('notes of instances cannot be read; going by what runs', { why: whyText(error) });
    return [];
  });
  return new NodeSupervisor(options, notes);
}
