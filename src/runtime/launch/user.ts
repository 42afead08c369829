/** Owns looking up users of this node. */
import { leanExec } from '../../host/lean-exec.ts';
import type { Exec } from '../../host/exec.ts';
import { readKernelFile } from '../../host/machine.ts';
import { quoteValue } from '../../model/text.ts';
import { SluiceError } from '../../errors.ts';

/** A user with its primary group. */
export interface UserIds {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
}

function parseEntry(line: string): UserIds | undefined {
  const [name = '', , uid = '', gid = ''] = line.split(':');
  if (!/^\d{1,10}$/.test(uid) || !/^\d{1,10}$/.test(gid)) return undefined;
  return { name, uid: Number(uid), gid: Number(gid) };
}

/**
 * A user by name: from /etc/passwd, else from wherever the node has its users (`getent`).
 * @throws SluiceError `config` if there is no such user
 */
export async function findUser(name: string, run: Exec = leanExec): Promise<UserIds> {
  const lines = (readKernelFile('/etc/passwd') ?? '').split('\n');
  const line = lines.find((text) => text.startsWith(`${name}:`));
  const local = line === undefined ? undefined : parseEntry(line);
  if (local !== undefined) return local;
  const { exitCode, stdout } = await run('getent', ['passwd', '--', name]);
  const found = exitCode === 0 ? parseEntry(stdout.split('\n')[0] ?? '') : undefined;
  if (found !== undefined && found.name === name) return found;
  throw new SluiceError('config', `there is no user ${quoteValue(name)} on this node`, {
    why: 'neither /etc/passwd nor getent knows it',
    fix: `create it (useradd --system ${/^[a-z_][a-z0-9_-]{0,31}$/.test(name) ? name : 'NAME'}), or name another user in the template`,
    details: { user: name },
  });
}
