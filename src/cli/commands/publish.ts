/** Owns the definition of `publish`, and the flags that make a spec, which `plan` shares. */
import { Option, type Command } from 'commander';
import { type Define, finish } from '../define.ts';
import { addMutationOptions, listOption, type MutationOptions } from '../options.ts';
import { addTemplateOptions, type ManagedOptions } from '../template-options.ts';

/** Flags that say what to publish. */
export interface SpecOptions extends ManagedOptions {
  readonly file?: readonly string[] | undefined;
  readonly entry?: readonly string[] | undefined;
  readonly instance?: readonly string[] | undefined;
  readonly masquerade?: boolean | undefined;
  readonly affinity?: string | undefined;
  readonly announce?: boolean | undefined;
  readonly fromRegistry?: string | undefined;
}

/** Flags of `publish`. */
export interface PublishOptions extends SpecOptions, MutationOptions {
  readonly replace?: boolean | undefined;
}

/** Adds the flags that say what to publish. */
export function addSpecOptions(command: Command): Command {
  const files = new Option('-f, --file <file>', 'read services from a file, or from stdin: -; repeatable');
  return command
    .addOption(listOption('--entry <address>', 'IP:PORT[/tcp|udp] that clients dial; repeatable'))
    .addOption(listOption('--instance <address>', 'IP:PORT[=WEIGHT] that answers; repeatable, the full set'))
    .option('--from-registry <app>', 'instances are those that register as this app (Eureka)')
    .option('--masquerade', "give instances the node's address instead of the client's")
    .option('--affinity <rule>', 'client-ip[=TIME] keeps a client with its instance (3h); none')
    .option('--announce', 'one node answers neighbours for the entry (ARP, ND); masquerades')
    .addOption(
      files.argParser((file: string, before: readonly string[] | undefined) => [...(before ?? []), file]),
    );
}

/** `sluice publish` */
export const definePublish: Define = (parent, run) => {
  const command = parent
    .command('publish')
    .summary('create or update a service')
    .description(
      'Create or update a service: clients dial its entries, every node forwards to its instances. They are listed (--instance, ' +
        'the full set), or sluice starts them (--command); taking one away asks, or needs --replace. A changed command replaces ' +
        'them one at a time. Prints created, updated or unchanged.',
    )
    .argument('[service]', 'name of the service; not with -f');
  addSpecOptions(command).option('--replace', 'consent to removing instances and moving entries');
  addTemplateOptions(command);
  addMutationOptions(command);
  finish(command, {
    examples: [
      [
        'sluice publish web --entry 10.96.0.10:80 --instance 10.0.1.11:8080 --instance 10.0.1.12:8080=3',
        'two instances, the second gets three times as much',
      ],
      ['sluice publish -f services.yaml --dry-run', 'what a file would change'],
      [
        "sluice publish web --entry 10.96.0.10:80 --replicas 3 --command 'node server.js --port {port}'",
        'three instances of a program',
      ],
    ],
  }).action(async (service: string | undefined) =>
    run(command, 'write', async (session) => {
      const { publishBody } = await import('../run/publish.ts');
      return publishBody(session, service, command.opts<PublishOptions>());
    }),
  );
};
