/**
 * Owns small files of lines in the agent's state directory, which say what an agent before this one had found out, also without the store. A file that is
 * not there or not readable says nothing; a disk that refuses is logged and changes nothing else.
 */
import path from 'node:path';
import { SluiceError } from '../errors.ts';
import { readBounded, writeAtomic } from '../host/files.ts';
import type { Log } from '../host/log.ts';

/** Addresses that this node answers neighbours for; empty after an orderly end, since then another node has taken over. */
const ANSWERED = 'answered.txt';
/** Other nodes that have answered this one, `NAME IP`. */
const REACHED = 'reached.txt';

/** A file by what it holds. */
export type KeptFile = typeof ANSWERED | typeof REACHED;

/** The files of a state directory that this module writes. */
export const keptFiles = (stateDir: string): readonly string[] =>
  [ANSWERED, REACHED].map((file) => path.join(stateDir, file));

/** The lines of a file. */
export async function readLines(stateDir: string, file: KeptFile): Promise<readonly string[]> {
  const text = await readBounded(path.join(stateDir, file)).catch((error: unknown) => {
    if (error instanceof SluiceError) return undefined;
    throw error;
  });
  return (text ?? '').split('\n').filter((line) => line !== '');
}

/** Keeps a file. */
export interface KeptLines {
  readonly write: (lines: readonly string[]) => void;
  /** Resolves when what was written last is on disk (or refused). */
  readonly settled: () => Promise<void>;
}

/** Starts keeping a file; it is written only when there is something to say. @param before what it holds */
export function keepLines(
  stateDir: string,
  file: KeptFile,
  { before, log }: { readonly before: readonly string[]; readonly log: Log },
): KeptLines {
  let latest = before.join('\n');
  let writing: Promise<void> = Promise.resolve();
  const write = async (text: string): Promise<void> => {
    if (text !== latest) return;
    try {
      await writeAtomic(path.join(stateDir, file), `${text}\n`);
    } catch (error) {
      log.warn('cannot write down what was found out', { file, why: String(error) });
    }
  };
  return {
    write: (lines) => {
      const text = lines.join('\n');
      if (text === latest) return;
      latest = text;
      writing = writing.then(() => write(text));
    },
    settled: () => writing,
  };
}
