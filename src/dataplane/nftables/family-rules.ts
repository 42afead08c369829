/** Owns what our table of one family holds, as last read or written, and brings it to a ruleset: the difference only. */
import { SluiceError } from '../../errors.ts';
import { diffRules, isEmptyDelta } from '../../rules/nftables/diff.ts';
import { documentsOf, removalText } from '../../rules/nftables/documents.ts';
import { HOOKS } from '../../rules/nftables/fixed-chains.ts';
import { nftFamily, TABLE } from '../../rules/nftables/names.ts';
import { type NftRules, NO_RULES } from '../../rules/nftables/nft-rules.ts';
import { createRenderer, type Renderer } from '../../rules/nftables/render.ts';
import type { Ruleset } from '../../rules/ruleset.ts';
import type { ConnectionCount } from '../dataplane.ts';
import { type FamilyRules, NOTHING_SENT, type SentCounts, sumCounts } from '../family-rules.ts';
import type { NftTable } from './nft-table.ts';

interface State {
  readonly rules: NftRules;
  readonly table: 'present' | 'absent' | 'broken';
  readonly foreign: readonly string[];
}

const ABSENT: State = { rules: NO_RULES, table: 'absent', foreign: [] };

/** Our rules of one family in a kernel with nftables. */
export class NftFamilyRules implements FamilyRules {
  readonly #table: NftTable;
  readonly #renderer: Renderer;
  #state: State | undefined;

  /** @param node name of this node, for the phases of its rules */
  constructor(table: NftTable, node: string) {
    this.#table = table;
    this.#renderer = createRenderer(table.family, node);
  }

  get isPresent(): boolean {
    return this.#state !== undefined && this.#state.table !== 'absent';
  }

  get notices(): readonly string[] {
    const at = `${nftFamily(this.#table.family)} ${TABLE}`;
    return (this.#state?.foreign ?? []).map((what) => `the table ${at} of sluice holds a foreign ${what}`);
  }

  async read(): Promise<void> {
    await this.#read();
  }

  async #read(): Promise<State> {
    this.#state = undefined;
    const found = await this.#table.read();
    this.#state = found === undefined ? ABSENT : { rules: found, table: found.table, foreign: found.foreign };
    return this.#state;
  }

  async bring(ruleset: Ruleset): Promise<SentCounts> {
    const desired = this.#renderer.render(ruleset);
    const state = this.#state ?? (await this.#read());
    try {
      return await this.#send(state, desired);
    } catch (error) {
      if (error instanceof SluiceError && error.code === 'internal') throw error;
      const found = await this.#read();
      try {
        return await this.#send(found, desired);
      } catch (again) {
        this.#state = undefined;
        throw again;
      }
    }
  }

  async #send(state: State, desired: NftRules): Promise<SentCounts> {
    const installed = state.table === 'present' ? state.rules : NO_RULES;
    const delta = diffRules(installed, desired);
    if (isEmptyDelta(delta)) return NOTHING_SENT;
    const family = this.#table.family;
    const sent: SentCounts[] = [];
    let running: Promise<void> | undefined;
    // The next text is made while nft works on the one before.
    for (const document of documentsOf({ family, delta, installed, desired, table: state.table })) {
      await running;
      running = this.#table.run(document.text);
      sent.push(document);
    }
    await running;
    const foreign = state.table === 'present' ? state.foreign : [];
    this.#state = { rules: desired, table: 'present', foreign };
    return sumCounts(sent);
  }

  canonical(ruleset: Ruleset): ReadonlyMap<string, readonly string[]> {
    return this.#renderer.canonicalChains(ruleset);
  }

  async remove(): Promise<void> {
    if ((await this.#table.read()) !== undefined) await this.#table.run(removalText(this.#table.family));
    this.#state = undefined;
  }

  async dump(): Promise<readonly string[]> {
    const found = await this.#table.read();
    if (found === undefined) return [];
    const lines = [`# ${this.#table.family} nftables`];
    lines.push(...[...found.entries].map(([key, chain]) => `${key} : goto ${chain}`).toSorted());
    for (const ip of [...found.hairpin].toSorted()) lines.push(`hairpin ${ip}`);
    for (const name of [...found.clients].toSorted()) lines.push(`clients ${name}`);
    for (const name of [...found.chains.keys()].toSorted()) {
      const hook = HOOKS.get(name);
      lines.push(`:${name}${hook === undefined ? '' : ` ${hook}`}`, ...(found.chains.get(name) ?? []));
    }
    return lines;
  }

  async counters(): Promise<readonly ConnectionCount[]> {
    return this.#table.connections();
  }
}
