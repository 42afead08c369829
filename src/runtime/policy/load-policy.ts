/** Owns reading a node's policy file: only one that nobody but root (or the agent's own user) can have written counts. */
import { open, realpath, stat, type FileHandle } from 'node:fs/promises';
import path from 'node:path';
import { errnoOf } from '../../host/error-code.ts';
import { MAX_SPEC_LENGTH } from '../../model/limits.ts';
import type { Policy } from '../../model/policy.ts';
import { SluiceError } from '../../errors.ts';

/** Where it is unless --policy or SLUICE_POLICY say otherwise. */
export const DEFAULT_POLICY_FILE = '/etc/sluice/policy.yaml';

const WRITABLE_BY_OTHERS = 0o022;

interface Owned {
  readonly uid: number;
  readonly mode: number;
}

/** Refuses what somebody else could have changed. */
function checkOwner(what: string, { uid, mode }: Owned): void {
  const own = process.geteuid?.() ?? 0;
  const refuse = (why: string, fix: string): SluiceError =>
    new SluiceError('config', `the node's policy does not count: ${why}`, {
      why: 'whoever can change it decides what runs here',
      fix,
      details: { path: what, uid, mode: (mode & 0o7777).toString(8) },
    });
  if (uid !== 0 && uid !== own) throw refuse(`${what} belongs to uid ${uid}`, `chown root ${what}`);
  if ((mode & WRITABLE_BY_OTHERS) !== 0)
    throw refuse(`${what} can be written by group or others`, `chmod go-w ${what}`);
}

async function readAll(handle: FileHandle, file: string): Promise<string> {
  const buffer = Buffer.alloc(MAX_SPEC_LENGTH + 1);
  let length = 0;
  for (;;) {
    const { bytesRead } = await handle.read(buffer, length, buffer.length - length);
    if (bytesRead === 0) return buffer.subarray(0, length).toString('utf8');
    length += bytesRead;
    if (length > MAX_SPEC_LENGTH) {
      throw new SluiceError('config', `policy ${file} is longer than 1 MiB`, { fix: 'shorten it' });
    }
  }
}

/** The file is opened once: what was checked is what is read. */
async function readOwned(file: string): Promise<string> {
  const handle = await open(file, 'r');
  try {
    const found = await handle.stat();
    if (!found.isFile()) throw new SluiceError('config', `policy ${file} is not a file`);
    checkOwner(file, found);
    const folder = path.dirname(await realpath(file));
    checkOwner(folder, await stat(folder));
    return await readAll(handle, file);
  } finally {
    await handle.close();
  }
}

/**
 * The policy of this node as it is now.
 * @throws SluiceError `permission` if there is no file: then nothing may run; `config` if it is wrong or not only root's
 */
export async function loadPolicy(file: string): Promise<Policy> {
  let text: string;
  try {
    text = await readOwned(file);
  } catch (error) {
    if (error instanceof SluiceError) throw error;
    if (errnoOf(error) === 'ENOENT') {
      throw new SluiceError('permission', `this node runs nothing: it has no policy`, {
        why: `there is no file ${file}`,
        fix: `write ${file} (docs/instances.md), owned by root, with the commands and users that may be run`,
        details: { rule: 'policy', path: file },
      });
    }
    throw new SluiceError('config', `the node's policy ${file} cannot be read`, {
      why: errnoOf(error) ?? String(error),
      fix: 'check the file and its folders',
      cause: error,
    });
  }
  // The YAML parser is loaded by nodes that have a policy only.
  const { parsePolicy } = await import('../../model/policy-file.ts');
  return parsePolicy(text, file);
}
