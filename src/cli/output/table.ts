/** Owns tables as text: columns padded with spaces, two between them, nothing decorative. Pure; painting comes after padding. */
import { plainText } from '../../model/text.ts';
import type { Paint, Palette } from '../palette.ts';

/** One cell: its text, and how to paint it where there is colour. */
export interface Cell {
  readonly text: string;
  readonly paint?: Paint | undefined;
}

/** A table ready to be laid out; every row has one cell a heading. */
export interface Table {
  readonly headings: readonly string[];
  readonly rows: readonly (readonly Cell[])[];
}

/** How a table is laid out. */
export interface TableLayout {
  readonly headers: boolean;
  /** Columns of the terminal; undefined: never cut. */
  readonly width: number | undefined;
  readonly palette: Palette;
}

const GAP = '  ';
/** No column is cut below this many characters. */
const NARROWEST = 8;

/** Longest text of a cell; more is cut also off-terminal, so that one value cannot flood a log. */
const LONGEST = 4000;

function cut(text: string, width: number): string {
  return text.length <= width ? text : `${text.slice(0, Math.max(0, width - 1))}…`;
}

/** Widths that fit the terminal: the widest column gives way first, down to its narrowest. */
function fit(widths: readonly number[], available: number | undefined): readonly number[] {
  const fitted = [...widths];
  if (available === undefined) return fitted;
  let excess = fitted.reduce((sum, width) => sum + width, 0) + GAP.length * (fitted.length - 1) - available;
  while (excess > 0) {
    const widest = Math.max(...fitted);
    if (widest <= NARROWEST) break;
    fitted[fitted.indexOf(widest)] = widest - 1;
    excess -= 1;
  }
  return fitted;
}

/**
 * Lines of a table, each ended by a newline; the last column is not padded.
 * @returns '' if there is nothing to show: no rows and no headers
 */
export function renderTable(table: Table, layout: TableLayout): string {
  const headings: readonly Cell[] = table.headings.map((text) => ({ text }));
  const rows = (layout.headers ? [headings, ...table.rows] : table.rows).map((row) =>
    row.map((cell) => ({ ...cell, text: plainText(cell.text, LONGEST) })),
  );
  const natural = table.headings.map((_heading, column) =>
    Math.max(0, ...rows.map((row) => row[column]?.text.length ?? 0)),
  );
  const widths = fit(natural, layout.width);
  const line = (row: readonly Cell[]): string =>
    row
      .map((cell, column) => {
        const width = widths[column] ?? cell.text.length;
        const text = cut(cell.text, width);
        const painted = cell.paint === undefined ? text : layout.palette[cell.paint](text);
        return column === row.length - 1 ? painted : painted + ' '.repeat(width - text.length);
      })
      .join(GAP);
  return rows.map((row) => `${line(row).trimEnd()}\n`).join('');
}
