/**
 * Owns the options that many commands share: the global ones, those of daemons and those of every command that changes something.
 * Each option has a variable: `--state-dir` is SLUICE_STATE_DIR. No option has a default here: settings.ts resolves them.
 */
import { type Command, Option } from 'commander';
import { COLOR_CHOICES } from './color-choice.ts';
import { SluiceError } from '../errors.ts';
import { ROLES } from '../model/access.ts';
import { parseDuration } from '../model/duration.ts';
import { quoteValue } from '../model/text.ts';
import { OUTPUT_FORMATS } from './output/format.ts';

/** The option's variable of the environment. */
export function variableOf(option: Option): string {
  return `SLUICE_${nameOf(option).replaceAll('-', '_').toUpperCase()}`;
}

/** The option's name as written in a configuration file: the long flag without dashes. */
export function nameOf(option: Option): string {
  return (option.long ?? option.flags).replace(/^--/, '');
}

/** An option whose value is a comma-separated list, or which is repeated. */
export function listOption(flags: string, description: string): Option {
  return new Option(flags, description).argParser((value: string, before: readonly string[] | undefined) => [
    ...(before ?? []),
    ...value
      .split(',')
      .map((part) => part.trim())
      .filter((part) => part !== ''),
  ]);
}

/** An option whose value is a duration in milliseconds. */
export function durationOption(flags: string, description: string): Option {
  const option = new Option(flags, description);
  return option.argParser((value: string) => {
    try {
      return parseDuration(value, option.long ?? flags);
    } catch (error) {
      throw error instanceof SluiceError
        ? new SluiceError('usage', error.message, { why: error.why, fix: error.fix, details: error.details })
        : error;
    }
  });
}

/** The same, but for 0, which would mean nothing. @param fix what to write instead */
export function positiveDurationOption(flags: string, description: string, fix: string): Option {
  const option = durationOption(flags, description);
  const parse = option.parseArg;
  return option.argParser((value: string) => {
    const ms: unknown = parse?.(value, undefined);
    if (ms !== 0) return ms;
    throw new SluiceError('usage', `${option.long ?? flags} ${value} is no time at all`, {
      why: 'it must be longer than 0',
      fix,
    });
  });
}

/** The options that work before and after every command, in the order of the help. */
export function globalOptions(): readonly Option[] {
  return [
    new Option('--context <name>', 'use this context of the configuration'),
    listOption('--endpoints <urls>', 'etcd servers, separated by commas (default: http://127.0.0.1:2379)'),
    listOption('--server <urls>', 'API servers to speak to instead of etcd, separated by commas'),
    new Option('--prefix <prefix>', 'prefix of all keys in the store (default: /sluice/v1/)'),
    new Option('--cacert <file>', 'trust servers certified by this CA'),
    new Option('--cert <file>', 'client certificate for the store'),
    new Option('--key <file>', 'key of the client certificate'),
    new Option('--user <name>', 'user of the store'),
    new Option('--password-file <file>', 'file that holds the password of --user'),
    new Option('--token-file <file>', 'file that holds a token for --server'),
    new Option('-o, --output <format>', 'how results are written (default: table)').choices(OUTPUT_FORMATS),
    new Option('--no-headers', 'tables without their first line'),
    new Option('--color <when>', 'colour (default: auto)').choices(COLOR_CHOICES),
    new Option('-q, --quiet', 'say nothing unless something changed or failed'),
    new Option('-v, --verbose', 'say more about what is done'),
    new Option('--debug', 'show the stack of errors; daemons log at level debug'),
    new Option('--no-input', 'never ask'),
    durationOption('--timeout <duration>', 'longest time to wait (commands that change something: 30s)'),
  ];
}

/** Where the agent on this machine keeps its state. */
export function stateDirOption(): Option {
  return new Option('--state-dir <dir>', 'state of the agent on this machine (default: /var/lib/sluice)');
}

/** What the node's administrator allows. */
export function policyFileOption(): Option {
  const about = 'what may be run on this node (default: /etc/sluice/policy.yaml; without it nothing is)';
  return new Option('--policy <file>', about);
}

/** Directory of the agent's state where none is named. */
export const DEFAULT_STATE_DIR = '/var/lib/sluice';

/** Name of the node that a daemon is started on. */
export function nodeOption(): Option {
  return new Option('--node <name>', 'name of this node (default: the first label of the host name)');
}

/** How a daemon logs. */
export function logFormatOption(): Option {
  const about = 'how the log on stderr looks (default: auto)';
  return new Option('--log-format <format>', about).choices(['auto', 'text', 'json']);
}

/** Options that mean another thing for each daemon of a machine, and so do not stand in the file that all of them read. */
const OF_ONE_PROCESS = new WeakSet<Option>();

/** True if a configuration file may set the option. */
export function mayStandInFiles(option: Option): boolean {
  return !OF_ONE_PROCESS.has(option);
}

/** Where an agent or a monitor tells its figures; `listen` in a file is the API server's. */
export function figuresOption(): Option {
  const about = 'serve /metrics and /healthz on IP:PORT, or PORT of loopback (default: not at all)';
  const option = new Option('--listen <address>', about);
  OF_ONE_PROCESS.add(option);
  return option;
}

/** Address an API server listens on where none is named. */
export const DEFAULT_LISTEN = '127.0.0.1:7070';

/** The options of `apiserver` that may stand in a configuration file. */
export function apiServerOptions(): readonly Option[] {
  return [
    new Option('--listen <address>', `IP:PORT to listen on (default: ${DEFAULT_LISTEN})`),
    new Option('--tls-cert <file>', 'certificate of this server'),
    new Option('--tls-key <file>', 'key of --tls-cert'),
    new Option('--client-ca <file>', 'take client certificates that this CA signed as credentials'),
    new Option(
      '--anonymous <role>',
      'role of callers without credentials (default: they are refused)',
    ).choices(ROLES),
    new Option('--insecure', 'serve other machines without TLS, or without credentials'),
    listOption('--follow-eureka <urls>', 'take over the instances of another Eureka registry'),
    new Option('--follow-credentials <file>', 'user:password for --follow-eureka'),
    logFormatOption(),
  ];
}

/** The options of `agent` that may stand in a configuration file. */
export function agentOptions(): readonly Option[] {
  return [
    nodeOption(),
    stateDirOption(),
    listOption('--node-ip <addresses>', 'own addresses of this node (default: found from its routes)'),
    listOption('--label <labels>', 'labels of this node, KEY=VALUE'),
    policyFileOption(),
    new Option('--dataplane <name>', 'how rules get into the kernel (default: auto)').choices([
      'auto',
      'iptables',
      'nftables',
    ]),
    logFormatOption(),
  ];
}

/** What every command that changes something gets from its flags. */
export interface MutationOptions {
  readonly dryRun?: boolean | undefined;
  readonly yes?: boolean | undefined;
  readonly ifRevision?: number | undefined;
  /** True: asked for; false: forbidden; undefined: as usual. */
  readonly wait?: boolean | undefined;
  readonly reason?: string | undefined;
}

function parseRevision(text: string): number {
  const revision = /^(0|[1-9][0-9]{0,15})$/.test(text) ? Number(text) : Number.NaN;
  if (Number.isSafeInteger(revision)) return revision;
  throw new SluiceError('usage', `--if-revision: ${quoteValue(text)} is not a revision`, {
    why: 'a revision is a whole number; 0 means that it must not exist',
    fix: 'take it from sluice list -o json or from a plan',
    details: { flag: '--if-revision', value: text.slice(0, 80) },
  });
}

/** Adds the options that every command has which changes something. */
export function addMutationOptions(command: Command): Command {
  const flags = '--if-revision <n>';
  const about = 'only if nothing changed after this revision; 0: only if it does not exist';
  return command
    .optionsGroup('Change:')
    .option('--dry-run', 'show what would change and change nothing')
    .option('-y, --yes', 'consent to everything that would be asked')
    .addOption(new Option(flags, about).argParser(parseRevision))
    .option('--wait', 'wait for started instances too; fail (3) if no agent lives or no monitor leads')
    .option('--no-wait', 'do not wait until the agents have applied the change')
    .option('--reason <text>', 'why, for the audit record');
}

/** Adds the options of commands that list. */
export function addListingOptions(command: Command): Command {
  return command
    .addOption(listOption('--columns <names>', 'show these columns, separated by commas'))
    .option('--sort-by <column>', 'order by this column; --sort-by=-NAME turns the order');
}
