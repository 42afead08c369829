/** Owns the definition of `version`. */
import type { Define } from '../define.ts';
import { finish } from '../define.ts';

/** `sluice version` */
export const defineVersion: Define = (parent, run) => {
  const command = parent.command('version').description('show the versions of sluice and of what runs it');
  finish(command, {
    examples: [
      ['sluice version', 'for a bug report'],
      ['sluice version -o json', 'for a program'],
      ['sluice --version', 'only the version, at once'],
    ],
  }).action(async () =>
    run(command, 'offline', async (session) => {
      const { versionBody } = await import('../run/version.ts');
      return versionBody(session);
    }),
  );
};
