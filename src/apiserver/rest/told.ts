/** Owns what one watcher has been told, so that it is told changes only: an item that looks as before is left out. */
import { createHash } from 'node:crypto';
import type { SentEvent } from './event-stream.ts';

/** Fields that tick by themselves. */
const TICKING = new Set(['ageSeconds', 'silentSeconds']);

/** What was told. */
export interface Told {
  /** True if an event that is told now says something new. */
  readonly isNews: (event: SentEvent) => boolean;
  readonly forget: () => void;
}

function digestOf(data: object): string {
  const text = JSON.stringify(data, (key, value: unknown) => (TICKING.has(key) ? undefined : value));
  return createHash('sha1').update(text).digest('base64');
}

/** Nothing was told. */
export function createTold(): Told {
  const digests = new Map<string, string>();
  return {
    isNews: ({ event, data }) => {
      if (event !== 'put' && event !== 'delete') return true;
      const reference = 'reference' in data ? String(data.reference) : '';
      if (event === 'delete') {
        digests.delete(reference);
        return true;
      }
      const digest = digestOf(data);
      if (digests.get(reference) === digest) return false;
      digests.set(reference, digest);
      return true;
    },
    forget: () => digests.clear(),
  };
}
