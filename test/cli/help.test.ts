import { describe, expect, it } from 'vitest';
import { buildProgram } from '../../src/cli/program.ts';
import { TOPICS } from '../../src/cli/help/topics.ts';
import type { Command } from 'commander';
import { run } from './run.ts';

const program = buildProgram(async () => {}, { write: () => {}, width: 100 });

/** Paths of all commands, the program's own is ''. */
function paths(command: Command, path = ''): readonly string[] {
  const children = command.commands.flatMap((child) => paths(child, `${path} ${child.name()}`.trim()));
  return [path, ...children];
}

describe('help', () => {
  it.each(paths(program))('of "%s" is as a person has read it', async (path) => {
    const words = path.split(' ').filter((word) => word !== '');
    const { code, stdout, stderr } = await run([...words, '--help']);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    const name = ['help', ...words].join('-');
    await expect(stdout).toMatchFileSnapshot(`../golden/cli/${name}.txt`);
  });

  it.each(TOPICS.map(({ name }) => name))('about %s is as a person has read it', async (topic) => {
    const { code, stdout, stderr } = await run(['help', topic]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    await expect(stdout).toMatchFileSnapshot(`../golden/cli/topic-${topic}.txt`);
  });

  it('is the same by every way to it', async () => {
    const direct = await run(['instance', 'add', '--help']);
    expect(await run(['help', 'instance', 'add'])).toEqual(direct);
    expect(await run(['instance', 'add', '-h'])).toEqual(direct);
    expect(await run([])).toEqual(await run(['--help']));
    expect(await run(['help'])).toEqual(await run(['--help']));
    expect(await run(['help', 'ls'])).toEqual(await run(['list', '--help']));
  });

  it('has three examples for every command that acts', async () => {
    for (const path of paths(program).filter((each) => each !== '')) {
      const { stdout } = await run([...path.split(' '), '--help']);
      const examples = stdout.split('Examples:\n')[1]?.split('\n\n')[0] ?? '';
      expect([path, examples.match(/^ {2}.*sluice /gm)?.length]).toEqual([path, 3]);
    }
  });

  it('fits 100 columns but for the lines of examples and topics', async () => {
    for (const path of paths(program)) {
      const { stdout } = await run([...path.split(' ').filter((word) => word !== ''), '--help']);
      const text = stdout.split('Examples:\n')[0] ?? '';
      expect(text.split('\n').filter((line) => line.length > 100)).toEqual([]);
    }
  });

  it('gives every flag of every command a description', () => {
    const all = (command: Command): readonly Command[] => [command, ...command.commands.flatMap(all)];
    const bare = all(program).flatMap((command) =>
      command.options.filter(({ description }) => description === '').map(({ flags }) => flags),
    );
    expect(bare).toEqual([]);
  });
});

describe('version', () => {
  it('is printed as text, as JSON and by --version', async () => {
    expect((await run(['--version'])).stdout).toMatch(/^sluice [0-9]+\.[0-9]+\.[0-9]+\S*\n$/);
    expect((await run(['version'])).stdout).toContain(process.versions.node);
    expect(JSON.parse((await run(['version', '-o', 'json'])).stdout)).toMatchObject({
      kind: 'Version',
      version: 1,
      revision: null,
      items: [{ node: process.versions.node }],
    });
  });
});
