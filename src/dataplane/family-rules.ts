/** Owns what a data plane needs of the rules of one IP family, whatever the layout. */
import { SluiceError } from '../errors.ts';
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
   * @param ready nothing that a packet can reach is sent before it resolves; if it rejects, so does this
   * @returns `NOTHING_SENT` itself if nothing differed
   * @throws SluiceError `failed` after the second failure, `internal` if the grammar refused a line (nothing was sent)
   */
  readonly bring: (ruleset: Ruleset, ready: Promise<unknown>) => Promise<SentCounts>;
  /** Removes everything of ours, from a fresh reading. @throws SluiceError `failed` and nothing is removed */
  readonly remove: () => Promise<void>;
  /** The rules in the kernel now, chains sorted by name. */
  readonly dump: () => Promise<readonly string[]>;
  /** New connections so far, by entry and instance. */
  readonly counters: () => Promise<readonly ConnectionCount[]>;
}

/** What `bringFrom` needs of a layout. */
export interface Bringing<S> {
  /** What the kernel holds, if that is known. */
  readonly known: S | undefined;
  readonly read: () => Promise<S>;
  /** Sends the difference to what the kernel holds. */
  readonly send: (state: S) => Promise<SentCounts>;
  /** Called when it is not known any more what the kernel holds. */
  readonly forget: () => void;
}

/**
 * Sends the difference to what is known; after an error once more, to what a fresh reading finds.
 * @throws SluiceError `failed` after the second failure, `internal` at once (nothing was sent then)
 */
export async function bringFrom<S>({ known, read, send, forget }: Bringing<S>): Promise<SentCounts> {
  const state = known ?? (await read());
  try {
    return await send(state);
  } catch (error) {
    if (error instanceof SluiceError && error.code === 'internal') throw error;
    const found = await read();
    try {
      return await send(found);
    } catch (again) {
      forget();
      throw again;
    }
  }
}
