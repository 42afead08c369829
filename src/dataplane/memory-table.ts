/**
 * Owns a nat table in memory: a stateful model that takes the same restore texts as the kernel, all or nothing, and refuses what the
 * kernel refuses. For tests and simulation.
 */
import { SluiceError } from '../errors.ts';
import type { Family } from '../model/address.ts';
import { assertRestoreText } from '../rules/iptables/grammar.ts';
import { parseListing } from '../rules/iptables/parse.ts';
import type { NatTable } from './iptables/nat-table.ts';

const BUILTINS = ['PREROUTING', 'INPUT', 'OUTPUT', 'POSTROUTING'];

type TableState = Map<string, readonly string[]>;

/** A nat table that can be looked at and disturbed. */
export interface MemoryTable extends NatTable {
  /** The table as `iptables-save` would print it. */
  readonly listing: () => string;
  /** Every text that was taken, in order. */
  readonly taken: readonly string[];
  /** Runs lines of anybody (`-A`, `-I`, `-D`, `-F`, `-X`, `-N`) without the grammar, as a foreign program would. */
  readonly foreign: (lines: readonly string[]) => void;
  /** The next so many restores fail, and change nothing. */
  readonly failNext: (times: number) => void;
}

const fail = (why: string): never => {
  throw new SluiceError('failed', 'iptables-restore failed', { why });
};

function chainOf(state: TableState, name: string): readonly string[] {
  return state.get(name) ?? fail(`no chain ${name}`);
}

/** Target of a jump or goto; undefined for other targets. */
function jumpTarget(rule: string): string | undefined {
  return / -[jg] (SLUICE-\S+)/.exec(rule)?.[1];
}

/** Checks what the kernel checks at commit: no jump leads nowhere. */
function checkJumps(state: TableState): void {
  for (const rule of [...state.values()].flat()) {
    const target = jumpTarget(rule);
    if (target !== undefined) chainOf(state, target);
  }
}

function deleteRule(state: TableState, chain: string, rule: string): void {
  const rules = chainOf(state, chain);
  const at = rules.indexOf(`-A ${chain} ${rule}`);
  if (at < 0) fail(`no rule ${rule} in ${chain}`);
  state.set(chain, rules.toSpliced(at, 1));
}

function deleteChain(state: TableState, chain: string): void {
  if (chainOf(state, chain).length > 0) fail(`chain ${chain} is not empty`);
  state.delete(chain);
}

function runLine(state: TableState, line: string): void {
  const [verb, chain = '', ...words] = line.split(' ');
  const rule = words.join(' ');
  if (line.startsWith(':')) state.set(line.slice(1).split(' ', 1)[0] ?? '', []);
  else if (verb === '-N') state.set(chain, []);
  else if (verb === '-A') state.set(chain, [...chainOf(state, chain), line]);
  else if (verb === '-I') state.set(chain, [`-A ${chain} ${rule}`, ...chainOf(state, chain)]);
  else if (verb === '-D') deleteRule(state, chain, rule);
  else if (verb === '-F') state.set(chain, []);
  else if (verb === '-X') deleteChain(state, chain);
  else fail(`not understood: ${line}`);
}

/** All lines, or none. */
function transact(state: TableState, lines: readonly string[]): TableState {
  const next = new Map(state);
  for (const line of lines) runLine(next, line);
  checkJumps(next);
  return next;
}

function listingOf(state: TableState): string {
  const names = [...BUILTINS, ...[...state.keys()].filter((name) => !BUILTINS.includes(name)).toSorted()];
  const policy = (name: string): string => (BUILTINS.includes(name) ? 'ACCEPT' : '-');
  return [
    '*nat',
    ...names.map((name) => `:${name} ${policy(name)} [0:0]`),
    ...names.flatMap((name) => state.get(name) ?? []),
    'COMMIT',
    '',
  ].join('\n');
}

/** A fresh nat table with its four built-in chains. */
export function memoryTable(family: Family): MemoryTable {
  let state: TableState = new Map(BUILTINS.map((name) => [name, []]));
  let failures = 0;
  const taken: string[] = [];
  return {
    family,
    rewritesWhole: false,
    taken,
    listing: () => listingOf(state),
    foreign: (lines) => {
      state = transact(state, lines);
    },
    failNext: (times) => {
      failures = times;
    },
    read: async (known) => parseListing(listingOf(state), known),
    // Nothing flows in a model: all counters are 0.
    countedListing: async () => listingOf(state).replaceAll(/^-A /gm, '[0:0] -A '),
    prepare: (text) => {
      assertRestoreText(text, family);
      return async () => {
        if (failures > 0) {
          failures -= 1;
          fail('told to fail');
        }
        state = transact(state, text.split('\n').slice(1, -2));
        taken.push(text);
      };
    },
    absentParts: async () => [],
    removeLeftovers: async () => {},
  };
}
