/** Owns the rules of single values in a template: text that a process can be given, words of a command, numbers. Pure. */
import { hasPlaceholder, unknownPlaceholder } from './placeholders.ts';
import { PLACEHOLDERS } from './template.ts';
import { quoteValue } from './text.ts';

/** Words of one command. */
export const MAX_WORDS = 64;
/** Characters of one word, variable or probe text. */
const MAX_WORD = 4_096;

/** Where in a template: `['probe', 'path']`, `['command', 2]`, `['env', 'HOME']`; empty for the whole. */
export type Path = readonly (string | number)[];

/** A rule that does not hold, and where. */
export interface Break {
  readonly path: Path;
  /** e.g. `"{prot}" at character 8 is no placeholder`. */
  readonly what: string;
  readonly allowed: string;
  readonly fix?: string | undefined;
}

/** Text that a process can be given as argument or variable: no NUL, whole characters, known placeholders. Line breaks are fine. */
export function textBreaks(path: Path, text: string, { min = 0 } = {}): readonly Break[] {
  if (text.length < min) return [{ path, what: 'an empty text is not allowed here', allowed: 'some text' }];
  if (text.length > MAX_WORD) {
    return [
      { path, what: `${text.length} characters are too many`, allowed: `at most ${MAX_WORD} characters` },
    ];
  }
  if (/[\0\p{Cs}]/u.test(text)) {
    const what = `${quoteValue(text)} holds a NUL or half a character`;
    return [{ path, what, allowed: 'text that a process can be given' }];
  }
  const unknown = unknownPlaceholder(text);
  if (unknown === undefined) return [];
  return [
    {
      path,
      what: `"{${unknown.name}}" at character ${unknown.position} is no placeholder`,
      allowed: PLACEHOLDERS.map((name) => `{${name}}`).join(', '),
      fix: `write {{${unknown.name}}} if the text {${unknown.name}} itself is meant`,
    },
  ];
}

/** A command: a program and its arguments, or with `isProgram: false` arguments only. */
export function wordsBreaks(
  path: Path,
  words: readonly string[],
  { isProgram = true } = {},
): readonly Break[] {
  if (words.length > MAX_WORDS) {
    return [{ path, what: `${words.length} words are too many`, allowed: `at most ${MAX_WORDS} words` }];
  }
  const [program] = words;
  if (program === undefined)
    return [{ path, what: 'a program is missing', allowed: 'a program and its arguments' }];
  const isBad = isProgram && (program === '' || hasPlaceholder(program) || /\p{Cc}/u.test(program));
  if (isBad) {
    const what = `${quoteValue(program)} is not a program`;
    return [
      { path: [...path, 0], what, allowed: 'a name or path without placeholders and control characters' },
    ];
  }
  return words.flatMap((word, index) => textBreaks([...path, index], word));
}

/** A number within bounds. */
export function numberBreaks(
  path: Path,
  value: number,
  { min, max, whole = false }: { readonly min: number; readonly max: number; readonly whole?: boolean },
): readonly Break[] {
  if (value >= min && value <= max && (!whole || Number.isInteger(value))) return [];
  const allowed = `a ${whole ? 'whole ' : ''}number from ${min} to ${max}`;
  return [{ path, what: `${value} is out of range`, allowed }];
}

/** `probe.path`, `command[2]`, `env.HOME`. */
export function pathText(path: Path): string {
  return path
    .map((part, at) => (typeof part === 'number' ? `[${part}]` : at === 0 ? part : `.${part}`))
    .join('');
}
