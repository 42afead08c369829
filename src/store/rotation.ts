/** Owns which of several servers is asked: the same one until it fails, then the next that is well. Must not know what is asked. */
import { SluiceError } from '../errors.ts';
import type { Clock } from '../host/clock.ts';

/** How long a server that failed is passed over while there are others. */
const BAD_MS = 3_000;

/** Health of one server as its callers see it. */
export interface ServerHealth {
  readonly markBad: () => void;
  readonly isBad: () => boolean;
}

/** A server that nobody has complained about. */
export function createHealth(clock: Clock): ServerHealth {
  let badUntilMs = -Infinity;
  return {
    markBad: () => {
      badUntilMs = clock.monotonicMs() + BAD_MS;
    },
    isBad: () => badUntilMs > clock.monotonicMs(),
  };
}

/**
 * Gives the server to ask now: one until it fails, beginning anywhere, so that many clients spread.
 * @param random uniform in [0, 1)
 */
export function createPicker<S extends ServerHealth>(all: readonly S[], random: () => number): () => S {
  let current = Math.floor(random() * all.length);
  const at = (index: number): S => {
    const server = all[index % all.length];
    if (server === undefined) throw new SluiceError('internal', 'a store without servers');
    return server;
  };
  return () => {
    const good = all.findIndex((_, offset) => !at(current + offset).isBad());
    current = (current + (good < 0 ? 1 : good)) % all.length;
    return at(current);
  };
}
