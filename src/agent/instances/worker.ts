/**
 * Owns one instance: its life, and the one job of the phase that it is in. A job's outcome comes back as an event; what follows from the
 * new life is told at once (rules first), then written. Nothing here decides: step.ts does.
 */
import type { Clock } from '../../host/clock.ts';
import type { Log } from '../../host/log.ts';
import { SluiceError } from '../../errors.ts';
import type { Assignment } from '../../model/assignment.ts';
import type { Entry } from '../../model/entry.ts';
import type { StartOrder } from '../../runtime/driver.ts';
import type { Acknowledgements } from './acknowledgements.ts';
import type { ConnectionWatch } from './connection-watch.ts';
import type { Edges } from './edges.ts';
import { jobs } from './jobs.ts';
import type { Life, LifeEvent } from './life.ts';
import { dueAt, type Job, jobOf, stateOf } from './phase-views.ts';
import type { Prober } from './prober.ts';
import { step } from './step.ts';
import { exitText, whyText } from './words.ts';

/** The node's address for an instance of a service; `before`: the one that it had. */
export type IpFor = (service: string, before?: string) => string;

/** Entries of a service; undefined if nobody knows it now. */
export type EntriesFor = (service: string) => readonly Entry[] | undefined;

/** What all instances of a node share. */
export interface Shared {
  readonly edges: Edges;
  readonly clock: Clock;
  readonly log: Log;
  /** In [0, 1). */
  readonly random: () => number;
  readonly probe: Prober;
  readonly watchConnections: ConnectionWatch;
  readonly acknowledgements: Acknowledgements;
  /** Resolves when everything known is on disk. */
  readonly flushNotes: () => Promise<void>;
  readonly ipFor: IpFor;
  readonly entriesFor: EntriesFor;
  /** Something about this instance has changed. Called at once; must not throw. */
  readonly onChange: (worker: Worker, before: Life) => void;
}

/** What an instance begins with: just assigned, or as noted down. */
export interface WorkerStart {
  readonly service: string;
  readonly id: string;
  readonly assignment: Assignment;
  readonly order?: StartOrder | undefined;
  readonly life: Life;
  readonly since: string;
}

/** One instance of this node. */
export class Worker {
  readonly service: string;
  readonly id: string;
  readonly shared: Shared;
  #assignment: Assignment;
  #order: StartOrder | undefined;
  #life: Life;
  #since: string;
  #job: { readonly kind: Job; readonly ending: AbortController } | undefined;
  #due: { readonly at: number; readonly ending: AbortController } | undefined;
  #stopListening: (() => void) | undefined;
  readonly #closing = new AbortController();

  constructor(start: WorkerStart, shared: Shared) {
    this.service = start.service;
    this.id = start.id;
    this.shared = shared;
    this.#assignment = start.assignment;
    this.#order = start.order;
    this.#life = start.life;
    this.#since = start.since;
  }

  get life(): Life {
    return this.#life;
  }
  get assignment(): Assignment {
    return this.#assignment;
  }
  get order(): StartOrder | undefined {
    return this.#order;
  }
  /** Since when it is in its state, RFC 3339. */
  get since(): string {
    return this.#since;
  }

  /** Aborted when this agent lets go of it. */
  get closed(): AbortSignal {
    return this.#closing.signal;
  }

  /** The same instance by newer words of the leader (its stop order, its weight). */
  set assignment(assignment: Assignment) {
    this.#assignment = assignment;
  }
  set order(order: StartOrder | undefined) {
    this.#order = order;
  }

  /** Begins with what its phase asks for. */
  begin(): void {
    if (this.#order !== undefined && jobOf(this.#life) !== 'start') this.listen();
    this.#follow();
  }

  /** Hears of the end of its process, from now on; of one that has ended already at once. */
  listen(): void {
    this.#stopListening?.();
    const driver = this.shared.edges.drivers.get(this.#assignment.template.driver);
    try {
      this.#stopListening = driver?.onExit(this.id, (exit) => {
        this.send({ kind: 'exited', why: exitText(exit) });
      });
    } catch (error) {
      // Nothing of it is there: its life knows that from the list.
      if (!(error instanceof SluiceError && error.code === 'not-found')) throw error;
      this.#stopListening = undefined;
    }
  }

  /** Takes an event. */
  send(event: LifeEvent): void {
    if (this.#closing.signal.aborted) return;
    const before = this.#life;
    const { clock, random } = this.shared;
    this.#life = step(before, event, { now: clock.monotonicMs(), random: random() });
    if (this.#life === before) return;
    if (stateOf(before) !== stateOf(this.#life)) this.#since = clock.now().toISOString();
    this.shared.onChange(this, before);
    this.#follow();
  }

  /** Ends everything of this agent's; the instance runs on. */
  close(): void {
    this.#closing.abort();
    this.#stopListening?.();
    this.#job?.ending.abort();
    this.#due?.ending.abort();
  }

  /** Job and alarm of the phase that it is in now. */
  #follow(): void {
    const kind = jobOf(this.#life);
    if (this.#job?.kind !== kind) {
      this.#job?.ending.abort();
      this.#job = kind === undefined ? undefined : { kind, ending: new AbortController() };
      if (this.#job !== undefined) void this.#run(this.#job);
    }
    const at = dueAt(this.#life);
    if (this.#due?.at === at) return;
    this.#due?.ending.abort();
    this.#due = at === undefined ? undefined : { at, ending: new AbortController() };
    if (this.#due !== undefined) void this.#alarm(this.#due);
  }

  async #run(job: { readonly kind: Job; readonly ending: AbortController }): Promise<void> {
    try {
      const event = await jobs[job.kind](this, job.ending.signal);
      if (event === undefined) return;
      // Done: the next phase may ask for another job of the same kind.
      if (this.#job === job) this.#job = undefined;
      this.send(event);
    } catch (error) {
      if (!(error instanceof SluiceError)) throw error;
      const { service, id } = this;
      this.shared.log.error('an instance is not looked after', { service, id, why: whyText(error) });
    }
  }

  async #alarm({ at, ending }: { readonly at: number; readonly ending: AbortController }): Promise<void> {
    const { clock } = this.shared;
    // Clocks of timers and of time may differ by a millisecond.
    for (let left = at - clock.monotonicMs(); left > 0; left = at - clock.monotonicMs()) {
      await clock.sleep(Math.ceil(left), ending.signal);
      if (ending.signal.aborted) return;
    }
    this.send({ kind: 'tick' });
  }
}
