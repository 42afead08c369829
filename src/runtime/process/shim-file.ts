/** Owns the file that shims are started from: written when it is missing or of another version, and never for its own sake on a full disk. */
import path from 'node:path';
import { readBounded, writeAtomic } from '../../host/files.ts';
import type { Log } from '../../host/log.ts';
import { SHIM_SCRIPT } from './shim.ts';

/** Where it is below the driver's root. */
export const shimFile = (root: string): string => path.join(root, 'shim.sh');

/**
 * Makes sure that the file holds this version's script; asked before every start. Shims that run keep the one they have open.
 * @throws SluiceError `failed`, `permission` if it has to be written and cannot be
 */
export async function ensureShim(file: string, log: Pick<Log, 'info'>): Promise<void> {
  // One that cannot be read is replaced like one that is wrong.
  const present = await readBounded(file).catch(() => '');
  if (present === SHIM_SCRIPT) return;
  await writeAtomic(file, SHIM_SCRIPT);
  if (present !== undefined) {
    log.info('the shim was replaced by that of this version; instances that run keep theirs', { file });
  }
}
