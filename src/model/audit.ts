/** Owns the audit record: who changed what, when, from where, and why. Pure. */

/** Field of a stored service that names the audit record of its last change. */
export const AUDIT_FIELD = 'audit';

/** One spec write, `audit/<time>-<request id>`, put in the same transaction; the key's mod revision is the write's. */
export interface Audit {
  /** RFC 3339, UTC, with milliseconds. */
  readonly at: string;
  /** Who: user name, or the part of Sluice that decided. */
  readonly actor: string;
  /** Host the command ran on. */
  readonly host: string;
  /** The command as typed, secrets never. */
  readonly command: string;
  /** `--reason`. */
  readonly reason?: string | undefined;
  readonly requestId: string;
  /** What was changed, as a reference: `service/web`. */
  readonly subject: string;
  /** created | updated | deleted, or what the command says of itself. */
  readonly outcome?: string | undefined;
  /** Hash of what was before and is after, hex. */
  readonly beforeHash?: string | undefined;
  readonly afterHash?: string | undefined;
}

/** The key `generation`: its version is the counter; the value names the write, so that its audit record can be found. */
export interface Generation {
  readonly at: string;
  readonly requestId: string;
}
