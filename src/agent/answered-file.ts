/**
 * Owns the file of addresses that this node answers neighbours for, so that an agent that was killed goes on where it was, also without the
 * store. Empty after an orderly end: then another node has taken over.
 */
import path from 'node:path';
import { SluiceError } from '../errors.ts';
import { readBounded, writeAtomic } from '../host/files.ts';
import type { Log } from '../host/log.ts';
import { canonicalIp } from '../model/address.ts';

/** Where the file is. */
export const answeredPath = (stateDir: string): string => path.join(stateDir, 'answered.txt');

/** Addresses, one a line; a file that is not there or not readable says nothing. */
export async function readAnswered(stateDir: string): Promise<readonly string[]> {
  const text = await readBounded(answeredPath(stateDir)).catch((error: unknown) => {
    if (error instanceof SluiceError) return undefined;
    throw error;
  });
  return (text ?? '').split('\n').filter((line) => line !== '' && canonicalIp(line) === line);
}

/** Keeps the file. */
export interface AnsweredFile {
  readonly write: (ips: readonly string[]) => void;
  /** Resolves when what was written last is on disk (or refused). */
  readonly settled: () => Promise<void>;
}

/** Starts keeping the file; it is written only when there is something to say. */
export function answeredFile(stateDir: string, before: readonly string[], log: Log): AnsweredFile {
  let latest = before.join('\n');
  let writing: Promise<void> = Promise.resolve();
  const write = async (text: string): Promise<void> => {
    if (text !== latest) return;
    try {
      await writeAtomic(answeredPath(stateDir), `${text}\n`);
    } catch (error) {
      log.warn('cannot write down which entries are answered for', { why: String(error) });
    }
  };
  return {
    write: (ips) => {
      const text = ips.join('\n');
      if (text === latest) return;
      latest = text;
      writing = writing.then(() => write(text));
    },
    settled: () => writing,
  };
}
