/** Owns what a data plane needs of the rules of one IP family, whatever the layout. */
import type { Ruleset } from '../rules/ruleset.ts';
import type { ConnectionCount } from './dataplane.ts';

/** What was sent. */
export interface SentCounts {
  readonly chainsChanged: number;
  readonly chainsRemoved: number;
  readonly rulesWritten: number;
}

/** Nothing was sent. */
export const NOTHING_SENT: SentCounts = { chainsChanged: 0, chainsRemoved: 0, rulesWritten: 0 };

/** What several transactions sent together. */
export function sumCounts(parts: readonly SentCounts[]): SentCounts {
  return parts.reduce<SentCounts>(
    (sum, part) => ({
      chainsChanged: sum.chainsChanged + part.chainsChanged,
      chainsRemoved: sum.chainsRemoved + part.chainsRemoved,
      rulesWritten: sum.rulesWritten + part.rulesWritten,
    }),
    NOTHING_SENT,
  );
}

/** Our rules of one family in a kernel, as last read or written. */
export interface FamilyRules {
  /** True if something of ours is installed, as far as is known. */
  readonly isPresent: boolean;
  /** What somebody else did with what is ours, one line each. */
  readonly notices: readonly string[];
  /** Reads back what is there. @throws SluiceError `config`, `permission`, `failed` */
  readonly read: () => Promise<void>;
  /**
   * Brings the kernel to the ruleset: the difference only; after an error once more, from a fresh reading.
   * @returns `NOTHING_SENT` itself if nothing differed
   * @throws SluiceError `failed` after the second failure, `internal` if the grammar refused a line (nothing was sent)
   */
  readonly bring: (ruleset: Ruleset) => Promise<SentCounts>;
  /** Rendered rules for the hash: the same on all nodes. */
  readonly canonical: (ruleset: Ruleset) => ReadonlyMap<string, readonly string[]>;
  /** Removes everything of ours, from a fresh reading. @throws SluiceError `failed` and nothing is removed */
  readonly remove: () => Promise<void>;
  /** The rules in the kernel now, chains sorted by name. */
  readonly dump: () => Promise<readonly string[]>;
  /** New connections so far, by entry and instance. */
  readonly counters: () => Promise<readonly ConnectionCount[]>;
}
