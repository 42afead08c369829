/** Owns what our table of one family holds, as last read or written, and brings it to a ruleset: the difference only. */
import { changedItems } from '../../rules/changed-items.ts';
import { entriesOf } from '../../rules/families.ts';
import { diffRules, isEmptyDelta } from '../../rules/nftables/diff.ts';
import { documentsOf } from '../../rules/nftables/documents.ts';
import { firstLoad } from '../../rules/nftables/first-load.ts';
import { HOOKS } from '../../rules/nftables/fixed-chains.ts';
import { type HairpinIps, hairpinIps } from '../../rules/nftables/hairpin-ips.ts';
import { nftFamily, TABLE } from '../../rules/nftables/names.ts';
import { NO_RULES, type NftRules, type NftUnit, rulesOf } from '../../rules/nftables/nft-rules.ts';
import { createRenderer, type Renderer } from '../../rules/nftables/render.ts';
import type { EntryRules, Ruleset } from '../../rules/ruleset.ts';
import { removalText, type TableState } from '../../rules/nftables/transaction-lines.ts';
import type { ConnectionCount } from '../dataplane.ts';
import { bringFrom, type FamilyRules, type SentCounts, sumCounts } from '../family-rules.ts';
import { sendAll } from '../send.ts';
import type { NftTable } from './nft-table.ts';

/** Everything that is there, as it was read, or in units that were sent, the very objects of the renderer. */
type Content =
  | { readonly kind: 'read'; readonly rules: NftRules }
  | { readonly kind: 'sent'; readonly units: readonly NftUnit[]; readonly hairpin: HairpinIps };

interface State {
  readonly content: Content;
  readonly table: TableState;
  readonly foreign: readonly string[];
}

/** The parts of two contents that may differ. */
interface Between {
  readonly installed: NftRules;
  readonly desired: NftRules;
  /** The content afterwards. */
  readonly after: () => Content;
}

const sentContent = (units: readonly NftUnit[]): Content => ({
  kind: 'sent',
  units,
  hairpin: hairpinIps(units),
});

/** All of what was read, or what differs from the units that were sent. */
function between(content: Content, units: readonly NftUnit[]): Between {
  if (content.kind === 'read')
    return { installed: content.rules, desired: rulesOf(units), after: () => sentContent(units) };
  const { gone, come } = changedItems(content.units, units);
  const hairpin = content.hairpin.look(gone, come);
  return {
    installed: { ...rulesOf(gone), hairpin: hairpin.before },
    desired: { ...rulesOf(come), hairpin: hairpin.after },
    after: () => {
      content.hairpin.count(gone, come);
      return { ...content, units };
    },
  };
}

/** More entries than these go into a fresh table in several steps. */
const LOAD = 1_000;

/** Transactions of a first load at the same time: most of their time is nft reading its text, which uses one processor each. */
const LANES = 2;

/** Units made as they are asked for. */
function* made(
  entries: readonly EntryRules[],
  render: (rules: EntryRules) => NftUnit,
): Generator<NftUnit, void, undefined> {
  for (const rules of entries) yield render(rules);
}

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
    const rules = found?.table === 'present' ? found : NO_RULES;
    const table = found?.table ?? 'absent';
    this.#state = { content: { kind: 'read', rules }, table, foreign: found?.foreign ?? [] };
    return this.#state;
  }

  async bring(ruleset: Ruleset, ready: Promise<unknown>): Promise<SentCounts> {
    const entries = entriesOf(ruleset, this.#table.family);
    return bringFrom({
      known: this.#state,
      read: async () => this.#read(),
      send: async (state) => {
        const { table } = state;
        if (table === 'present' || entries.length <= LOAD)
          return this.#change(state, this.#renderer.render(ruleset), ready);
        return this.#load(table, ruleset, ready);
      },
      forget: () => {
        this.#state = undefined;
      },
    });
  }

  async #change(state: State, units: readonly NftUnit[], ready: Promise<unknown>): Promise<SentCounts> {
    const { installed, desired, after } = between(state.content, units);
    const delta = diffRules(installed, desired);
    const { family, prepare } = this.#table;
    const documents = isEmptyDelta(delta)
      ? []
      : documentsOf({ family, delta, installed, desired, table: state.table });
    const sent = await sendAll(documents, { prepare, ready });
    const foreign = state.table === 'present' ? state.foreign : [];
    this.#state = { content: after(), table: 'present', foreign };
    return sent;
  }

  /** Many entries into a table that is not there: some are rendered while the kernel takes those before. */
  async #load(
    table: Exclude<TableState, 'present'>,
    ruleset: Ruleset,
    ready: Promise<unknown>,
  ): Promise<SentCounts> {
    const { family } = this.#table;
    const { fixed, renderEntry, render } = this.#renderer;
    const entries = made(entriesOf(ruleset, family), renderEntry);
    const { prepare } = this.#table;
    const load = firstLoad({ family, entries, fixed, table });
    const sent = [
      await sendAll([load.table], { prepare, ready }),
      await sendAll(load.entries, { prepare, ready, lanes: LANES }),
    ];
    const content = sentContent(render(ruleset));
    sent.push(await sendAll([load.hooks], { prepare, ready }));
    this.#state = { content, table: 'present', foreign: [] };
    return sumCounts(sent);
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
