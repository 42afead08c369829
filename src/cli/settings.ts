/**
 * Owns where values come from: flag > SLUICE_* variable > context > /etc/sluice/config.yaml > default. Fills the options of the
 * command that runs; what a value means is decided by the option's own parser, so that all sources obey one rule.
 */
import type { Command, Option } from 'commander';
import { SluiceError } from '../errors.ts';
import type { ColorChoice } from './color-choice.ts';
import { type ConfigFile, type ConfigSettings, readConfigFile } from './config-file.ts';
import type { Environment } from './io.ts';
import {
  agentOptions,
  apiServerOptions,
  globalOptions,
  mayStandInFiles,
  nameOf,
  variableOf,
} from './options.ts';
import type { OutputFormat } from './output/format.ts';
import { chosenStore } from './store-choice.ts';
import { suggestFor } from './suggest.ts';

/** Where the configuration files are. */
export interface ConfigPaths {
  readonly system: string;
  /** Undefined where the user has no home. */
  readonly user: string | undefined;
}

/** The global options, resolved. */
export interface Settings {
  readonly endpoints: readonly string[];
  /** API servers to speak to instead; undefined: etcd. */
  readonly servers: readonly string[] | undefined;
  /** Undefined: the store's own default. */
  readonly prefix: string | undefined;
  readonly cacert: string | undefined;
  readonly cert: string | undefined;
  readonly key: string | undefined;
  readonly user: string | undefined;
  readonly passwordFile: string | undefined;
  readonly tokenFile: string | undefined;
  readonly output: OutputFormat;
  readonly headers: boolean;
  readonly color: ColorChoice;
  readonly quiet: boolean;
  readonly verbose: boolean;
  readonly debug: boolean;
  readonly input: boolean;
  readonly timeoutMs: number | undefined;
}

/** Servers asked where none are named. */
const DEFAULT_ENDPOINTS: readonly string[] = ['http://127.0.0.1:2379'];

const TRUE = ['1', 'true', 'yes', 'on'];
const FALSE = ['0', 'false', 'no', 'off'];

function invalid(where: string, text: string, allowed: string): SluiceError {
  return new SluiceError('config', `${where}: ${JSON.stringify(text)} cannot be used`, {
    why: allowed,
    fix: 'correct it; sluice help environment explains where values come from',
    details: { where, value: text, allowed },
  });
}

/** True for flags without a value. */
const isSwitch = (option: Option): boolean => !option.required && !option.optional;

/** What the option's own parser makes of texts from elsewhere. @throws SluiceError `config` naming the place */
function parseTexts(option: Option, texts: readonly string[], where: string): unknown {
  if (isSwitch(option)) {
    const text = (texts[0] ?? '').toLowerCase();
    if (texts.length !== 1 || ![...TRUE, ...FALSE].includes(text)) {
      throw invalid(where, texts.join(','), 'it is on or off: true or false');
    }
    return TRUE.includes(text) === !option.negate;
  }
  try {
    let value: unknown;
    for (const text of texts) value = option.parseArg ? option.parseArg(text, value) : text;
    return value;
  } catch (error) {
    const why = error instanceof SluiceError ? error.why : error instanceof Error ? error.message : undefined;
    throw invalid(where, texts.join(','), why ?? 'it is not valid');
  }
}

/** Names that may stand in a configuration file: the global flags and those of the daemons, but not `--context` itself. */
function configurableNames(): readonly string[] {
  const all = [...globalOptions(), ...agentOptions(), ...apiServerOptions()].map(nameOf);
  return [...new Set(all)].filter((name) => name !== 'context');
}

/** The context's settings: its own, from the user's file or else the system's. @throws SluiceError `config` if the context is not there */
function contextOf(name: string, files: readonly ConfigFile[]): ConfigSettings {
  const found = files.find((file) => file.contexts.has(name))?.contexts.get(name);
  if (found !== undefined) return found;
  const names = files.flatMap((file) => [...file.contexts.keys()]);
  throw new SluiceError('config', `there is no context ${JSON.stringify(name)}`, {
    why: names.length === 0 ? 'no configuration file has contexts' : `there are: ${names.join(', ')}`,
    fix: suggestFor(name, names, 'sluice help environment shows how to write one'),
    details: { context: name, names },
  });
}

/** The options of the command and of all above it; the command's own first. */
function chainOf(command: Command): readonly Command[] {
  return command.parent === null ? [command] : [command, ...chainOf(command.parent)];
}

/** Brings flags that were given before the command's name into the command's own options. */
function inheritFlags(command: Command): void {
  for (const above of chainOf(command).slice(1)) {
    for (const option of above.options) {
      const name = option.attributeName();
      const given = above.getOptionValueSource(name) === 'cli';
      if (given && command.getOptionValueSource(name) !== 'cli') {
        command.setOptionValueWithSource(name, above.getOptionValue(name), 'cli');
      }
    }
  }
}

/** True if `--no-x` stands beside `--x`: then `no-x: false` says nothing. */
function hasTwin(command: Command, option: Option): boolean {
  return command.options.some(
    (other) => other !== option && other.attributeName() === option.attributeName(),
  );
}

/** Fills options that no stronger source has set. `texts` gives what the source says of an option. */
function fillFrom(
  command: Command,
  source: string,
  textsFor: (option: Option) => { readonly texts: readonly string[]; readonly where: string } | undefined,
): void {
  const stronger = new Set(
    command.options
      .map((option) => option.attributeName())
      .filter((name) => ![undefined, 'default', source].includes(command.getOptionValueSource(name))),
  );
  for (const option of command.options) {
    const found = stronger.has(option.attributeName()) ? undefined : textsFor(option);
    if (found === undefined) continue;
    const value = parseTexts(option, found.texts, found.where);
    const leavesTwin = option.negate && value === true && hasTwin(command, option);
    if (leavesTwin) continue;
    command.setOptionValueWithSource(option.attributeName(), value, source);
  }
}

/**
 * Fills the options of the command that runs from the environment and the configuration files.
 * @param paths undefined: no files are read (commands that need no store work also with a broken configuration)
 * @throws SluiceError `config`
 */
export async function resolveOptions(
  command: Command,
  env: Environment,
  paths: ConfigPaths | undefined,
): Promise<void> {
  inheritFlags(command);
  fillFrom(command, 'env', (option) => {
    const variable = variableOf(option);
    const text = env[variable];
    return text === undefined || text === '' ? undefined : { texts: [text], where: variable };
  });
  if (paths !== undefined) await fillFromFiles(command, paths);
}

async function fillFromFiles(command: Command, paths: ConfigPaths): Promise<void> {
  const known = configurableNames();
  const user =
    paths.user === undefined
      ? undefined
      : await readConfigFile(paths.user, { contexts: known, settings: [] });
  const system = await readConfigFile(paths.system, { contexts: known, settings: known });
  const files = [user, system].filter((file) => file !== undefined);
  const { context: asked } = command.opts<{ readonly context?: string }>();
  const name = asked ?? files.find((file) => file.currentContext !== undefined)?.currentContext;
  if (name !== undefined) {
    const context = contextOf(name, files);
    fillFrom(command, 'context', (option) => textsIn(context, option));
  }
  fillFrom(command, 'config', (option) => system && textsIn(system.settings, option));
}

/** What a file says of an option. */
function textsIn(settings: ConfigSettings, option: Option): ReturnType<ConfigSettings['get']> {
  return mayStandInFiles(option) ? settings.get(nameOf(option)) : undefined;
}

/** The global settings of a command whose options are resolved. @throws SluiceError `config` if etcd and API servers are both named */
export function settingsOf(command: Command): Settings {
  const options = command.opts<Partial<Settings> & { readonly timeout?: number }>();
  return {
    ...chosenStore(command, DEFAULT_ENDPOINTS),
    cacert: options.cacert,
    cert: options.cert,
    key: options.key,
    output: options.output ?? 'table',
    headers: options.headers ?? true,
    color: options.color ?? 'auto',
    quiet: options.quiet ?? false,
    verbose: options.verbose ?? false,
    debug: options.debug ?? false,
    input: options.input ?? true,
    timeoutMs: options.timeout,
  };
}
