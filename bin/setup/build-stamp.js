/** Owns when to build: only if dist/ was not made from these very sources. How is build.js's. */
import { createHash } from 'node:crypto';
import { readFile, readdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { build } from './build.js';
import { say } from './failure.js';

/**
 * Hash over the names and bytes of all that goes into dist/.
 * @param {string} root of the working tree
 * @returns {Promise<string>} hex
 */
async function sourcesHash(root) {
  const inSource = await readdir(path.join(root, 'src'), { recursive: true, withFileTypes: true });
  const files = inSource
    .filter((entry) => entry.isFile())
    .map((entry) => path.relative(root, path.join(entry.parentPath, entry.name)));
  const hash = createHash('sha256');
  const inputs = [...files, 'package.json', 'package-lock.json', 'bin/setup/build.js'];
  for (const file of inputs.toSorted((a, b) => (a < b ? -1 : 1))) {
    hash.update(`${file}\0`);
    hash.update(await readFile(path.join(root, file)));
  }
  return hash.digest('hex');
}

/**
 * Builds dist/ if needed.
 * @param {string} root of the working tree
 */
export async function ensureBuilt(root) {
  const stamp = path.join(root, 'dist/.sources');
  const wanted = await sourcesHash(root);
  const built = await readFile(stamp, 'utf8').catch(() => '');
  if (built === wanted) return;
  say('building dist/');
  await build();
  await writeFile(stamp, wanted);
}
