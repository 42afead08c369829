/** Owns giving memory back to the machine after much was needed for a moment: V8 alone keeps it for as long as it is left in peace. */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/** Collects garbage now; stops this process for about a millisecond a megabyte that is really used. */
export function releaseMemory(): void {
  setFlagsFromString('--expose-gc');
  const collect: unknown = runInNewContext('gc');
  if (typeof collect === 'function') collect();
}
