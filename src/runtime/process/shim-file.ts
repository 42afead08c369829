/** Owns the file that shims are started from: written when it is missing or of another version, and never for its own sake on a full disk. */
import path from 'node:path';
import { readBounded, writeAtomic } from '../../host/files.ts';
import type { Log } from '../../host/log.ts';
import { createTurns } from '../turns.ts';
import { SHIM_SCRIPT } from './shim.ts';

/** The file of one driver. */
export interface ShimFile {
  readonly file: string;
  /**
   * Makes sure that the file holds this version's script; asked before every start. Shims that run keep the one they have open.
   * @throws SluiceError `failed`, `permission` if it has to be written and cannot be
   */
  readonly ensure: () => Promise<void>;
}

async function ensureShim(file: string, log: Pick<Log, 'info'>): Promise<void> {
  // One that cannot be read is replaced like one that is wrong.
  const present = await readBounded(file).catch(() => '');
  if (present === SHIM_SCRIPT) return;
  await writeAtomic(file, SHIM_SCRIPT);
  if (present !== undefined) {
    log.info('the shim was replaced by that of this version; instances that run keep theirs', { file });
  }
}

/** The file below the driver's root. Starts at the same time write it one after the other. */
export function openShimFile(root: string, log: Pick<Log, 'info'>): ShimFile {
  const file = path.join(root, 'shim.sh');
  const turns = createTurns();
  return { file, ensure: () => turns.take(file, () => ensureShim(file, log)) };
}
