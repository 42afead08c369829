/**
 * Owns the one error class, its codes and the exit code of each. Every failure a user can see is a `SluiceError`;
 * anything else that reaches main is a bug (`internal`).
 */

/** Exit code of every error code; `sluice help exit-codes` prints this table. */
export const EXIT_CODES = {
  ok: { exit: 0, meaning: 'done, unchanged, nothing to do' },
  failed: { exit: 1, meaning: 'failed or partly applied' },
  changes: { exit: 2, meaning: 'there are changes; only with --detailed-exitcode' },
  unhealthy: { exit: 3, meaning: 'status --check, verify, doctor or a wait condition is false' },
  'not-found': { exit: 4, meaning: 'the thing named does not exist' },
  'not-confirmed': { exit: 5, meaning: 'declined, or the consent flag is missing; nothing changed' },
  usage: { exit: 64, meaning: 'the command line is wrong' },
  'invalid-spec': { exit: 65, meaning: 'a value or a spec file is invalid; nothing was written' },
  unavailable: { exit: 69, meaning: 'the store or another needed part cannot be reached' },
  internal: { exit: 70, meaning: 'a bug in sluice' },
  conflict: { exit: 75, meaning: 'the revision moved, or somebody else holds it: try again' },
  locked: { exit: 75, meaning: 'a lock is held by somebody else: try again' },
  unknown: { exit: 76, meaning: 'the write may or may not have happened, and it could not be found out' },
  permission: { exit: 77, meaning: 'not allowed' },
  config: { exit: 78, meaning: 'the configuration or this machine is not fit' },
  timeout: { exit: 124, meaning: 'a deadline passed; what was written stands' },
  interrupted: { exit: 130, meaning: 'stopped by SIGINT' },
  terminated: { exit: 143, meaning: 'stopped by SIGTERM' },
} as const satisfies Record<string, { readonly exit: number; readonly meaning: string }>;

/** The name of a result, as shown in brackets in error messages and as `code` in JSON. */
export type ResultCode = keyof typeof EXIT_CODES;

/** The name of a failure: every result code but those that are not failures. */
export type ErrorCode = Exclude<ResultCode, 'ok' | 'changes'>;

/** What a `SluiceError` carries besides what went wrong. */
export interface ErrorFacts {
  /** Why it went wrong, one line, no full stop. */
  readonly why?: string | undefined;
  /** What to do about it: a command or an action, one line. */
  readonly fix?: string | undefined;
  /** Facts for programs: field, value, allowed, holder, revision … JSON values only, no secrets. */
  readonly details?: Readonly<Record<string, unknown>> | undefined;
  readonly cause?: unknown;
}

/**
 * The one error class of Sluice: what went wrong, why, and how to fix it.
 * Messages are lines of plain text: control characters of foreign values must be quoted by the caller (JSON.stringify).
 */
export class SluiceError extends Error {
  readonly code: ErrorCode;
  readonly why: string | undefined;
  readonly fix: string | undefined;
  readonly details: Readonly<Record<string, unknown>>;

  /**
   * @param code decides the exit code
   * @param what one line, starting in lower case, naming the thing and the value
   * @param facts why, fix, details and the cause
   */
  constructor(code: ErrorCode, what: string, facts: ErrorFacts = {}) {
    super(what, facts.cause === undefined ? undefined : { cause: facts.cause });
    this.name = 'SluiceError';
    this.code = code;
    this.why = facts.why;
    this.fix = facts.fix;
    this.details = facts.details ?? {};
  }
}

/** The JSON form of an error. */
export interface ErrorReport {
  readonly kind: 'Error';
  readonly version: 1;
  readonly code: ErrorCode;
  readonly exitCode: number;
  readonly message: string;
  readonly why: string | null;
  readonly fix: string | null;
  readonly details: Readonly<Record<string, unknown>>;
}

/** An error as the object that `-o json` and the API server write; readers must ignore fields they do not know. */
export const errorReport = (error: SluiceError): ErrorReport => ({
  kind: 'Error',
  version: 1,
  code: error.code,
  exitCode: exitCodeOf(error),
  message: error.message,
  why: error.why ?? null,
  fix: error.fix ?? null,
  details: error.details,
});

/** Exit code of anything thrown: that of a `SluiceError`, else 70 (a bug). */
export function exitCodeOf(error: unknown): number {
  return error instanceof SluiceError ? EXIT_CODES[error.code].exit : EXIT_CODES.internal.exit;
}
