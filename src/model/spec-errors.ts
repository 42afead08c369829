/** Owns turning the defects of a spec text into the one error that a user sees. Pure. */
import { SluiceError } from '../errors.ts';
import type { SpecDefect } from './spec-tree.ts';
import { plainText } from './text.ts';

/** Defects that are told; the rest is counted. */
const MAX_SHOWN = 20;

/** One defect as in `details.errors`. Lines and columns start at 1. */
export interface SpecErrorItem {
  readonly file: string;
  readonly line: number;
  readonly column: number;
  readonly field: string;
  readonly value: string;
  readonly allowed: string;
  /** The whole line to show: `web.yaml:4:12: instances[0].weight: 70000 is not a weight`. */
  readonly message: string;
}

function placeOf(text: string, at: number): { readonly line: number; readonly column: number } {
  const before = text.slice(0, at);
  const lastBreak = before.lastIndexOf('\n');
  return { line: before.split('\n').length, column: before.length - lastBreak };
}

function itemOf(defect: SpecDefect, text: string, file: string): SpecErrorItem {
  const { line, column } = placeOf(text, defect.at);
  const field = defect.field === '' ? '' : `${defect.field}: `;
  return {
    file,
    line,
    column,
    field: defect.field,
    value: defect.value ?? '',
    allowed: defect.allowed,
    message: `${file}:${line}:${column}: ${field}${defect.what}`,
  };
}

/**
 * The error for a text with defects: the first in the message, all (up to 20) in `details.errors`, each a `SpecErrorItem`.
 * @param defects at least one; shown in the order of the text
 */
export function specError(
  defects: readonly SpecDefect[],
  source: { readonly text: string; readonly file: string },
): SluiceError {
  const file = plainText(source.file, 200);
  const shown = defects.toSorted((a, b) => a.at - b.at).slice(0, MAX_SHOWN);
  const errors = shown.map((defect) => itemOf(defect, source.text, file));
  const [first] = errors;
  const more = defects.length - 1;
  const tail = more === 0 ? '' : ` (and ${more} more error${more === 1 ? '' : 's'})`;
  return new SluiceError('invalid-spec', `${first?.message ?? file}${tail}`, {
    why: `allowed: ${first?.allowed ?? ''}`,
    fix: shown[0]?.fix ?? 'correct the file and try again; nothing was written',
    details: { ...first, count: defects.length, errors },
  });
}
