/** Owns where the built program is. */
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../../..');

/** Command line of the built program. */
export const SLUICE: readonly string[] = [process.execPath, path.join(ROOT, 'bin/sluice.js')];
