/** Owns the tree that spec files are read into, whatever their syntax: values with their place in the text. Pure. */

/**
 * A value of a spec file; `at` is its offset in the text. Numbers stay as written, so that `017` and `1e3` can be told from 17 and
 * 1000. Fields are in a Map, so that a field `__proto__` is a field like any other.
 */
export type SpecNode =
  | { readonly kind: 'map'; readonly at: number; readonly fields: ReadonlyMap<string, SpecField> }
  | { readonly kind: 'list'; readonly at: number; readonly items: readonly SpecNode[] }
  | { readonly kind: 'text'; readonly at: number; readonly text: string }
  | { readonly kind: 'number'; readonly at: number; readonly text: string }
  | { readonly kind: 'flag'; readonly at: number; readonly value: boolean }
  | { readonly kind: 'null'; readonly at: number };

/** A field of a map: where its name stands, and its value. */
export interface SpecField {
  readonly at: number;
  readonly value: SpecNode;
}

/** Something wrong in a spec. */
export interface SpecDefect {
  /** Offset in the text. */
  readonly at: number;
  /** Path of the field, e.g. `instances[1].weight`; '' for the document. */
  readonly field: string;
  /** The value as shown: quoted, cut; undefined where there is none (a field is missing). */
  readonly value?: string | undefined;
  /** What is wrong, e.g. `70000 is not a port`. */
  readonly what: string;
  /** What would be right, in words. */
  readonly allowed: string;
  readonly fix?: string | undefined;
}

/** What a reader makes of a text: documents, or what is wrong with its syntax. */
export interface SpecText {
  readonly documents: readonly SpecNode[];
  readonly defects: readonly SpecDefect[];
}

/** Thrown inside a reader to leave it at the first syntax error; never leaves the reader's file. */
export class SpecSyntax extends Error {
  readonly defect: SpecDefect;

  constructor(defect: SpecDefect) {
    super(defect.what);
    this.name = 'SpecSyntax';
    this.defect = defect;
  }
}
