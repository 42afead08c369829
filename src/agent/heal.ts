/**
 * Owns self-healing: what a stranger changed of ours is repaired at once, and at the latest by looking every now and then. Joins the
 * watch, the kernel side and the pace of repairs; must not know rules.
 */
import { type ForeignWatch, watchForeign, type WatchOptions } from '../dataplane/foreign-watch.ts';
import type { Log } from '../host/log.ts';
import { type Commit, tellingEvents, touchesUs } from '../rules/foreign-commit.ts';
import { ENTRY_DEVICE } from '../rules/entry-device.ts';
import { healPace } from './heal-pace.ts';
import type { Kernel } from './kernel.ts';

/** What healing needs. */
export interface HealOptions extends WatchOptions {
  readonly kernel: Pick<Kernel, 'resync' | 'settled' | 'setTrouble' | 'routes' | 'entries'>;
  readonly log: Log;
  /** True for pids of our own programs. */
  readonly isOwn: (pid: number) => boolean;
  /** False if the tables of this data plane send no events (iptables-legacy). */
  readonly hasEvents: boolean;
}

/** Healing that runs. */
export interface Heal {
  readonly close: () => Promise<void>;
}

/**
 * Looking at everything takes about 20 ms, and seconds at 10,000 services: the pause is a multiple of that (of the quickest of the last few: one that
 * had to wait for a busy machine says nothing, nor does one when there was much less to look at), so that looking costs about 1 % of a core without
 * events, and 0.2 % with them (programs that list rules, and collections afterwards, take as long again).
 */
const LOOK = { blind: { atLeastMs: 1_000, times: 100 }, watching: { atLeastMs: 60_000, times: 1_000 } };
const TOLD_EVENTS = 5;

interface Why {
  readonly by: string;
  readonly change: readonly string[];
}

/** A look at everything, and how many entries there were. */
interface Look {
  readonly tookMs: number;
  readonly entries: number;
}

const NOBODY_KNOWN: Why = { by: 'a program that was not seen', change: [] };

class Healer implements Heal {
  readonly #options: HealOptions;
  readonly #pace = healPace();
  readonly #closing = new AbortController();
  readonly #watch: ForeignWatch;
  readonly #looking: Promise<void>;
  #running: Promise<void> | undefined;
  #waiting: Why | undefined;
  #watching = false;
  #took: readonly Look[] = [];
  #dueMs: number;
  #rescheduled = new AbortController();

  constructor(options: HealOptions) {
    this.#options = options;
    this.#dueMs = options.clock.monotonicMs() + LOOK.blind.atLeastMs;
    this.#watch = watchForeign(options, {
      onCommit: (commit) => void this.#onCommit(commit),
      onRouteGone: (what) => {
        if (what === ENTRY_DEVICE || options.kernel.routes(what))
          this.#repair({ by: 'a program', change: [`route ${what} deleted`] });
      },
      onMissed: () => this.#repair(NOBODY_KNOWN),
      onState: (watching, why) => this.#onState(watching, why),
    });
    this.#looking = this.#lookNowAndThen();
  }

  #onState(watching: boolean, why: string): void {
    const { log } = this.#options;
    if (watching && !this.#watching) log.info('watching for changes by other programs');
    if (!watching && (this.#watching || this.#took.length === 0))
      log.warn('not notified of changes by other programs, looking every few seconds instead', { why });
    this.#watching = watching;
    this.#lookIn(this.#pause());
  }

  async #onCommit(commit: Commit): Promise<void> {
    const { isOwn, kernel } = this.#options;
    if (!touchesUs(commit) || isOwn(commit.pid)) return;
    // The pid of a program of ours may be known only at its end; a repair would have to wait for that anyway.
    await kernel.settled();
    if (isOwn(commit.pid)) return;
    this.#repair({ by: `${commit.by} (pid ${commit.pid})`, change: tellingEvents(commit, TOLD_EVENTS) });
  }

  #multiple({ atLeastMs, times }: { readonly atLeastMs: number; readonly times: number }): number {
    return Math.max(
      atLeastMs,
      (this.#took.length === 0 ? 0 : Math.min(...this.#took.map(({ tookMs }) => tookMs))) * times,
    );
  }

  #pause(): number {
    return this.#multiple(this.#watching && this.#options.hasEvents ? LOOK.watching : LOOK.blind);
  }

  /** Looks in so many ms, or earlier if that was planned. */
  #lookIn(ms: number): void {
    const due = this.#options.clock.monotonicMs() + ms;
    if (due >= this.#dueMs) return;
    this.#dueMs = due;
    this.#rescheduled.abort();
  }

  async #lookNowAndThen(): Promise<void> {
    const { clock } = this.#options;
    while (!this.#closing.signal.aborted) {
      const leftMs = this.#dueMs - clock.monotonicMs();
      if (leftMs > 0) {
        this.#rescheduled = new AbortController();
        await clock.sleep(leftMs, AbortSignal.any([this.#rescheduled.signal, this.#closing.signal]));
        continue;
      }
      this.#dueMs = Number.POSITIVE_INFINITY;
      this.#repair(NOBODY_KNOWN);
      await this.#running;
      this.#lookIn(this.#pause());
    }
  }

  #repair(why: Why): void {
    this.#waiting = this.#waiting === undefined || this.#waiting === NOBODY_KNOWN ? why : this.#waiting;
    this.#running ??= this.#repairAll().finally(() => {
      this.#running = undefined;
    });
  }

  async #repairAll(): Promise<void> {
    const { clock, kernel } = this.#options;
    while (this.#waiting !== undefined && !this.#closing.signal.aborted) {
      const pauseMs = this.#waiting === NOBODY_KNOWN ? 0 : this.#pace.pauseFor(clock.monotonicMs());
      if (pauseMs > 0) await clock.sleep(pauseMs, this.#closing.signal);
      const why = this.#waiting;
      this.#waiting = undefined;
      await this.#repairOnce(why);
      kernel.setTrouble(this.#pace.trouble(clock.monotonicMs()));
    }
  }

  async #repairOnce({ by, change }: Why): Promise<void> {
    const { clock, kernel, log } = this.#options;
    const started = clock.monotonicMs();
    const repaired = await kernel.resync();
    const tookMs = clock.monotonicMs() - started;
    const entries = kernel.entries();
    this.#took = [...this.#took.filter((one) => one.entries >= entries / 2).slice(-4), { tookMs, entries }];
    if (repaired === undefined) return;
    this.#pace.repaired(clock.monotonicMs(), { by, tookMs });
    const { chainsChanged, chainsRemoved, rulesWritten, routesChanged } = repaired;
    const counts = { chainsChanged, chainsRemoved, rulesWritten, routesChanged };
    log.warn('repaired what another program changed', {
      by,
      change,
      ...counts,
      tookMs: Math.round(tookMs),
    });
  }

  async close(): Promise<void> {
    this.#closing.abort();
    await Promise.all([this.#watch.close(), this.#looking, this.#running]);
  }
}

/** Starts healing a kernel side that has been started. */
export function startHeal(options: HealOptions): Heal {
  return new Healer(options);
}
