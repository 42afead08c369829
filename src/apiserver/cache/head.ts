/** Owns asking the store for its head: one question at a time, shared by everybody who asked before it was sent. */
import { GENERATION_KEY } from '../../store/keys.ts';
import type { CallOptions, KeyRange, Store } from '../../store/store.ts';

const ONE_KEY: KeyRange = { start: GENERATION_KEY, end: `${GENERATION_KEY}\0` };

/**
 * Gives a function that tells the store's head as it is after the call: a linearizable read. While one is under way callers wait together
 * for the next.
 * @throws SluiceError as a read of the store
 */
export function createHeadReader(store: Store): (options: CallOptions) => Promise<number> {
  let running: Promise<number> | undefined;
  let next: Promise<number> | undefined;
  const ask = async (options: CallOptions): Promise<number> => {
    const question = store.count(ONE_KEY, options).then(({ revision }) => revision);
    running = question;
    try {
      return await question;
    } finally {
      if (running === question) running = undefined;
    }
  };
  const afterRunning = async (before: Promise<number>, options: CallOptions): Promise<number> => {
    await before.catch(() => undefined);
    next = undefined;
    return ask(options);
  };
  return async ({ timeoutMs }) => {
    if (running === undefined) return ask({ timeoutMs });
    next ??= afterRunning(running, { timeoutMs });
    return next;
  };
}
