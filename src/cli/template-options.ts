/** Owns the flags that say what a managed instance runs, for `publish` and `plan`. Static: loaded for every run. */
import { type Command, Option } from 'commander';
import { DRIVERS, ON_DEADLINE, STOP_SIGNALS } from '../model/template-choices.ts';
import type { TemplateFlags } from '../model/template-flags.ts';

/** Flags of a template, and how many instances of it. */
export interface ManagedOptions extends TemplateFlags {
  readonly replicas?: string | undefined;
}

/** An option that is repeated and whose values may hold commas. */
function repeated(flags: string, description: string): Option {
  return new Option(flags, description).argParser((value: string, before: readonly string[] | undefined) => [
    ...(before ?? []),
    value,
  ]);
}

/** The flags, in the order of the help. */
function templateOptions(): readonly Option[] {
  return [
    new Option('--replicas <n>', 'how many instances to run (default: as many as now, or 1)'),
    new Option(
      '--command <line>',
      "what an instance runs: 'node server.js --port {port}'; no shell reads it",
    ),
    new Option('--driver <name>', 'what starts it (default: process)').choices(DRIVERS),
    new Option('--image <image>', 'image of a container, with driver podman'),
    repeated('--env <name=value>', 'a variable of its environment, no secret (all can read it); repeatable'),
    new Option('--run-as <user>', "user that it runs as (default: the node's policy says)"),
    new Option('--workdir <path>', 'folder that it starts in'),
    new Option('--port-range <from-to>', 'ports that instances get (default: 20000-29999)'),
    new Option('--cpu <cores>', 'limit: cores, e.g. 0.5'),
    new Option('--memory <size>', 'limit: memory, e.g. 512MiB'),
    new Option('--pids <n>', 'limit: processes'),
    new Option('--files <n>', 'limit: open files of each process'),
    new Option('--probe <rule>', "tcp, http:/PATH or exec:'COMMAND' asks whether it is well (default: tcp)"),
    new Option('--probe-interval <time>', 'time between two probes (default: 2s)'),
    new Option('--probe-timeout <time>', 'longest time for an answer (default: 1s)'),
    new Option('--probe-successes <n>', 'good answers in a row that make it ready (default: 2)'),
    new Option('--probe-failures <n>', 'bad answers in a row that make it unready (default: 3)'),
    new Option('--probe-start <time>', 'time until it must be ready (default: 30s)'),
    new Option('--pre-stop <line>', 'run on its node before it is told to end'),
    new Option('--stop-signal <signal>', 'how it is told to end (default: SIGTERM)').choices(STOP_SIGNALS),
    new Option('--grace <time>', 'time from the signal to KILL (default: 10s)'),
    new Option('--drain <time>', 'longest wait for its connections to end (default: 60s)'),
    new Option('--on-deadline <act>', 'what becomes of those left then (default: leave)').choices(
      ON_DEADLINE,
    ),
    repeated('--node-selector <key=value>', 'only on nodes with this label; repeatable'),
  ];
}

/** Adds the flags that say what to run. */
export function addTemplateOptions(command: Command): Command {
  command.optionsGroup('Instances that sluice starts:');
  for (const option of templateOptions()) command.addOption(option);
  return command;
}

/** Flags that make a template: any of them asks for a managed service. */
const TEMPLATE_FLAGS = [
  'driver',
  'command',
  'image',
  'env',
  'workdir',
  'runAs',
  'portRange',
  'cpu',
  'memory',
  'pids',
  'files',
  'probe',
  'probeInterval',
  'probeTimeout',
  'probeSuccesses',
  'probeFailures',
  'probeStart',
  'preStop',
  'stopSignal',
  'grace',
  'drain',
  'onDeadline',
  'nodeSelector',
] as const satisfies readonly (keyof TemplateFlags)[];

/** The long flag of an option's name: `--port-range`. */
const flagOf = (name: string): string =>
  `--${name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;

/** The flags of a template that were given, e.g. `--command`. */
export function givenTemplateFlags(options: ManagedOptions): readonly string[] {
  return TEMPLATE_FLAGS.filter((name) => options[name] !== undefined).map(flagOf);
}
