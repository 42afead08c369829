/**
 * Owns the agent's way from what is stored to what is in the kernel: keeps the snapshot, submits it, and after each apply
 * tells disk, status file, log and whoever listens. Knows no store.
 */
import type { ApplyReport, Dataplane, LocalFacts } from '../dataplane/dataplane.ts';
import type { SluiceError } from '../errors.ts';
import type { Log } from '../host/log.ts';
import type { Applied } from '../model/node.ts';
import { rulesetOf } from '../rules/ruleset-of.ts';
import type { Ruleset } from '../rules/ruleset.ts';
import { snapshotOf, type SnapshotView, updateSnapshot } from '../store/snapshot.ts';
import type { KeyValue, StoreEvent } from '../store/store.ts';
import { startApplyLoop, type ApplyJob } from './apply-loop.ts';
import type { AgentOptions } from './options.ts';
import { type SavedSnapshot, startSnapshotSaver } from './saved-snapshot.ts';
import { startStatusFile } from './status-file.ts';

/** What the kernel side needs. */
export interface KernelOptions extends Pick<AgentOptions, 'node' | 'stateDir' | 'clock' | 'log'> {
  readonly dataplane: Dataplane;
  readonly localFacts: LocalFacts;
}

/** What is told after each apply. */
export type AppliedListener = (applied: Applied) => void;

/** The kernel side of a running agent. */
export interface Kernel {
  /** Forwards from a saved snapshot until the store answers. */
  readonly startFrom: (saved: SavedSnapshot) => void;
  /** Takes a full listing in place of everything known; `items` gives what to save. */
  readonly replace: (items: () => readonly KeyValue[], revision: number) => void;
  /** Takes changes after the listing. */
  readonly change: (events: readonly StoreEvent[], revision: number) => void;
  /** The view of the store is current (undefined) or may be stale since a moment. */
  readonly setStale: (since: Date | undefined) => void;
  /** Calls the listener after every apply from now on, and at once with the last one. */
  readonly onApplied: (listener: AppliedListener) => void;
  /** Reads the kernel back and applies again. */
  readonly resync: () => void;
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

/** One line a change; nothing for an apply that changed neither rules nor failures. */
function logApplied(log: Log, applied: Applied, report: ApplyReport, before: Applied): void {
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
    });
  }
  if (failures.join('\n') === before.failures.join('\n')) return;
  if (failures.length === 0) log.info('all failures are gone', { revision });
  for (const why of failures) log.error('not applied', { revision, why });
}

/** Starts the kernel side on a dataplane that has been adopted. */
export function startKernel(options: KernelOptions): Kernel {
  const { node, clock, log, stateDir } = options;
  const now = (): string => clock.now().toISOString();
  const saver = startSnapshotSaver(options);
  let last = nothingApplied(node, now());
  const status = startStatusFile({
    stateDir,
    initial: { ...last, connected: false, staleSince: last.appliedAt, pid: process.pid },
    clock,
    log,
  });
  let view: SnapshotView = snapshotOf([], 0);
  let itemsToSave: (() => readonly KeyValue[]) | undefined;
  let listener: AppliedListener | undefined;
  let staleSince: string | undefined;

  const tell = (applied: Applied): void => {
    last = applied;
    listener?.(applied);
    status.update(applied);
  };

  const onApplied = (job: ApplyJob, ruleset: Ruleset, report: ApplyReport): void => {
    const applied: Applied = {
      node,
      revision: job.revision,
      rulesHash: report.rulesHash,
      entries: ruleset.entries.length,
      instances: countTargets(ruleset),
      appliedAt: now(),
      failures: [...job.failures, ...report.failures].slice(0, MAX_FAILURES),
    };
    logApplied(log, applied, report, last);
    tell(applied);
    if (itemsToSave !== undefined) saver.save(job.revision, itemsToSave);
  };

  const onFailed = (job: ApplyJob, error: SluiceError): void => {
    const why = error.why === undefined ? error.message : `${error.message}: ${error.why}`;
    if (last.failures[0] !== why) log.error('rules not applied, trying on', { revision: job.revision, why });
    tell({ ...last, failures: [why] });
  };

  const loop = startApplyLoop(options.dataplane, { onApplied, onFailed }, clock);
  const submit = (next: SnapshotView, revision: number): void => {
    view = next;
    loop.submit({
      revision,
      ruleset: () => rulesetOf(next.snapshot),
      facts: options.localFacts,
      failures: next.invalid.map(({ key, why }) => `${key}: ${why}`),
    });
  };

  return {
    startFrom: (saved) => {
      log.warn('forwarding from the saved snapshot', { revision: saved.revision, staleSince: saved.savedAt });
      staleSince = saved.savedAt;
      status.update({ staleSince });
      submit(snapshotOf(saved.items, saved.revision), saved.revision);
    },
    replace: (items, revision) => {
      if (revision < view.snapshot.revision) {
        log.warn('the store was set back; following it', { revision, before: view.snapshot.revision });
      }
      itemsToSave = items;
      submit(snapshotOf(items(), revision, view), revision);
    },
    change: (events, revision) => submit(updateSnapshot(view, events, revision), revision),
    setStale: (since) => {
      // The first word counts: what was saved on disk was stale before this process began to try.
      staleSince = since === undefined ? undefined : (staleSince ?? since.toISOString());
      status.update({ connected: since === undefined, staleSince });
    },
    onApplied: (added) => {
      listener = added;
      if (last.revision > 0) added(last);
    },
    resync: loop.resync,
    close: async () => {
      await loop.close();
      await Promise.all([saver.close(), status.close()]);
    },
  };
}
