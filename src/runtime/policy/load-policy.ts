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

/** Up to its end: it may have grown since its size was asked. @throws SluiceError `config` if it is too long */
async function readAll(handle: FileHandle, file: string, size: number): Promise<string> {
  let buffer = Buffer.alloc(size + 1);
  let length = 0;
  while (length <= MAX_SPEC_LENGTH) {
    if (length === buffer.length) buffer = Buffer.concat([buffer], buffer.length * 2);
    const { bytesRead } = await handle.read(buffer, length, buffer.length - length);
    if (bytesRead === 0) return buffer.toString('utf8', 0, length);
    length += bytesRead;
  }
  throw new SluiceError('config', `policy ${file} is longer than 1 MiB`, { fix: 'shorten it' });
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
    return await readAll(handle, file, Math.min(found.size, MAX_SPEC_LENGTH));
  } finally {
    await handle.close();
  }
}

/** @throws SluiceError `permission` if there is no file, `config` if it cannot be read or is not only root's */
async function readText(file: string): Promise<string> {
  try {
    return await readOwned(file);
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
}

/** Gives the policy of this node as it is at the call: file and owners are looked at each time, a text that is the same is not parsed again. */
export type LoadPolicy = () => Promise<Policy>;

/**
 * Opens a policy file, which need not be there yet.
 * @returns throws SluiceError `permission` if there is no file: then nothing may run; `config` if it is wrong or not only root's
 */
export function openPolicyFile(file: string): LoadPolicy {
  let last: { readonly text: string; readonly policy: Policy } | undefined;
  return async () => {
    const text = await readText(file);
    if (last?.text === text) return last.policy;
    // The YAML parser is loaded by nodes that have a policy only.
    const { parsePolicy } = await import('../../model/policy-file.ts');
    last = { text, policy: parsePolicy(text, file) };
    return last.policy;
  };
}
