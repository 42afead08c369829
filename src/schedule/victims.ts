/** Owns the order in which instances are given up when there are too many, and that none is given up that is needed. Pure. */
import type { Unit } from './units.ts';

/** What is to be given up, and what must stay. */
export interface Surplus {
  /** Those that may be given up. */
  readonly among: readonly Unit[];
  /** So many of them are too many. */
  readonly count: number;
  /** Ready ones of the whole service now, and how many of them must stay. */
  readonly ready: number;
  readonly mustStayReady: number;
  /** Instances of the service by node, for giving up the fullest first. */
  readonly perNode: ReadonlyMap<string, number>;
  /** Hash of the template that shall run. */
  readonly templateHash: string | undefined;
}

const age = (unit: Unit): number => unit.assignment?.createRevision ?? 0;
const bool = (value: boolean): number => (value ? 1 : 0);

/** Negative: `a` goes first. Unready, on a poor node, of an older template, on the fullest node, newest. */
function compareVictims(surplus: Surplus, perNode: ReadonlyMap<string, number>) {
  const on = (unit: Unit): number => perNode.get(unit.node ?? '') ?? 0;
  const isOlder = (unit: Unit): boolean => unit.templateHash !== surplus.templateHash;
  return (a: Unit, b: Unit): number =>
    bool(a.ready) - bool(b.ready) ||
    bool(b.onPoorNode) - bool(a.onPoorNode) ||
    bool(isOlder(b)) - bool(isOlder(a)) ||
    on(b) - on(a) ||
    age(b) - age(a) ||
    (a.id < b.id ? 1 : -1);
}

/** Chooses victims, at most `count`, and never a ready one when only `mustStayReady` are ready. Equal input, equal choice. */
export function chooseVictims(surplus: Surplus): readonly Unit[] {
  const perNode = new Map(surplus.perNode);
  const left = [...surplus.among];
  const victims: Unit[] = [];
  let ready = surplus.ready;
  while (victims.length < surplus.count) {
    left.sort(compareVictims(surplus, perNode));
    const next = left.shift();
    if (next === undefined || (next.ready && ready <= surplus.mustStayReady)) return victims;
    victims.push(next);
    if (next.ready) ready -= 1;
    const node = next.node ?? '';
    perNode.set(node, (perNode.get(node) ?? 1) - 1);
  }
  return victims;
}
