/** Owns writing a result in every format: one description of columns and fields, six ways to show it. */
import { SluiceError } from '../../errors.ts';
import { envelope } from '../../ops/envelope.ts';
import { isTerminal, widthOf } from '../io.ts';
import type { Paint } from '../palette.ts';
import type { Session } from '../session.ts';
import { suggestFor } from '../suggest.ts';
import { type AgeFormat, ageFormat } from './age.ts';
import { renderTable } from './table.ts';

/** One column of a listing. */
export interface Column<T> {
  /** Heading, in capitals; `--columns` takes it in any case. */
  readonly name: string;
  /** Only shown with `-o wide` or when asked for. */
  readonly wide?: boolean | undefined;
  readonly cell: (item: T, age: AgeFormat) => string;
  readonly paint?: ((item: T) => Paint | undefined) | undefined;
  /** What `--sort-by` compares; the cell's text by default. */
  readonly order?: ((item: T) => string | number) | undefined;
}

/** A result: items with the ways to show them. */
export interface Listing<T> {
  /** Kind in the JSON envelope, e.g. `ServiceList`. */
  readonly kind: string;
  readonly revision: number | undefined;
  readonly items: readonly T[];
  /** The reference that `-o name` prints. */
  readonly name: (item: T) => string;
  readonly json: (item: T) => object;
  readonly columns: readonly Column<T>[];
  /** Replaces the table where a person reads it. */
  readonly text?: ((age: AgeFormat) => string) | undefined;
}

/** An item whose type is forgotten: its name, its fields and its row are what is left. */
export interface AnyItem {
  readonly name: string;
  readonly json: object;
  readonly cells: (column: string, age: AgeFormat) => string;
  readonly paint: (column: string) => Paint | undefined;
  readonly order: (column: string) => string | number | undefined;
}

/** A listing of any type of items. */
export type AnyListing = Listing<AnyItem>;

/** A listing whose item type is forgotten, so that listings of different things can be handled alike. */
export function hideItems<T>(listing: Listing<T>): AnyListing {
  const columns = new Map(listing.columns.map((column) => [column.name, column]));
  const items = listing.items.map((item): AnyItem => ({
    name: listing.name(item),
    json: listing.json(item),
    cells: (name, age) => columns.get(name)?.cell(item, age) ?? '',
    paint: (name) => columns.get(name)?.paint?.(item),
    order: (name) => columns.get(name)?.order?.(item),
  }));
  return {
    ...listing,
    items,
    name: ({ name }) => name,
    json: ({ json }) => json,
    columns: listing.columns.map(({ name, wide, order }) => ({
      name,
      wide,
      cell: (item, age) => item.cells(name, age),
      paint: (item) => item.paint(name),
      ...(order === undefined ? {} : { order: (item: AnyItem) => item.order(name) ?? '' }),
    })),
  };
}

/** Flags of commands that list. */
export interface ListingOptions {
  readonly columns?: readonly string[] | undefined;
  readonly sortBy?: string | undefined;
}

/** The column of a name. @throws SluiceError `usage` */
function columnOf<T>(columns: readonly Column<T>[], typed: string, flag: string): Column<T> {
  const found = columns.find(({ name }) => name === typed.toUpperCase());
  if (found !== undefined) return found;
  const names = columns.map(({ name }) => name.toLowerCase());
  throw new SluiceError('usage', `${flag}: there is no column ${JSON.stringify(typed)}`, {
    why: `columns are: ${names.join(', ')}`,
    fix: suggestFor(typed.toLowerCase(), names, `${flag} ${names[0] ?? ''}`),
    details: { flag, value: typed, allowed: names },
  });
}

const compare = (a: string | number, b: string | number): number => {
  if (typeof a === 'number' && typeof b === 'number') return a - b;
  return String(a) < String(b) ? -1 : String(a) > String(b) ? 1 : 0;
};

function sorted<T>(listing: Listing<T>, sortBy: string | undefined, age: AgeFormat): readonly T[] {
  if (sortBy === undefined) return listing.items;
  const descending = sortBy.startsWith('-');
  const column = columnOf(listing.columns, descending ? sortBy.slice(1) : sortBy, '--sort-by');
  const key = column.order ?? ((item: T) => column.cell(item, age));
  const items = listing.items.toSorted((a, b) => compare(key(a), key(b)));
  return descending ? items.toReversed() : items;
}

/** How times are shown to this session: relative on a terminal. */
export function ageOf(session: Session): AgeFormat {
  return ageFormat(isTerminal(session.deps.io.stdout) ? session.deps.clock.now() : undefined);
}

function tableText<T>(session: Session, listing: Listing<T>, options: ListingOptions): string {
  const { settings, deps, outPalette } = session;
  const age = ageOf(session);
  const columns =
    options.columns?.map((name) => columnOf(listing.columns, name, '--columns')) ??
    listing.columns.filter(({ wide }) => wide !== true || settings.output === 'wide');
  const rows = sorted(listing, options.sortBy, age).map((item) =>
    columns.map((column) => ({ text: column.cell(item, age), paint: column.paint?.(item) })),
  );
  return renderTable(
    { headings: columns.map(({ name }) => name), rows },
    { headers: settings.headers, width: widthOf(deps.io.stdout), palette: outPalette },
  );
}

/** A result as text in the session's format. */
export async function formatListing<T>(
  session: Session,
  listing: Listing<T>,
  options: ListingOptions = {},
): Promise<string> {
  const items = sorted(listing, options.sortBy, ageFormat(undefined));
  const objects = (): Readonly<Record<string, unknown>>[] => items.map((item) => ({ ...listing.json(item) }));
  switch (session.settings.output) {
    case 'json':
      return `${JSON.stringify(envelope(listing.kind, listing.revision, objects()), undefined, 2)}\n`;
    case 'jsonl':
      return objects()
        .map((item) => `${JSON.stringify(item)}\n`)
        .join('');
    case 'yaml': {
      const { formatYaml } = await import('./yaml.ts');
      return formatYaml(envelope(listing.kind, listing.revision, objects()));
    }
    case 'name':
      return items.map((item) => `${listing.name(item)}\n`).join('');
    case 'table':
    case 'wide':
      return listing.text === undefined ? tableText(session, listing, options) : listing.text(ageOf(session));
  }
  return session.settings.output satisfies never;
}

/** Writes a result to stdout in the session's format. @throws SluiceError `usage` for an unknown column */
export async function writeListing<T>(
  session: Session,
  listing: Listing<T>,
  options: ListingOptions = {},
): Promise<void> {
  session.deps.io.stdout.write(await formatListing(session, listing, options));
}
