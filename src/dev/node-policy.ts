/** Owns the policy of `sluice dev`'s nodes: any program of the system and of the folder it was started in, as the sandbox's root. */
import { writeFile } from 'node:fs/promises';
import path from 'node:path';

/** Folders of programs on Linux systems; a pattern's `*` stands for one part of a path. */
const PROGRAM_FOLDERS = ['/bin', '/sbin', '/usr/bin', '/usr/sbin', '/usr/local/bin', '/usr/local/sbin'];

/** What such a node allows. @param workingFolder where `sluice dev` was started: services under development are there */
export function devPolicy(workingFolder: string): string {
  const commands = [
    process.execPath,
    ...[...PROGRAM_FOLDERS, workingFolder].map((folder) => path.join(folder, '*')),
  ];
  return [
    '# What may run on this node of sluice dev: see docs/instances.md.',
    'drivers: [process, exec]',
    `commands: ${JSON.stringify(commands)}`,
    `directories: ${JSON.stringify([workingFolder])}`,
    'defaultUser: root # of the sandbox, which is whoever started it',
    'users: [root]',
    'allowRoot: true',
    'ports: [20000-29999]',
    '',
  ].join('\n');
}

/** Writes it into the node's folder. @returns the file */
export async function writeDevPolicy(folder: string): Promise<string> {
  const file = path.join(folder, 'policy.yaml');
  await writeFile(file, devPolicy(process.cwd()), { mode: 0o600 });
  return file;
}
