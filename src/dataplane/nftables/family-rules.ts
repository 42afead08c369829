/** Owns what our table of one family holds, as last read or written, and brings it to a ruleset: the difference only. */
import { changedItems } from '../../rules/changed-items.ts';
import { entriesOf } from '../../rules/families.ts';
import { diffRules, isEmptyDelta } from '../../rules/nftables/diff.ts';
import { type Document, documentsOf, removalText } from '../../rules/nftables/documents.ts';
import { HOOKS } from '../../rules/nftables/fixed-chains.ts';
import { type HairpinIps, hairpinIps } from '../../rules/nftables/hairpin-ips.ts';
import { nftFamily, TABLE } from '../../rules/nftables/names.ts';
import { NO_RULES, type NftUnit, rulesOf, unitOf } from '../../rules/nftables/nft-rules.ts';
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

/** More entries than these go into a fresh table in several steps of so many. */
const LOAD = 1_000;

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
    // What is in a broken table goes with it.
    const units = found?.table === 'present' ? [unitOf(found)] : [];
    const table = found?.table ?? 'absent';
    this.#state = { units, hairpin: hairpinIps(units), table, foreign: found?.foreign ?? [] };
    return this.#state;
  }

  async bring(ruleset: Ruleset): Promise<SentCounts> {
    const entries = entriesOf(ruleset, this.#table.family);
    return bringFrom({
      known: this.#state,
      read: async () => this.#read(),
      send: async (state) =>
        state.table === 'present' || entries.length <= LOAD
          ? this.#change(state, this.#renderer.render(ruleset))
          : this.#load(state, ruleset),
      forget: () => {
        this.#state = undefined;
      },
    });
  }

  async #change(state: State, desired: readonly NftUnit[]): Promise<SentCounts> {
    const { gone, come } = changedItems(state.units, desired);
    const hairpin = state.hairpin.look(gone, come);
    const installed = { ...rulesOf(gone), hairpin: hairpin.before };
    const wanted = { ...rulesOf(come), hairpin: hairpin.after };
    const delta = diffRules(installed, wanted);
    const { family } = this.#table;
    const documents = isEmptyDelta(delta)
      ? []
      : documentsOf({ family, delta, installed, desired: wanted, table: state.table });
    const sent = await this.#send(documents);
    state.hairpin.count(gone, come);
    const foreign = state.table === 'present' ? state.foreign : [];
    this.#state = { ...state, units: desired, table: 'present', foreign };
    return sent;
  }

  /** Many entries into a table that is not there: some are rendered while the kernel takes those before; what hooks them in comes last. */
  async #load({ table }: State, ruleset: Ruleset): Promise<SentCounts> {
    const entries = entriesOf(ruleset, this.#table.family);
    const { fixed, renderEntry, render } = this.#renderer;
    const { family } = this.#table;
    const documentsFor = (units: readonly NftUnit[], into: State['table']): Iterable<Document> => {
      const desired = rulesOf(units);
      const delta = diffRules(NO_RULES, desired);
      return documentsOf({ family, delta, installed: NO_RULES, desired, table: into });
    };
    function* documents(): Generator<Document, void, undefined> {
      for (let start = 0; start < entries.length; start += LOAD) {
        const units = entries.slice(start, start + LOAD).map(renderEntry);
        yield* documentsFor(units, start === 0 ? table : 'present');
      }
      yield* documentsFor([fixed], 'present');
    }
    const sent = await this.#send(documents());
    const units = render(ruleset);
    this.#state = { units, hairpin: hairpinIps(units), table: 'present', foreign: [] };
    return sent;
  }

  /** One after the other; the next is made and checked while the kernel works on the one before. */
  async #send(documents: Iterable<Document>): Promise<SentCounts> {
    const sent: SentCounts[] = [];
    let running: Promise<void> | undefined;
    for (const document of documents) {
      const start = this.#table.prepare(document.text);
      await running;
      running = start();
      sent.push(document);
    }
    await running;
    return sent.length === 0 ? NOTHING_SENT : sumCounts(sent);
  }

  async remove(): Promise<void> {
    if ((await this.#table.read()) !== undefined)
      await this.#table.prepare(removalText(this.#table.family))();
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
