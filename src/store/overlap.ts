/** Owns the refusal of transactions that change a key twice, as etcd refuses them. Pure. */
import { SluiceError } from '../errors.ts';
import type { KeyRange, Operation } from './store.ts';

/** True if the key lies in the range. Keys are ASCII, so that string order is byte order. */
export const inRange = (key: string, range: KeyRange): boolean => key >= range.start && key < range.end;

/**
 * Refuses two operations on one key. Two deletions of one key are allowed.
 * @throws SluiceError `internal`
 */
export function refuseOverlap(operations: readonly Operation[]): void {
  const puts = new Set<string>();
  for (const operation of operations) {
    if (operation.kind !== 'put') continue;
    if (puts.has(operation.key)) throw overlap(operation.key);
    puts.add(operation.key);
  }
  for (const operation of operations) {
    if (operation.kind === 'delete' && puts.has(operation.key)) throw overlap(operation.key);
    if (operation.kind !== 'delete-range') continue;
    for (const key of puts) if (inRange(key, operation.range)) throw overlap(key);
  }
}

function overlap(key: string): SluiceError {
  return new SluiceError('internal', `a transaction changes ${JSON.stringify(key)} twice`, {
    details: { key },
  });
}
