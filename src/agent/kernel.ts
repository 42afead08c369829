/**
 * Owns the agent's way from what is stored to what is in the kernel: keeps the snapshot, submits it, and after each apply
 * tells disk, status file, log and whoever listens. Knows no store.
 */
import type { ApplyReport, Dataplane, LocalFacts } from '../dataplane/dataplane.ts';
import type { SluiceError } from '../errors.ts';
import type { AgentStatus, LocalInstance } from '../host/agent-status.ts';
import type { Log } from '../host/log.ts';
import { type Away, NOTHING_AWAY, withoutAway } from '../health/without-away.ts';
import type { Applied } from '../model/node.ts';
import type { Snapshot } from '../model/snapshot.ts';
import { createRulesetMaker } from '../rules/ruleset-of.ts';
import type { Ruleset } from '../rules/ruleset.ts';
import { snapshotOf, type SnapshotView, updateSnapshot } from '../store/snapshot.ts';
import type { KeyValue, StoreEvent } from '../store/store.ts';
import { startApplyLoop, type ApplyJob, type LoopReport } from './apply-loop.ts';
import type { Hygiene } from './hygiene.ts';
import type { AgentOptions } from './options.ts';
import { type SavedSnapshot, startSnapshotSaver } from './saved-snapshot.ts';
import { startStatusFile } from './status-file.ts';
import { isSameWithdrawal, type Withdrawn, withdrawFrom } from './withdrawn.ts';

/** What the kernel side needs. */
export interface KernelOptions extends Pick<AgentOptions, 'node' | 'stateDir' | 'clock' | 'log' | 'meter'> {
  readonly dataplane: Dataplane;
  readonly localFacts: LocalFacts;
  /** Told after every apply what the kernel does now. */
  readonly hygiene: Pick<Hygiene, 'startFrom' | 'applied'>;
}

/** What is told after each apply. */
export type AppliedListener = (applied: Applied) => void;

/** The kernel side of a running agent. */
export interface Kernel {
  /**
   * Forwards from a saved snapshot until the store answers, not if it has.
   * @param after what is in the kernel stays as it is until then, and for good if this agent ends first (false); default: at once
   */
  readonly startFrom: (saved: SavedSnapshot, after?: Promise<boolean>) => void;
  /** Takes a full listing in place of everything known; `items` gives what to save. */
  readonly replace: (items: () => readonly KeyValue[], revision: number) => void;
  /** Takes changes after the listing. */
  readonly change: (events: readonly StoreEvent[], revision: number) => void;
  /**
   * Says what instances of this node are that are not ready, whatever the store still says: in the rules at once. Replaces what was said.
   * @returns undefined if the rules say so already; else resolves after the apply that runs then, whether it could be done or not
   */
  readonly withdraw: (withdrawn: Withdrawn) => Promise<void> | undefined;
  /** Says which nodes are out of reach: their instances get no connections. Replaces what was said. */
  readonly setAway: (away: Away) => void;
  /** Services and instances as the store has them. */
  readonly snapshot: () => Snapshot;
  /** The view of the store is current (undefined) or may be stale since a moment. */
  readonly setStale: (since: Date | undefined) => void;
  /** Calls the listener after every apply from now on, and at once with the last one. */
  readonly onApplied: (listener: AppliedListener) => void;
  /** Reads the kernel back and applies again; resolves with what had to be repaired, undefined if all was as it should be. */
  readonly resync: () => Promise<LoopReport | undefined>;
  /** Resolves when the apply that runs now, if any, is done. */
  readonly settled: () => Promise<void>;
  /** How many entries the rules have. */
  readonly entries: () => number;
  /** True if this is the address of an entry in the rules. */
  readonly routes: (ip: string) => boolean;
  /** A failure of another kind to report beside those of applies, until it is called with undefined. */
  readonly setTrouble: (line: string | undefined) => void;
  /** Which instances this node keeps, for the status file. */
  readonly setManaged: (managed: readonly LocalInstance[]) => void;
  readonly close: () => Promise<void>;
}

/** Lines kept in an acknowledgement. */
const MAX_FAILURES = 100;

const countTargets = (ruleset: Ruleset): number =>
  ruleset.entries.reduce((sum, { targets }) => sum + targets.length, 0);

/** The state of a node that has applied nothing yet. */
const nothingApplied = (node: string, now: string): Applied => ({
  node,
  revision: 0,
  rulesHash: '',
  entries: 0,
  instances: 0,
  appliedAt: now,
  failures: [],
});

/** What an apply did, and what was so before. */
interface Step {
  readonly report: ApplyReport;
  readonly before: Applied;
  /** From the moment that the change was known to the moment that the kernel had it. */
  readonly tookMs: number;
}

/** One line a change; nothing for an apply that changed neither rules nor failures. */
function logApplied(log: Log, applied: Applied, { report, before, tookMs }: Step): void {
  const { revision, entries, instances, failures } = applied;
  const { chainsChanged, chainsRemoved, rulesWritten, routesChanged } = report;
  if (!report.unchanged) {
    log.info('rules applied', {
      revision,
      entries,
      instances,
      chainsChanged,
      chainsRemoved,
      rulesWritten,
      routesChanged,
      tookMs: Math.round(tookMs * 10) / 10,
    });
  }
  if (failures.join('\n') === before.failures.join('\n')) return;
  if (failures.length === 0) log.info('all failures are gone', { revision });
  for (const why of failures) log.error('not applied', { revision, why });
}

/** Starts the kernel side on a dataplane that has been adopted. */
export function startKernel(options: KernelOptions): Kernel {
  const { node, clock, log, stateDir, meter } = options;
  const now = (): string => clock.now().toISOString();
  const saver = startSnapshotSaver(options);
  let last = nothingApplied(node, now());
  const initial: AgentStatus = {
    ...last,
    connected: false,
    staleSince: last.appliedAt,
    pid: process.pid,
    dataplane: options.dataplane.name,
  };
  const status = startStatusFile({ stateDir, initial, clock, log });
  const show = (change: Partial<AgentStatus>): void => {
    status.update(change);
    meter?.status(change);
  };
  meter?.status(initial);
  let view: SnapshotView = snapshotOf([], 0);
  let itemsToSave: (() => readonly KeyValue[]) | undefined;
  let listener: AppliedListener | undefined;
  let staleSince: string | undefined;
  let trouble: readonly string[] = [];
  let repair: LoopReport | undefined;
  let kept: Ruleset = { entries: [] };
  const closing = new AbortController();
  const rulesetOf = createRulesetMaker();
  let withdrawn: Withdrawn = new Map();
  let away = NOTHING_AWAY;
  const madeFrom = new WeakMap<Ruleset, Snapshot>();
  const knownSinceMs = new WeakMap<ApplyJob, number>();

  const tell = (applied: Applied): void => {
    last = applied;
    listener?.(applied);
    show(applied);
  };

  const onApplied = (job: ApplyJob, ruleset: Ruleset, report: LoopReport): void => {
    const doneMs = clock.monotonicMs();
    if (report.repaired) repair = report;
    const snapshot = madeFrom.get(ruleset);
    if (snapshot !== undefined) options.hygiene.applied({ ruleset, snapshot }, report.reread);
    kept = ruleset;
    const applied: Applied = {
      node,
      revision: job.revision,
      rulesHash: report.rulesHash,
      entries: ruleset.entries.length,
      instances: countTargets(ruleset),
      appliedAt: now(),
      failures: [...trouble, ...job.failures, ...report.failures].slice(0, MAX_FAILURES),
    };
    const tookMs = doneMs - (knownSinceMs.get(job) ?? doneMs);
    knownSinceMs.delete(job);
    logApplied(log, applied, { report, before: last, tookMs });
    meter?.applied({ ...report, tookSeconds: tookMs / 1_000 });
    tell(applied);
    if (itemsToSave !== undefined) saver.save(job.revision, itemsToSave);
  };

  const onFailed = (job: ApplyJob, error: SluiceError): void => {
    const why = error.why === undefined ? error.message : `${error.message}: ${error.why}`;
    if (last.failures[0] !== why) log.error('rules not applied, trying on', { revision: job.revision, why });
    meter?.failed();
    tell({ ...last, failures: [why] });
  };

  const loop = startApplyLoop(options.dataplane, { onApplied, onFailed }, clock);
  const submit = (next: SnapshotView, revision: number): void => {
    view = next;
    const job: ApplyJob = {
      revision,
      ruleset: () => {
        const snapshot = withoutAway(withdrawFrom(next.snapshot, withdrawn), away);
        const ruleset = rulesetOf(snapshot);
        madeFrom.set(ruleset, snapshot);
        return ruleset;
      },
      facts: options.localFacts,
      failures: next.invalid.map(({ key, why }) => `${key}: ${why}`),
    };
    knownSinceMs.set(job, clock.monotonicMs());
    loop.submit(job);
  };

  return {
    startFrom: (saved, after) => {
      const known = snapshotOf(saved.items, saved.revision);
      options.hygiene.startFrom({ ruleset: rulesetOf(known.snapshot), snapshot: known.snapshot });
      const forward = (): void => {
        if (itemsToSave !== undefined || closing.signal.aborted) return;
        log.warn('forwarding from the saved snapshot', {
          revision: saved.revision,
          staleSince: saved.savedAt,
        });
        staleSince = saved.savedAt;
        show({ staleSince });
        submit(known, saved.revision);
      };
      if (after === undefined) forward();
      else void after.then((isRunning) => isRunning && forward());
    },
    replace: (items, revision) => {
      if (revision < view.snapshot.revision) {
        log.warn('the store was set back; following it', { revision, before: view.snapshot.revision });
      }
      itemsToSave = items;
      submit(snapshotOf(items(), revision, view), revision);
    },
    change: (events, revision) => submit(updateSnapshot(view, events, revision), revision),
    withdraw: (next) => {
      const before = withdrawn;
      withdrawn = next;
      // What the store says already needs no apply.
      if (isSameWithdrawal(view.snapshot, before, next)) return undefined;
      submit(view, view.snapshot.revision);
      return loop.settled();
    },
    setAway: (next) => {
      away = next;
      // Before the first listing there is nothing to take it from.
      if (itemsToSave !== undefined) submit(view, view.snapshot.revision);
    },
    snapshot: () => view.snapshot,
    setStale: (since) => {
      // The first word counts: what was saved on disk was stale before this process began to try.
      staleSince = since === undefined ? undefined : (staleSince ?? since.toISOString());
      show({ connected: since === undefined, staleSince });
    },
    onApplied: (added) => {
      listener = added;
      if (last.revision > 0) added(last);
    },
    resync: async () => {
      repair = undefined;
      await loop.resync();
      return repair;
    },
    settled: loop.settled,
    entries: () => kept.entries.length,
    routes: (ip) => kept.entries.some(({ entry }) => entry.ip === ip),
    setTrouble: (line) => {
      const [before] = trouble;
      trouble = line === undefined ? [] : [line];
      if (before === line) return;
      tell({ ...last, failures: [...trouble, ...last.failures.filter((failure) => failure !== before)] });
    },
    setManaged: (managed) => show({ managed }),
    close: async () => {
      closing.abort();
      await loop.close();
      await Promise.all([saver.close(), status.close()]);
    },
  };
}
