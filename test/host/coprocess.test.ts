import { existsSync, readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { type Coprocess, type CoprocessOptions, createCoprocess } from '../../src/host/coprocess.ts';
import { waitUntil } from '../../src/host/wait.ts';

/** A coprocess of a shell script; its input is on stdin. */
function open(script: string, options: CoprocessOptions): Coprocess {
  const coprocess = createCoprocess(['sh', '-c', script], options);
  onTestFinished(coprocess.close);
  return coprocess;
}

describe.each([
  ['a coprocess', {}],
  ['a coprocess whose program is started ahead', { isAhead: true }],
])('%s', (_, options) => {
  const scripted = (script: string): Coprocess => open(script, options);

  it('runs the program anew for every input and gives its exit code and output', async () => {
    const cat = scripted('cat; exit 3');
    for (const input of ['one\ntwo\n', '', 'x'.repeat(300_000), 'ä\n']) {
      expect(await cat.run(input, 5_000)).toEqual({
        exitCode: 3,
        stdout: '',
        stderr: input,
      });
    }
  });

  it('does not mix inputs when the program reads only a part', async () => {
    const first = scripted('head -n 1');
    expect((await first.run('a\nb\nc\n', 5_000)).stderr).toBe('a\n');
    expect((await first.run('d\ne\n', 5_000)).stderr).toBe('d\n');
  });

  it('never lets the shell read an input', async () => {
    const cat = scripted('cat');
    const hostile = '$(id)`id`\n"; id; "\n5\nid\n%s %d\\n';
    expect((await cat.run(hostile, 5_000)).stderr).toBe(hostile);
  });

  it('ends what runs too long, with all it started, and starts anew', async () => {
    const slow = scripted('read word; [ "$word" = sleep ] && sleep 60; echo "$word"');
    await expect(slow.run('sleep\n', 100)).rejects.toMatchObject({
      code: 'failed',
      why: 'ran longer than 100 ms',
    });
    expect((await slow.run('again\n', 5_000)).stderr).toBe('again\n');
  });

  it('says so when its shell is killed in the middle, and starts anew', async () => {
    const killer = scripted('read word; [ "$word" = kill ] && kill -9 $PPID; echo "$word"');
    const killed = await killer.run('kill\n', 5_000).catch((error: unknown) => error);
    expect(killed).toBeDefined();
    expect((await killer.run('again\n', 5_000)).stderr).toBe('again\n');
  });

  it('refuses to run two at a time', async () => {
    const cat = scripted('cat');
    const first = cat.run('a', 5_000);
    await expect(cat.run('b', 5_000)).rejects.toMatchObject({ code: 'internal' });
    expect((await first).stderr).toBe('a');
  });
});

describe('a program that is started ahead', () => {
  it('runs before there is an input, and another as soon as it has ended', async () => {
    const pids: number[] = [];
    const own = open('echo $$; cat', { isAhead: true, onPid: (pid) => void pids.push(pid) });
    const said: string[] = [];
    for (let round = 0; round < 3; round += 1) said.push((await own.run('', 5_000)).stderr);
    expect(pids.map((pid) => `${pid}\n`)).toEqual(said);
    expect(new Set(said).size).toBe(3);
  });

  it('takes nothing for a request that a program which failed has left', async () => {
    const picky = open('read word; [ "$word" != bad ] || exit 2; cat', { isAhead: true });
    const long = '1\n'.repeat(300_000);
    expect(await picky.run(`bad\n${long}`, 5_000)).toMatchObject({ exitCode: 2 });
    expect(await picky.run('good\nthe next\n', 5_000)).toMatchObject({ exitCode: 0, stderr: 'the next\n' });
  });

  it('is taken for done when it says so, and its end is waited for by the next', async () => {
    const script = `read word; echo "$word done"; [ "$word" = slow ] || exit 0
      for turn in $(seq 1000); do [ ! -e "$1" ] || exit 3; sleep 0.01; done`;
    const file = path.join(await mkdtemp(path.join(tmpdir(), 'sluice-coprocess-')), 'go');
    onTestFinished(async () => await rm(path.dirname(file), { recursive: true }));
    const own = createCoprocess(['sh', '-c', script, 'sh', file], { isAhead: true, doneAt: ' done\n' });
    onTestFinished(own.close);
    expect(await own.run('slow\n', 5_000)).toMatchObject({ exitCode: 0, stderr: 'slow done\n' });
    // Written to a shell that goes, as the one before it failed at its end.
    const why = 'the program before it failed';
    const next = own.run('next\n', 5_000).catch((error: unknown) => error);
    await writeFile(file, '');
    expect(await next).toMatchObject({ code: 'failed', why });
    for (const word of ['one', 'two', 'three']) {
      expect(await own.run(`${word}\n`, 5_000)).toMatchObject({ exitCode: 0, stderr: `${word} done\n` });
    }
  });

  it('ends with its owner', async () => {
    const file = path.join(await mkdtemp(path.join(tmpdir(), 'sluice-coprocess-')), 'pid');
    onTestFinished(async () => await rm(path.dirname(file), { recursive: true }));
    const own = open(`echo $$ >'${file}'; cat`, { isAhead: true });
    await own.run('', 5_000);
    const pid = (): string => readFileSync(file, 'utf8').trim();
    const first = pid();
    await waitUntil(() => !['', first].includes(pid()), { what: 'the next', timeoutMs: 5_000 });
    own.close();
    const next = pid();
    expect(next).not.toBe(first);
    await waitUntil(() => !existsSync(`/proc/${next}`), { what: 'its end', timeoutMs: 5_000 });
  });
});
