/** Owns holding two lists of lines against each other, and the same for chains by name. Pure. */
import { REPAIR } from '../explain/finding.ts';
import type { Difference } from './comparison.ts';

/** Lines of a difference that are shown. */
const SHOWN = 5;

const without = (lines: readonly string[], others: readonly string[]): readonly string[] => {
  const set = new Set(others);
  return lines.filter((line) => !set.has(line)).slice(0, SHOWN);
};

function sameLines(a: readonly string[] | undefined, b: readonly string[] | undefined): boolean {
  return a?.length === b?.length && a?.every((line, index) => line === b?.[index]) === true;
}

/** Lines that should be there and lines that are; undefined: the thing that holds them is not there. */
export interface Held {
  readonly desired: readonly string[] | undefined;
  readonly found: readonly string[] | undefined;
}

/** What a difference is about. */
export type About = Pick<Difference, 'part' | 'chain' | 'service'> & { readonly fix?: string };

/** The difference of two lists that are known to differ. */
export function differenceOf(about: About, { desired, found }: Held): Difference {
  const missing = without(desired ?? [], found ?? []);
  const unwanted = without(found ?? [], desired ?? []);
  const named = { fix: REPAIR, ...about };
  if (missing.length + unwanted.length > 0) return { ...named, missing, unwanted };
  // Equal but for order or repeats, or an empty thing that is missing or too much.
  if (found === undefined) return { ...named, missing: [`:${about.chain}`], unwanted };
  return { ...named, missing, unwanted: desired === undefined ? [`:${about.chain}`] : found.slice(0, SHOWN) };
}

type Lists = ReadonlyMap<string, readonly string[]>;

/** Chains that differ, sorted by name. */
export function chainDifferences(
  desired: Lists,
  found: Lists,
  about: (name: string) => Omit<About, 'chain'>,
): readonly Difference[] {
  const names = new Set([...desired.keys(), ...found.keys()]);
  return [...names]
    .filter((name) => !sameLines(desired.get(name), found.get(name)))
    .toSorted()
    .map((name) =>
      differenceOf({ ...about(name), chain: name }, { desired: desired.get(name), found: found.get(name) }),
    );
}

/** The first few, sorted. */
const some = (elements: readonly string[]): readonly string[] => elements.toSorted().slice(0, SHOWN);

/** The difference of two sets of elements; empty if there is none. */
export function setDifference(
  about: About,
  desired: ReadonlySet<string>,
  found: ReadonlySet<string>,
): readonly Difference[] {
  const missing = [...desired].filter((element) => !found.has(element));
  const unwanted = [...found].filter((element) => !desired.has(element));
  if (missing.length + unwanted.length === 0) return [];
  return [{ fix: REPAIR, ...about, missing: some(missing), unwanted: some(unwanted) }];
}
