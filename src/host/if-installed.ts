/** Owns doing without a program that is not installed. */
import { SluiceError } from '../errors.ts';

/** What a program gives; undefined if it is not installed (`config` from an `Exec`). All other failures are thrown on. */
export async function ifInstalled<T>(attempt: () => Promise<T>): Promise<T | undefined> {
  try {
    return await attempt();
  } catch (error) {
    if (error instanceof SluiceError && error.code === 'config') return undefined;
    throw error;
  }
}
