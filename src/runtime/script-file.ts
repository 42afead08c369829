/** Owns files of drivers that hold a fixed script: written when missing or of another version, and never for their own sake on a full disk. */
import { readBounded, writeAtomic } from '../host/files.ts';
import { createTurns } from './turns.ts';

/** A script on disk. */
export interface ScriptFile {
  readonly file: string;
  /**
   * Makes sure that the file holds this version's script; asked before every start. Starts at the same time ask one after the other. What runs keeps
   * the one that it has open.
   * @throws SluiceError `failed`, `permission` if it has to be written and cannot be
   */
  readonly ensure: () => Promise<void>;
}

/** @param onReplaced another script stood there */
export function openScriptFile(file: string, script: string, onReplaced?: () => void): ScriptFile {
  const turns = createTurns();
  const ensure = async (): Promise<void> => {
    // One that cannot be read is replaced like one that is wrong.
    const present = await readBounded(file).catch(() => '');
    if (present === script) return;
    await writeAtomic(file, script);
    if (present !== undefined) onReplaced?.();
  };
  return { file, ensure: () => turns.take(file, ensure) };
}
