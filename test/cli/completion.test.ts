import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { bareFlags, commandNodes } from '../../src/cli/completion/tree.ts';
import { buildProgram } from '../../src/cli/program.ts';
import { run } from './run.ts';

const fileOf = (name: string): string => fileURLToPath(new URL(`../../completions/${name}`, import.meta.url));

/** What bash would offer for a line that ends at the cursor; the last word may be empty. */
function offered(words: readonly string[]): readonly string[] {
  const script = `
    source "$1"; shift
    COMP_WORDS=(sluice "$@"); COMP_CWORD=$#
    _sluice
    printf '%s\\n' "\${COMPREPLY[@]}"`;
  const output = execFileSync('bash', ['-c', script, 'bash', fileOf('sluice.bash'), ...words], {
    encoding: 'utf8',
  });
  return output.split('\n').filter((word) => word !== '');
}

describe('completion scripts', () => {
  it.each([
    ['bash', 'sluice.bash'],
    ['zsh', '_sluice'],
    ['fish', 'sluice.fish'],
  ])(
    'of %s are committed as the program prints them (npm run completions writes them)',
    async (shell, name) => {
      const { code, stdout } = await run(['completion', shell]);
      expect(code).toBe(0);
      expect(readFileSync(fileOf(name), 'utf8')).toBe(stdout);
    },
  );

  it('use a flag for one thing only: with or without a value, with the same choices', () => {
    const program = buildProgram(async () => {}, { write: () => {}, width: 100 });
    const seen = new Map<string, string>();
    const nodes = commandNodes(program, () => []);
    // Every tool follows with -f; here it also reads files. The scripts know where it takes no value.
    expect(bareFlags(nodes)).toEqual(['logs:-f']);
    const withoutFollow = nodes
      .flatMap(({ flags }) => flags)
      .filter(({ names }) => !names.includes('--follow'));
    for (const flag of withoutFollow) {
      const meaning = JSON.stringify([flag.takesValue, flag.takesFile, flag.choices]);
      for (const name of flag.names) {
        expect([name, seen.get(name) ?? meaning]).toEqual([name, meaning]);
        seen.set(name, meaning);
      }
    }
  });
});

describe('completion in bash', () => {
  it('has a script that bash can read', () => {
    expect(execFileSync('bash', ['-n', fileOf('sluice.bash')]).toString()).toBe('');
  });

  it.each([
    [['pub'], ['publish']],
    [['inst'], ['instance']],
    [
      ['instance', ''],
      ['add', 'set', 'remove'],
    ],
    [['-o', 'json', 'instance', 'r'], ['remove']],
    [['logs', '-f', '--str'], ['--stream']],
    [
      ['list', ''],
      ['services', 'instances', 'nodes'],
    ],
    [['ls', 'n'], ['nodes']],
    [['completion', 'z'], ['zsh']],
    [['help', 'exit'], ['exit-codes']],
    [
      ['list', '-o', 'js'],
      ['json', 'jsonl'],
    ],
    [['list', '--output', '=', 'y'], ['yaml']],
    [
      ['list', '--color', ''],
      ['auto', 'always', 'never'],
    ],
    [
      ['publish', '--repl'],
      ['--replace', '--replicas'],
    ],
    [['publish', '--if'], ['--if-revision']],
    [['unpublish', '--repl'], []],
    [['agent', '--print'], ['--print-rules']],
    [['agent', 'c'], ['cleanup']],
    [['list', '--timeout', ''], []],
  ])('offers for %j %j', (words, expected) => {
    expect(offered(words)).toEqual(expected);
  });

  it('offers files where a flag takes one', () => {
    expect(offered(['publish', '-f', fileOf('sluice.b')])).toEqual([fileOf('sluice.bash')]);
  });
});
