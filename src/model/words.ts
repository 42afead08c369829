/**
 * Owns command lines as one text: split into words as a shell would, with quotes and backslashes, but without any expansion. What a
 * shell would expand or act on is refused unless it is quoted, so that nobody takes a word for more than it is. Pure.
 */
import { SluiceError } from '../errors.ts';
import { quoteValue } from './text.ts';

/** What a shell would act on outside quotes, and inside double ones. */
const ACTS = new Set('|&;<>()$`*?');
const ACTS_QUOTED = new Set('$`');
const SPACE = /[ \t\r\n]/;

/** Where a line cannot be split, and why. */
interface Problem {
  readonly at: number;
  readonly why: string;
}

interface Cursor {
  readonly text: string;
  at: number;
}

const isProblem = (read: string | Problem): read is Problem => typeof read !== 'string';

const acts = (at: number, sign: string): Problem => ({
  at,
  why: `${quoteValue(sign)} at character ${at + 1} is for a shell, and none reads this`,
});

/** What stands between two quotes of a kind; the cursor is behind the first. */
function readQuoted(cursor: Cursor, quote: string): string | Problem {
  const start = cursor.at - 1;
  let text = '';
  for (;;) {
    const sign = cursor.text[cursor.at];
    if (sign === undefined) return { at: start, why: `the quote at character ${start + 1} has no end` };
    cursor.at += 1;
    if (sign === quote) return text;
    if (quote === '"' && ACTS_QUOTED.has(sign)) return acts(cursor.at - 1, sign);
    const next = cursor.text[cursor.at];
    if (quote === '"' && sign === '\\' && next !== undefined && '"\\$`'.includes(next)) {
      text += next;
      cursor.at += 1;
    } else {
      text += sign;
    }
  }
}

/** One word from the cursor on, which stands on its first character. */
function readWord(cursor: Cursor): string | Problem {
  let word = '';
  for (;;) {
    const sign = cursor.text[cursor.at];
    if (sign === undefined || SPACE.test(sign)) return word;
    if (ACTS.has(sign)) return acts(cursor.at, sign);
    cursor.at += 1;
    if (sign === '"' || sign === "'") {
      const quoted = readQuoted(cursor, sign);
      if (isProblem(quoted)) return quoted;
      word += quoted;
    } else if (sign === '\\') {
      const next = cursor.text[cursor.at];
      if (next === undefined) return { at: cursor.at - 1, why: 'a backslash ends the line' };
      word += next;
      cursor.at += 1;
    } else {
      word += sign;
    }
  }
}

/**
 * Words of a command line: `node 'my server.js' --port {port}`.
 * @throws SluiceError `invalid-spec`
 */
export function splitWords(line: string, field = 'command'): readonly string[] {
  const cursor: Cursor = { text: line, at: 0 };
  const words: string[] = [];
  while (cursor.at < line.length) {
    if (SPACE.test(line[cursor.at] ?? '')) {
      cursor.at += 1;
      continue;
    }
    const word = readWord(cursor);
    if (isProblem(word)) {
      throw new SluiceError('invalid-spec', `${field}: ${quoteValue(line)} is not a command`, {
        why: word.why,
        fix: "put it in single quotes if it is meant as it stands; for a shell write sh -c '…'",
        details: { field, value: line.slice(0, 80), position: word.at + 1, allowed: word.why },
      });
    }
    words.push(word);
  }
  return words;
}

/** A line that splits into the same words. */
export function formatWords(words: readonly string[]): string {
  return words
    .map((word) => (/^[\w@%+=:,./{}-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`))
    .join(' ');
}
