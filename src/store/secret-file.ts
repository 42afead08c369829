/** Owns reading the small files that flags name: certificates, keys, passwords, tokens. Never shows what stands in them. */
import { readFile } from 'node:fs/promises';
import { SluiceError } from '../errors.ts';

/**
 * The file's bytes.
 * @param flag that names it
 * @throws SluiceError `config` if it cannot be read
 */
export async function readSecretFile(path: string, flag: string): Promise<Buffer> {
  try {
    return await readFile(path);
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new SluiceError('config', `cannot read the file of ${flag}`, {
      why,
      fix: 'name a file that this user may read',
      details: { flag, path },
      cause,
    });
  }
}
