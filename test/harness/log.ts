/** Owns a log for tests that says nothing. */
import type { Log } from '../../src/host/log.ts';

/** Says nothing. */
export const silentLog: Log = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
};
