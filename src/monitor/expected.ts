/** Owns what the leader expects of the registry: every registration with what its mark says, as the store has them. Must not decide. */
import { decodeAlive, decodeRegistration } from '../model/records-registration.ts';
import type { Registration } from '../model/registration.ts';
import type { Expected } from '../registry/silence.ts';
import { whyInvalid } from '../store/snapshot.ts';
import type { KeyValue } from '../store/store.ts';

/** A registration and what is expected of it. */
export interface Known {
  readonly registration: Registration;
  readonly expected: Expected;
}

/** All of them, by `<app>/<id>`. */
export interface ExpectedCopy {
  readonly known: ReadonlyMap<string, Known>;
  /** Takes over what changed. */
  readonly take: (keys: readonly string[], items: ReadonlyMap<string, KeyValue>) => void;
}

/** A record; one that cannot be read counts as none. */
function readable<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    whyInvalid(error);
    return undefined;
  }
}

const tailOf = (key: string): string => key.slice(key.indexOf('/') + 1);

function markOf(tail: string, items: ReadonlyMap<string, KeyValue>): Expected['mark'] {
  const item = items.get(`alive/${tail}`);
  const alive = item && readable(() => decodeAlive(tail, item.value).value);
  if (alive === undefined) return 'none';
  return alive.silentSinceMs === undefined ? 'renews' : 'silent';
}

/** An empty copy. */
export function createExpected(): ExpectedCopy {
  const known = new Map<string, Known>();
  return {
    known,
    take: (keys, items) => {
      for (const tail of new Set(keys.map(tailOf))) {
        const item = items.get(`app/${tail}`);
        const registration = item && readable(() => decodeRegistration(tail, item.value).value);
        // Whether what was taken over from another registry is alive is said there.
        if (registration === undefined || registration.source !== undefined) known.delete(tail);
        else {
          const durationMs = registration.durationSeconds * 1_000;
          const renewMs = registration.renewSeconds * 1_000;
          const expected = { key: tail, durationMs, renewMs, mark: markOf(tail, items) };
          known.set(tail, { registration, expected });
        }
      }
    },
  };
}
