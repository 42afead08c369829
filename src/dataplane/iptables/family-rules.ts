/**
 * Owns what one family's nat table holds of ours, as last read or written, and brings it to desired chains: the difference only, and
 * once more after an error, from a fresh reading.
 */
import { SluiceError } from '../../errors.ts';
import type { Chains } from '../../rules/iptables/chains.ts';
import { diffChains, isEmptyDelta } from '../../rules/iptables/diff.ts';
import { documentsOf, removalOf } from '../../rules/iptables/documents.ts';
import { HOOKS } from '../../rules/iptables/fixed-chains.ts';
import type { Installed } from '../../rules/iptables/parse.ts';
import type { NatTable } from './nat-table.ts';

/** What was sent. */
export interface SentCounts {
  readonly chainsChanged: number;
  readonly chainsRemoved: number;
  readonly rulesWritten: number;
}

/** Nothing was sent. */
export const NOTHING_SENT: SentCounts = { chainsChanged: 0, chainsRemoved: 0, rulesWritten: 0 };

/** Our rules of one family in a kernel. */
export class FamilyRules {
  readonly #table: NatTable;
  #installed: Installed | undefined;

  constructor(table: NatTable) {
    this.#table = table;
  }

  /** True if something of ours is installed, as far as is known. */
  get isPresent(): boolean {
    return this.#installed !== undefined && this.#installed.chains.size + this.#installed.hooks.length > 0;
  }

  /** Foreign rules that refer to chains of ours. */
  get foreignReferences(): readonly string[] {
    return this.#installed?.foreignReferences ?? [];
  }

  /** Reads the table back. @throws SluiceError `config`, `permission`, `failed` */
  async read(): Promise<Installed> {
    this.#installed = undefined;
    this.#installed = await this.#table.read();
    return this.#installed;
  }

  /**
   * Brings the table to these chains.
   * @throws SluiceError `failed` after the second failure, `internal` if the grammar refused a line (nothing was sent)
   */
  async bring(desired: Chains): Promise<SentCounts> {
    const installed = this.#installed ?? (await this.read());
    try {
      return await this.#send(installed, desired);
    } catch (error) {
      if (error instanceof SluiceError && error.code === 'internal') throw error;
      const found = await this.read();
      try {
        return await this.#send(found, desired);
      } catch (again) {
        this.#installed = undefined;
        throw again;
      }
    }
  }

  async #send(installed: Installed, desired: Chains): Promise<SentCounts> {
    const delta = diffChains(installed, desired);
    if (isEmptyDelta(delta)) return NOTHING_SENT;
    const isFirst = installed.chains.size + installed.marks.length === 0;
    const marks = isFirst ? await this.#table.absentParts() : [];
    const documents = documentsOf(delta, desired, marks);
    for (const { text } of documents) await this.#table.restore(text);
    this.#installed = { ...installed, chains: desired, hooks: HOOKS, marks: [...installed.marks, ...marks] };
    return documents.reduce(
      (sum, document) => ({
        chainsChanged: sum.chainsChanged + document.chainsChanged,
        chainsRemoved: sum.chainsRemoved + document.chainsRemoved,
        rulesWritten: sum.rulesWritten + document.rulesWritten,
      }),
      NOTHING_SENT,
    );
  }

  /** Removes everything of ours, and what of the table we alone had made. @throws SluiceError `failed` and nothing is removed */
  async remove(): Promise<void> {
    const installed = await this.read();
    if (installed.chains.size + installed.hooks.length + installed.marks.length === 0) return;
    await this.#table.restore(removalOf(installed).text);
    await this.#table.removeLeftovers(installed.marks);
    this.#installed = undefined;
  }
}
