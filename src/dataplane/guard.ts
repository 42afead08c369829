/**
 * Owns the Guard interface: what stands beside the rules of any layout and keeps connections whole when the rules are away, and the data
 * plane with a guard. Must not know how a guard is written.
 */
import type { Ruleset } from '../rules/ruleset.ts';
import type { Dataplane } from './dataplane.ts';

/** What bringing the guard up to date did. */
export interface GuardReport {
  readonly changed: boolean;
  /** Things that could not be done, one line each. */
  readonly failures: readonly string[];
}

/** A guard in a kernel. */
export interface Guard {
  /** False if this node cannot have one. */
  readonly isThere: boolean;
  /** What this node's guard cannot do, one line each, e.g. for want of a program. Known from the start, and no failure. */
  readonly notes: readonly string[];
  /** Reads back what is there. */
  readonly adopt: () => Promise<void>;
  /**
   * Brings the guard to this ruleset, in one transaction; what cannot be done is told, not thrown.
   * @param marks whether forwarded packets of our connections are to carry the mark (forward-accept.ts): it costs every packet
   */
  readonly apply: (ruleset: Ruleset, marks: boolean) => Promise<GuardReport>;
  /** One line a chain, rule and element, sorted where their order means nothing. Empty if there is none. */
  readonly dump: () => Promise<readonly string[]>;
  readonly cleanup: () => Promise<void>;
}

/**
 * A data plane that keeps its guard.
 *
 * The guard goes first: it lets every translated packet pass, so that being early does no harm, whereas being late would let packets
 * by that nobody translates. While it is written, rules are rendered, and written where no packet comes yet. In a clean-up it goes last.
 * @param marks whether forwarded packets must carry the guard's mark now
 */
export function guarded(dataplane: Dataplane, guard: Guard, marks: () => Promise<boolean>): Dataplane {
  return {
    ...dataplane,
    adopt: async () => {
      await Promise.all([guard.adopt(), dataplane.adopt()]);
    },
    apply: async (ruleset, facts) => {
      const guarding = guard.apply(ruleset, await marks());
      const [applied] = await Promise.allSettled([dataplane.apply(ruleset, facts, guarding), guarding]);
      const done = await guarding;
      if (applied.status === 'rejected') throw applied.reason;
      const report = applied.value;
      return {
        ...report,
        unchanged: report.unchanged && !done.changed,
        failures: [...report.failures, ...done.failures],
      };
    },
    dump: async () => {
      const lines = await guard.dump();
      return (await dataplane.dump()) + (lines.length === 0 ? '' : `${lines.join('\n')}\n`);
    },
    cleanup: async () => {
      await dataplane.cleanup();
      await guard.cleanup();
    },
  };
}
