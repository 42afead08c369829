/**
 * Owns what one family's nat table holds of ours, as last read or written, and brings it to desired chains: the difference only, found
 * by the identity of what was rendered, so that it costs what changed.
 */
import { chainsOf, type ChainUnit } from '../../rules/iptables/chains.ts';
import { connectionCounts } from '../../rules/iptables/counters.ts';
import { diffChains, isEmptyDelta } from '../../rules/iptables/diff.ts';
import { documentsOf, removalOf } from '../../rules/iptables/documents.ts';
import { HOOKS } from '../../rules/iptables/fixed-chains.ts';
import { hookLine, type Installed } from '../../rules/iptables/parse.ts';
import { createRenderer, type Renderer } from '../../rules/iptables/render.ts';
import { changedItems } from '../../rules/changed-items.ts';
import type { Ruleset } from '../../rules/ruleset.ts';
import type { ConnectionCount } from '../dataplane.ts';
import { bringFrom, type FamilyRules, NOTHING_SENT, type SentCounts } from '../family-rules.ts';
import { sendAll } from '../send.ts';
import type { NatTable } from './nat-table.ts';

/** What is there, its chains in units: those that were sent, and were found again since, are the very objects of the renderer. */
interface State extends Omit<Installed, 'chains'> {
  readonly units: readonly ChainUnit[];
}

/**
 * What was read; units of before that are there as they were stay the objects that they are, so that a look at everything keeps nothing, and
 * finds by identity that nothing differs.
 * @param before units whose lines were known when it was read
 */
function stateOf({ chains, ...rest }: Installed, before: readonly ChainUnit[]): State {
  const found = before.filter((unit) => unit.every(({ name, lines }) => chains.get(name) === lines));
  const names = new Set(found.flatMap((unit) => unit.map(({ name }) => name)));
  const others = [...chains].filter(([name]) => !names.has(name));
  return {
    ...rest,
    units: others.length === 0 ? found : [...found, others.map(([name, lines]) => ({ name, lines }))],
  };
}

const hasChains = ({ units }: State): boolean => units.some((unit) => unit.length > 0);

/** Our chains of one family's nat table. */
export class ChainFamilyRules implements FamilyRules {
  readonly #table: NatTable;
  readonly #render: Renderer;
  #state: State | undefined;

  constructor(table: NatTable) {
    this.#table = table;
    this.#render = createRenderer(table.family);
  }

  get isPresent(): boolean {
    return this.#state !== undefined && (this.#state.hooks.length > 0 || hasChains(this.#state));
  }

  get notices(): readonly string[] {
    return (this.#state?.foreignReferences ?? []).map(
      (line) => `a foreign rule refers to a chain of sluice: ${line}`,
    );
  }

  async read(): Promise<void> {
    await this.#read();
  }

  async #read(): Promise<State> {
    const before = this.#state?.units ?? [];
    this.#state = undefined;
    this.#state = stateOf(await this.#table.read(chainsOf(before)), before);
    return this.#state;
  }

  async bring(ruleset: Ruleset, ready: Promise<unknown>): Promise<SentCounts> {
    const desired = this.#render(ruleset);
    return bringFrom({
      known: this.#state,
      read: async () => this.#read(),
      send: async (state) => this.#send(state, desired, ready),
      forget: () => {
        this.#state = undefined;
      },
    });
  }

  async #send(state: State, desired: readonly ChainUnit[], ready: Promise<unknown>): Promise<SentCounts> {
    const { gone, come } = changedItems(state.units, desired);
    const [before, after] = [chainsOf(gone), chainsOf(come)];
    const delta = diffChains({ ...state, chains: before }, after);
    if (isEmptyDelta(delta)) {
      this.#state = { ...state, units: desired };
      return NOTHING_SENT;
    }
    const isFirst = !hasChains(state) && state.marks.length === 0;
    const marks = isFirst ? await this.#table.absentParts() : [];
    const documents = documentsOf(delta, after, { marks, isWhole: this.#table.rewritesWhole });
    const sent = await sendAll(documents, { prepare: this.#table.prepare, ready });
    this.#state = { ...state, units: desired, hooks: HOOKS, marks: [...state.marks, ...marks] };
    return sent;
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
    this.#state = undefined;
    const installed = await this.#table.read();
    if (installed.chains.size + installed.hooks.length + installed.marks.length === 0) return;
    await this.#table.prepare(removalOf(installed).text)();
    await this.#table.removeLeftovers(installed.marks);
  }
}
