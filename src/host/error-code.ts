/** Owns the errno of system errors. */

/** `ENOENT`, `EACCES` … of an error of the system, else undefined. */
export function errnoOf(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined;
}
