import { describe, expect, it, onTestFinished } from 'vitest';
import { type Coprocess, createCoprocess } from '../../src/host/coprocess.ts';

/** A coprocess of a shell script; its input is on stdin. */
function scripted(script: string): Coprocess {
  const coprocess = createCoprocess(['sh', '-c', script]);
  onTestFinished(coprocess.close);
  return coprocess;
}

describe('a coprocess', () => {
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
