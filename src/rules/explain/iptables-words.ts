/** Owns cutting a rule of `iptables-save` into flags with their values. Pure. */

/** One flag with its values, e.g. `! --ctstate NEW,RELATED`. */
export interface Flag {
  readonly name: string;
  readonly negated: boolean;
  readonly values: readonly string[];
  /** As it stands in the rule. */
  readonly text: string;
}

/** A rule in parts. */
export interface RuleWords {
  readonly chain: string;
  /** Names after `-m`. */
  readonly modules: readonly string[];
  readonly matches: readonly Flag[];
  readonly target: { readonly name: string; readonly isGoto: boolean } | undefined;
  readonly options: readonly Flag[];
}

/** Free text may begin with a dash. */
const ONE_VALUE = new Set(['--comment', '--log-prefix', '--nflog-prefix', '--string', '--bytecode']);

/** Words of a line; quotes and backslashes as iptables-save writes them. */
function wordsOf(line: string): readonly string[] {
  return [...line.matchAll(/"((?:[^"\\]|\\.)*)"|(\S+)/g)].map(
    ([, quoted, plain]) => quoted?.replaceAll(/\\(.)/g, '$1') ?? plain ?? '',
  );
}

function flagsOf(words: readonly string[]): readonly Flag[] {
  const flags: Flag[] = [];
  for (let at = 0; at < words.length;) {
    const start = at;
    const negated = words[at] === '!';
    if (negated) at += 1;
    const name = words[at] ?? '';
    at += 1;
    const values: string[] = [];
    if (ONE_VALUE.has(name)) values.push(words[at++] ?? '');
    else
      while (at < words.length && words[at] !== '!' && !/^-\D/.test(words[at] ?? ''))
        values.push(words[at++] ?? '');
    flags.push({ name, negated, values, text: words.slice(start, at).join(' ') });
  }
  return flags;
}

/** A line `-A CHAIN …` in parts. */
export function ruleWords(line: string): RuleWords {
  const [, chain = '', ...words] = wordsOf(line);
  const flags = flagsOf(words);
  const jump = flags.findIndex(({ name }) => name === '-j' || name === '-g');
  const before = jump < 0 ? flags : flags.slice(0, jump);
  const target = flags[jump];
  return {
    chain,
    modules: before.filter(({ name }) => name === '-m').map(({ values }) => values[0] ?? ''),
    matches: before.filter(({ name }) => name !== '-m'),
    target: target === undefined ? undefined : { name: target.values[0] ?? '', isGoto: target.name === '-g' },
    options: jump < 0 ? [] : flags.slice(jump + 1),
  };
}
