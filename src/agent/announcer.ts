/**
 * Owns this node's part in answering neighbours for announced entries: takes and gives up claims in the store, answers while it holds one,
 * and goes on without the store until somebody else is heard. Joins view, plan, store and the answering program; must not know frames.
 */
import { SluiceError } from '../errors.ts';
import type { Answer, Answering, AnsweringState } from '../dataplane/answering.ts';
import type { Clock } from '../host/clock.ts';
import type { Log } from '../host/log.ts';
import { encodeHolder } from '../model/records-node.ts';
import { type AnnouncePlan, type AnswerMode, planAnnouncing } from '../rules/announcement.ts';
import { holderKey } from '../store/keys.ts';
import type { KeyValue, Lease, Store } from '../store/store.ts';
import { type AnnounceView, announceView } from './announce-view.ts';

/** A node that is not first in line waits this long a place for those before it. */
const RANK_MS = 1_000;
/** Pause between questions whether somebody else has what this node keeps without a claim. */
const PROBE_MS = 2_000;
/** Moments of the announcements of a take-over: the first at once, others because frames get lost. */
const ANNOUNCE_AT_MS = [0, 300, 1_000, 3_000];
/** What was answered for in an earlier life is listened to this long before it is answered for without the store. */
const LISTEN_MS = 1_000;

/** What the announcer needs. */
export interface AnnouncerOptions {
  readonly node: string;
  readonly store: Store;
  readonly clock: Clock;
  readonly log: Log;
  /** Opens the answering program. */
  readonly answering: (onHeard: (ip: string, mac: string) => void, onState: () => void) => Answering;
  /** The link in whose network an address lies. */
  readonly linkOf: (ip: string) => string | undefined;
  /** Addresses that were answered for when the earlier agent died; [] if it ended in order. */
  readonly before: readonly string[];
  /** Remembers what is answered for. */
  readonly remember: (ips: readonly string[]) => void;
}

/** A running announcer. */
export interface Announcer {
  /** The copy of the store changed. `anew`: all of it was listed. */
  readonly changed: (keys: readonly string[], items: ReadonlyMap<string, KeyValue>, anew: boolean) => void;
  /** The node is alive under this lease from now on. */
  readonly leased: (lease: Lease) => void;
  /** Answers for nothing any more; the claims end with the lease. */
  readonly close: () => Promise<void>;
}

class AnnouncerLoop implements Announcer {
  readonly #options: AnnouncerOptions;
  readonly #view: AnnounceView = announceView();
  readonly #answering: Answering;
  readonly #closing = new AbortController();
  readonly #running: Promise<void>;
  #isListed = false;
  #lease: Lease | undefined;
  #answers: ReadonlyMap<string, AnswerMode> = new Map();
  #plan: AnnouncePlan | undefined;
  /** Since when each address that this node could take has no holder. */
  readonly #vacantSince = new Map<string, number>();
  readonly #links = new Map<string, string>();
  readonly #announcedAt = new Map<string, number>();
  #listening: readonly string[];
  #remembered: readonly string[];
  #wake = new AbortController();
  #lastWhy = '';
  #trouble = '';

  constructor(options: AnnouncerOptions) {
    this.#options = options;
    this.#listening = options.before;
    this.#remembered = options.before;
    this.#answering = options.answering(
      (ip, mac) => this.#onHeard(ip, mac),
      () => this.#replan(),
    );
    this.#answering.set(this.#listening.length === 0 ? new Map() : this.#told());
    this.#running = this.#run();
  }

  changed(keys: readonly string[], items: ReadonlyMap<string, KeyValue>, anew: boolean): void {
    if (anew) this.#view.clear();
    const matters = this.#view.take(anew ? items.keys() : keys, items);
    this.#isListed = true;
    if (anew || matters) this.#replan();
  }

  leased(lease: Lease): void {
    this.#lease = lease;
    lease.lost.addEventListener('abort', () => this.#replan(), { once: true });
    this.#replan();
  }

  async close(): Promise<void> {
    this.#closing.abort();
    this.#answering.close();
    this.#options.remember([]);
    await this.#running;
  }

  #linkOf(ip: string): string | undefined {
    const link = this.#options.linkOf(ip);
    if (link !== undefined) this.#links.set(ip, link);
    return link;
  }

  /** What the program is told: what is answered for, and what is only listened to. */
  #told(): ReadonlyMap<string, Answer> {
    const modes = [
      ...this.#listening.map((ip) => [ip, 'watch'] as const),
      ...[...this.#answers].map(([ip, mode]) => [ip, mode] as const),
    ];
    return new Map(
      modes.flatMap(([ip, mode]) => {
        const link = this.#links.get(ip) ?? this.#linkOf(ip);
        return link === undefined ? [] : [[ip, { link, mode }] as const];
      }),
    );
  }

  /** Decides anew; what it decides about answering is done at once, what is to be written is left to the loop. */
  #replan(): void {
    if (!this.#isListed || this.#closing.signal.aborted) return;
    const { node } = this.#options;
    this.#listening = [];
    const facts = this.#view.facts();
    const state: AnsweringState =
      facts.announced.size === 0 && facts.claims.size === 0 ? { kind: 'ready' } : this.#answering.state();
    if (state.kind === 'starting') return;
    const lease = this.#lease === undefined || this.#lease.lost.aborted ? undefined : this.#lease.id;
    this.#plan = planAnnouncing(facts, {
      name: node,
      canAnswer: (ip) => state.kind === 'ready' && this.#linkOf(ip) !== undefined,
      lease,
      answers: this.#answers,
    });
    const canHelp = [...facts.announced].some((ip) => this.#linkOf(ip) !== undefined);
    const trouble = canHelp && state.kind === 'down' ? state.why : '';
    // Not a failure of the node: others answer. `status` tells when nobody does.
    if (trouble !== '' && trouble !== this.#trouble)
      this.#options.log.warn('leaves announced entries to others', { why: trouble });
    this.#trouble = trouble;
    this.#answer(this.#plan.answers);
    this.#wake.abort();
  }

  #answer(answers: ReadonlyMap<string, AnswerMode>): void {
    const { log, remember } = this.#options;
    const before = this.#answers;
    this.#answers = answers;
    this.#answering.set(this.#told());
    for (const ip of before.keys())
      if (!answers.has(ip)) log.info('answers neighbours no more', { entry: ip });
    for (const [ip, mode] of answers) {
      if (mode === before.get(ip)) continue;
      log.info('answers neighbours', { entry: ip, link: this.#links.get(ip), claim: mode === 'held' });
      if (mode === 'held') void this.#announce(ip);
    }
    const ips = [...answers.keys()].toSorted();
    if (ips.join() !== this.#remembered.join()) remember(ips);
    this.#remembered = ips;
  }

  /** The announcements of a take-over; ends early when the address goes. */
  async #announce(ip: string): Promise<void> {
    const { clock } = this.#options;
    const started = clock.monotonicMs();
    for (const atMs of ANNOUNCE_AT_MS) {
      await clock.sleep(Math.max(0, started + atMs - clock.monotonicMs()), this.#closing.signal);
      if (this.#closing.signal.aborted || this.#answers.get(ip) !== 'held') return;
      this.#announcedAt.set(ip, clock.monotonicMs());
      this.#answering.announce(ip);
    }
  }

  /** Another machine answers too: whoever has the claim stays and says so, everybody else yields. */
  #onHeard(ip: string, mac: string): void {
    const { clock, log } = this.#options;
    if (this.#listening.includes(ip)) {
      this.#listening = this.#listening.filter((other) => other !== ip);
      return;
    }
    const mode = this.#answers.get(ip);
    if (mode === 'held') {
      const now = clock.monotonicMs();
      if (now - (this.#announcedAt.get(ip) ?? 0) < RANK_MS) return;
      this.#announcedAt.set(ip, now);
      log.warn('another machine answers for an entry of this node', { entry: ip, mac });
      this.#answering.announce(ip);
    } else if (mode === 'kept') {
      log.warn('another machine has taken the entry over', { entry: ip, mac });
      this.#answer(new Map([...this.#answers].filter(([other]) => other !== ip)));
    }
  }

  async #run(): Promise<void> {
    const { clock } = this.#options;
    await this.#resume();
    while (!this.#closing.signal.aborted) {
      this.#wake = new AbortController();
      const pauseMs = await this.#writeAll();
      for (const [ip, mode] of this.#answers) if (mode === 'kept') this.#answering.probe(ip);
      const isKeeping = [...this.#answers.values()].includes('kept');
      const waitMs = Math.min(pauseMs, isKeeping ? PROBE_MS : Number.POSITIVE_INFINITY);
      const signal = AbortSignal.any([this.#wake.signal, this.#closing.signal]);
      if (waitMs < Number.POSITIVE_INFINITY) await clock.sleep(waitMs, signal);
      else if (!signal.aborted)
        await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
    }
  }

  /** After a crash without a store: goes on with what nobody else answers for. */
  async #resume(): Promise<void> {
    const { clock } = this.#options;
    if (this.#listening.length === 0) return;
    const signal = AbortSignal.any([this.#closing.signal, this.#wake.signal]);
    // Twice: the program may not run yet when it is asked first.
    for (let round = 0; round < 2 && !signal.aborted; round += 1) {
      for (const ip of this.#listening) this.#answering.probe(ip);
      await clock.sleep(LISTEN_MS, signal);
    }
    const free = this.#listening;
    this.#listening = [];
    if (free.length === 0 || this.#closing.signal.aborted) return;
    this.#answer(new Map([...free.map((ip) => [ip, 'kept'] as const), ...this.#answers]));
  }

  /** Takes and gives up claims. @returns ms until there is something to write again */
  async #writeAll(): Promise<number> {
    const { clock, log } = this.#options;
    const lease = this.#lease;
    if (this.#plan === undefined || lease === undefined || lease.lost.aborted)
      return Number.POSITIVE_INFINITY;
    const { claims, releases } = this.#plan;
    for (const ip of this.#vacantSince.keys()) if (!claims.has(ip)) this.#vacantSince.delete(ip);
    let pauseMs = Number.POSITIVE_INFINITY;
    try {
      for (const [ip, revision] of releases) await this.#write(ip, revision, undefined);
      for (const [ip, { rank, replaces }] of claims) {
        const now = clock.monotonicMs();
        const since = this.#vacantSince.get(ip) ?? now;
        this.#vacantSince.set(ip, since);
        const leftMs = since + rank * RANK_MS - now;
        // What is written is seen by the watch, which plans anew; should nothing come, it is tried again.
        pauseMs = Math.min(pauseMs, leftMs > 0 ? leftMs : RANK_MS);
        if (leftMs <= 0) await this.#write(ip, replaces, lease);
      }
      this.#lastWhy = '';
    } catch (error) {
      if (!(error instanceof SluiceError)) throw error;
      if (error.message !== this.#lastWhy)
        log.warn('cannot claim entries, trying on', { why: error.message });
      this.#lastWhy = error.message;
      return RANK_MS;
    }
    return releases.size > 0 ? Math.min(pauseMs, RANK_MS) : pauseMs;
  }

  /** One claim, taken or given up, if the key is still as it was seen; else the watch will tell. */
  async #write(ip: string, revision: number, lease: Lease | undefined): Promise<void> {
    const { clock, node, store } = this.#options;
    const key = holderKey(ip);
    const value = encodeHolder({ node, since: clock.now().toISOString() });
    await store.transact({
      compares: [{ kind: 'mod-revision', key, equals: revision }],
      operations: [
        lease === undefined ? { kind: 'delete', key } : { kind: 'put', key, value, lease: lease.id },
      ],
    });
  }
}

/** Starts the announcer; it answers for nothing before the store was listed, but for what it answered for before it was killed. */
export function startAnnouncer(options: AnnouncerOptions): Announcer {
  return new AnnouncerLoop(options);
}
