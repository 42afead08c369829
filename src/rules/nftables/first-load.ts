/**
 * Owns the transactions of a first load: many entries into a table that is not there. Pure. There is nothing to compare with, so the units
 * are written as they come, some in each transaction; what hooks them in comes last.
 */
import type { Family } from '../../model/address.ts';
import { type Document, documentOf, joined, NO_PARTS, runsOf, sizeOf } from './documents.ts';
import { type NftUnit, repeatedChain } from './nft-rules.ts';
import { hairpinLines, linesOf, type Parts, tableLines, type TableState } from './transaction-lines.ts';

/** What is loaded, and into what. */
export interface FirstLoad {
  readonly family: Family;
  /** Units of entries; asked for one by one, as the transactions are made. */
  readonly entries: Iterable<NftUnit>;
  /** The fixed chains. */
  readonly fixed: NftUnit;
  readonly table: Exclude<TableState, 'present'>;
}

/** Its transactions. */
export interface LoadDocuments {
  /** Comes first. */
  readonly table: Document;
  /** In any order, also at the same time. */
  readonly entries: Iterable<Document>;
  /** Comes last: until then no packet reaches anything of it. */
  readonly hooks: Document;
}

/** Everything in a unit, as new. */
const partsOf = ({ chains, entries, clients }: NftUnit): Parts => ({
  ...NO_PARTS,
  newChains: chains,
  newEntries: entries,
  newClients: clients,
});

/** About how long the lines of a unit are, not less; an address stands in the hairpin set twice. */
const lengthOf = (unit: NftUnit): number =>
  sizeOf(partsOf(unit)) + unit.ips.reduce((sum, ip) => sum + 2 * ip.length + 5, 0);

/** Units as one transaction. */
function write(family: Family, units: readonly NftUnit[]): Document {
  const parts = joined(units.map(partsOf));
  const { lines, rules } = linesOf(family, parts);
  const ips = [...new Set(units.flatMap((unit) => unit.ips))];
  return documentOf({ lines: [...hairpinLines('add', family, ips), ...lines], rules }, parts);
}

/** Units as they come, each name once. @throws SluiceError `internal` if two chains have one name */
function* withoutRepeats(units: Iterable<NftUnit>): Generator<NftUnit, void, undefined> {
  const names = new Set<string>();
  for (const unit of units) {
    for (const { name } of unit.chains) {
      if (names.has(name)) throw repeatedChain();
      names.add(name);
    }
    yield unit;
  }
}

/** The transactions; those of the entries are made as they are asked for. */
export function firstLoad({ family, entries, fixed, table }: FirstLoad): LoadDocuments {
  function* some(): Generator<Document, void, undefined> {
    for (const units of runsOf(withoutRepeats(entries), lengthOf))
      yield { ...write(family, units), isReached: false };
  }
  return {
    table: { ...documentOf({ lines: tableLines(family, table), rules: 0 }), isReached: false },
    entries: some(),
    hooks: write(family, [fixed]),
  };
}
