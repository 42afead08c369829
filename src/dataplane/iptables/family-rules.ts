/**
 * Owns what one family's nat table holds of ours, as last read or written, and brings it to desired chains: the difference only, and
 * once more after an error, from a fresh reading.
 */
import { SluiceError } from '../../errors.ts';
import type { Chains } from '../../rules/iptables/chains.ts';
import { connectionCounts } from '../../rules/iptables/counters.ts';
import { diffChains, isEmptyDelta } from '../../rules/iptables/diff.ts';
import { documentsOf, removalOf } from '../../rules/iptables/documents.ts';
import { HOOKS } from '../../rules/iptables/fixed-chains.ts';
import { hookLine, type Installed } from '../../rules/iptables/parse.ts';
import { renderChains } from '../../rules/iptables/render.ts';
import type { Ruleset } from '../../rules/ruleset.ts';
import type { ConnectionCount } from '../dataplane.ts';
import { type FamilyRules, NOTHING_SENT, type SentCounts, sumCounts } from '../family-rules.ts';
import type { NatTable } from './nat-table.ts';

/** Our chains of one family's nat table. */
export class ChainFamilyRules implements FamilyRules {
  readonly #table: NatTable;
  #installed: Installed | undefined;

  constructor(table: NatTable) {
    this.#table = table;
  }

  get isPresent(): boolean {
    return this.#installed !== undefined && this.#installed.chains.size + this.#installed.hooks.length > 0;
  }

  get notices(): readonly string[] {
    return (this.#installed?.foreignReferences ?? []).map(
      (line) => `a foreign rule refers to a chain of sluice: ${line}`,
    );
  }

  async read(): Promise<void> {
    await this.#read();
  }

  async #read(): Promise<Installed> {
    this.#installed = undefined;
    this.#installed = await this.#table.read();
    return this.#installed;
  }

  async bring(ruleset: Ruleset): Promise<SentCounts> {
    const desired = this.canonical(ruleset);
    const installed = this.#installed ?? (await this.#read());
    try {
      return await this.#send(installed, desired);
    } catch (error) {
      if (error instanceof SluiceError && error.code === 'internal') throw error;
      const found = await this.#read();
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
    return sumCounts(documents);
  }

  canonical(ruleset: Ruleset): Chains {
    return renderChains(ruleset, this.#table.family);
  }

  async dump(): Promise<readonly string[]> {
    const { chains, hooks } = await this.#table.read();
    if (chains.size + hooks.length === 0) return [];
    const lines = [`# ${this.#table.family} nat`, ...hooks.map(hookLine).toSorted()];
    for (const name of [...chains.keys()].toSorted()) lines.push(`:${name}`, ...(chains.get(name) ?? []));
    return lines;
  }

  async counters(): Promise<readonly ConnectionCount[]> {
    return connectionCounts(await this.#table.countedListing());
  }

  /** Also what of the table we alone had made. */
  async remove(): Promise<void> {
    const installed = await this.#read();
    if (installed.chains.size + installed.hooks.length + installed.marks.length === 0) return;
    await this.#table.restore(removalOf(installed).text);
    await this.#table.removeLeftovers(installed.marks);
    this.#installed = undefined;
  }
}
