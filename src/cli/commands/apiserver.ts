/** Owns the definition of `apiserver`. */
import type { LogFormat } from '../../host/log.ts';
import type { Role } from '../../model/access.ts';
import { type Define, finish } from '../define.ts';
import type { FollowFlags } from '../follow-options.ts';
import { apiServerOptions } from '../options.ts';

/** Flags of `apiserver`. */
export interface ApiServerFlags extends FollowFlags {
  readonly listen?: string | undefined;
  readonly tlsCert?: string | undefined;
  readonly tlsKey?: string | undefined;
  readonly clientCa?: string | undefined;
  readonly anonymous?: Role | undefined;
  readonly insecure?: boolean | undefined;
  readonly logFormat?: LogFormat | undefined;
}

/** `sluice apiserver` */
export const defineApiServer: Define = (parent, run) => {
  const command = parent
    .command('apiserver')
    .summary('serve the store to nodes and commands that hold no credentials of etcd')
    .description(
      'Serve the store to nodes and commands that hold no credentials of etcd (--server), until a signal. Keeps nothing of its own: run as many ' +
        'as you like.',
    );
  for (const option of apiServerOptions()) command.addOption(option);
  finish(command, {
    examples: [
      ['sluice apiserver --anonymous viewer', 'on loopback; tokens and certificates are taken too'],
      [
        'sluice apiserver --listen 10.0.0.5:7070 --tls-cert api.pem --tls-key api.key',
        'for other machines, which need tokens',
      ],
      ['sluice apiserver --log-format json 2>> api.log', 'with its log in a file'],
    ],
  }).action(async () =>
    run(command, 'write', async (session) => {
      const { apiServerBody } = await import('../run/apiserver.ts');
      return apiServerBody(session, command.opts<ApiServerFlags>());
    }),
  );
};
