/** Owns the JSON envelope of every result: `{"kind","version":1,"revision","items":[]}`. Fields are only ever added. Pure. */

/** A result for programs. Field names say their units (`…Seconds`, `…Ms`); times are RFC 3339. */
export interface Envelope {
  /** e.g. `ServiceList`. */
  readonly kind: string;
  readonly version: 1;
  /** Store revision that the items show; null where no store was read. */
  readonly revision: number | null;
  readonly items: readonly Readonly<Record<string, unknown>>[];
}

/** An envelope around items. */
export function envelope(kind: string, revision: number | undefined, items: Envelope['items']): Envelope {
  return { kind, version: 1, revision: revision ?? null, items };
}
