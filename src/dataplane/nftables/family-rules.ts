/** Owns what our table of one family holds, as last read or written, and brings it to a ruleset: the difference only. */
import { changedItems } from '../../rules/changed-items.ts';
import { diffRules, isEmptyDelta } from '../../rules/nftables/diff.ts';
import { documentsOf, removalText } from '../../rules/nftables/documents.ts';
import { HOOKS } from '../../rules/nftables/fixed-chains.ts';
import { type HairpinIps, hairpinIps } from '../../rules/nftables/hairpin-ips.ts';
import { nftFamily, TABLE } from '../../rules/nftables/names.ts';
import { type NftUnit, rulesOf, unitOf } from '../../rules/nftables/nft-rules.ts';
import { createRenderer, type Renderer } from '../../rules/nftables/render.ts';
import type { Ruleset } from '../../rules/ruleset.ts';
import type { ConnectionCount } from '../dataplane.ts';
import { bringFrom, type FamilyRules, NOTHING_SENT, type SentCounts, sumCounts } from '../family-rules.ts';
import type { NftTable } from './nft-table.ts';

interface State {
  /** What is there in units: those that were sent are the very objects of the renderer. */
  readonly units: readonly NftUnit[];
  readonly hairpin: HairpinIps;
  readonly table: 'present' | 'absent' | 'broken';
  readonly foreign: readonly string[];
}

/** Our rules of one family in a kernel with nftables. */
export class NftFamilyRules implements FamilyRules {
  readonly #table: NftTable;
  readonly #render: Renderer;
  #state: State | undefined;

  /** @param node name of this node, for the phases of its rules */
  constructor(table: NftTable, node: string) {
    this.#table = table;
    this.#render = createRenderer(table.family, node);
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
    // What is in a broken table goes with it.
    const units = found?.table === 'present' ? [unitOf(found)] : [];
    const table = found?.table ?? 'absent';
    this.#state = { units, hairpin: hairpinIps(units), table, foreign: found?.foreign ?? [] };
    return this.#state;
  }

  async bring(ruleset: Ruleset): Promise<SentCounts> {
    const desired = this.#render(ruleset);
    return bringFrom({
      known: this.#state,
      read: async () => this.#read(),
      send: async (state) => this.#send(state, desired),
      forget: () => {
        this.#state = undefined;
      },
    });
  }

  async #send(state: State, desired: readonly NftUnit[]): Promise<SentCounts> {
    const { gone, come } = changedItems(state.units, desired);
    const hairpin = state.hairpin.look(gone, come);
    const before = { ...rulesOf(gone), hairpin: hairpin.before };
    const after = { ...rulesOf(come), hairpin: hairpin.after };
    const delta = diffRules(before, after);
    const sent: SentCounts[] = [];
    if (!isEmptyDelta(delta)) {
      const { family } = this.#table;
      let running: Promise<void> | undefined;
      // The next text is made while nft works on the one before.
      for (const document of documentsOf({
        family,
        delta,
        installed: before,
        desired: after,
        table: state.table,
      })) {
        await running;
        running = this.#table.run(document.text);
        sent.push(document);
      }
      await running;
    }
    state.hairpin.count(gone, come);
    const foreign = state.table === 'present' ? state.foreign : [];
    this.#state = { ...state, units: desired, table: 'present', foreign };
    return sent.length === 0 ? NOTHING_SENT : sumCounts(sent);
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
