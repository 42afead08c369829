/**
 * Owns reading configuration files: `/etc/sluice/config.yaml` and the user's contexts. Keys are flag names; an unknown key or a
 * wrong type is an error with file and line. Must not know what values mean (settings.ts does).
 */
import { readFile } from 'node:fs/promises';
import type { YAMLMap } from 'yaml';
import { SluiceError } from '../errors.ts';
import { suggestFor } from './suggest.ts';

/** A value of a configuration file as the texts that its flag would get, and where it stands: `FILE:LINE`. */
export interface ConfigValue {
  readonly texts: readonly string[];
  readonly where: string;
}

/** Settings by flag name. */
export type ConfigSettings = ReadonlyMap<string, ConfigValue>;

/** One configuration file. */
export interface ConfigFile {
  readonly path: string;
  readonly settings: ConfigSettings;
  readonly currentContext: string | undefined;
  readonly contexts: ReadonlyMap<string, ConfigSettings>;
}

const CONTEXTS = 'contexts';
const CURRENT_CONTEXT = 'current-context';

/** A key, its value as plain data, its line and, for a mapping, the mapping's own pairs. */
interface Pair {
  readonly key: string;
  readonly value: unknown;
  readonly where: string;
  readonly pairs: readonly Pair[] | undefined;
}

function broken(where: string, what: string, why: string): SluiceError {
  return new SluiceError('config', `${where}: ${what}`, {
    why,
    fix: 'correct the file; sluice help environment shows what may stand in it',
    details: { where },
  });
}

/** Text of the file, or undefined if there is none. */
async function textOf(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
    throw new SluiceError('config', `cannot read ${path}`, {
      why: error instanceof Error ? error.message : String(error),
      fix: 'make it readable, or move it away',
      details: { file: path },
      cause: error,
    });
  }
}

/** Pairs of a YAML text, with lines; [] for an empty file. */
async function pairsOf(text: string, path: string): Promise<readonly Pair[]> {
  const { isMap, isNode, isScalar, LineCounter, parseDocument } = await import('yaml');
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  const [fault] = document.errors;
  if (fault !== undefined) {
    throw broken(`${path}:${lines.linePos(fault.pos[0]).line}`, 'this is not YAML', fault.message);
  }
  const read = (map: YAMLMap): readonly Pair[] =>
    map.items.map(({ key, value }) => {
      const range = isScalar(key) ? key.range : undefined;
      return {
        key: isScalar(key) ? String(key.value) : '',
        value: isNode(value) && !isMap(value) ? value.toJSON() : null,
        where: `${path}:${lines.linePos(range?.[0] ?? 0).line}`,
        pairs: isMap(value) ? read(value) : undefined,
      };
    });
  if (document.contents === null) return [];
  if (!isMap(document.contents)) throw broken(`${path}:1`, 'not a mapping', 'write KEY: VALUE lines');
  return read(document.contents);
}

const isScalarValue = (value: unknown): value is string | number | boolean =>
  typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean';

/** Settings of a mapping; every key must be known, every value a scalar or a list of scalars. */
function settingsOf(pairs: readonly Pair[], known: readonly string[]): ConfigSettings {
  return new Map(
    pairs.map(({ key, value, where, pairs: nested }) => {
      if (!known.includes(key)) {
        const allowed = `known keys: ${known.join(', ')}`;
        throw broken(where, `unknown key ${JSON.stringify(key)}`, suggestFor(key, known, allowed));
      }
      const values: readonly unknown[] = Array.isArray(value) ? value : [value];
      if (nested !== undefined || !values.every(isScalarValue)) {
        throw broken(
          where,
          `${key} has no usable value`,
          'a value is text, a number, true, false or a list of these',
        );
      }
      return [key, { texts: values.map(String), where }] as const;
    }),
  );
}

/** Names of the settings that may stand at the top of a file and in its contexts. */
export interface KnownSettings {
  readonly settings: readonly string[];
  readonly contexts: readonly string[];
}

/**
 * Reads a configuration file; undefined if there is none.
 * @param path absolute path
 * @throws SluiceError `config` naming file and line
 */
export async function readConfigFile(path: string, known: KnownSettings): Promise<ConfigFile | undefined> {
  const text = await textOf(path);
  if (text === undefined) return undefined;
  const pairs = await pairsOf(text, path);
  const own = pairs.filter(({ key }) => key !== CONTEXTS && key !== CURRENT_CONTEXT);
  const current = pairs.find(({ key }) => key === CURRENT_CONTEXT);
  const contexts = pairs.find(({ key }) => key === CONTEXTS);
  if (current !== undefined && typeof current.value !== 'string') {
    throw broken(current.where, `${CURRENT_CONTEXT} has no usable value`, 'it is the name of a context');
  }
  if (contexts !== undefined && contexts.pairs === undefined) {
    throw broken(contexts.where, `${CONTEXTS} is not a mapping`, 'it maps names to settings');
  }
  return {
    path,
    settings: settingsOf(own, [...known.settings, CONTEXTS, CURRENT_CONTEXT]),
    currentContext: typeof current?.value === 'string' ? current.value : undefined,
    contexts: new Map(
      (contexts?.pairs ?? []).map(({ key, where, pairs: settings }) => {
        if (settings === undefined)
          throw broken(where, `context ${key} is not a mapping`, 'it maps flag names to values');
        return [key, settingsOf(settings, known.contexts)] as const;
      }),
    ),
  };
}
