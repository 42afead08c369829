import { describe, expect, it } from 'vitest';
import { type Exec, exec } from '../../src/host/exec.ts';
import { leanExec } from '../../src/host/lean-exec.ts';

const IMPLEMENTATIONS: readonly (readonly [name: string, run: Exec])[] = [
  ['exec', exec],
  ['leanExec', leanExec],
];

describe.each(IMPLEMENTATIONS)('%s', (_, run) => {
  it('gives exit code and output of both streams, as they are', async () => {
    const result = await run('sh', ['-c', 'printf out; printf "err\\n" >&2; exit 3']);
    expect(result).toEqual({ exitCode: 3, stdout: 'out', stderr: 'err\n' });
  });

  it('feeds the input, and survives a program that does not read it', async () => {
    expect(await run('cat', [], { input: 'a\nb\n' })).toEqual({ exitCode: 0, stdout: 'a\nb\n', stderr: '' });
    expect(await run('true', [], { input: 'x'.repeat(1_000_000) })).toMatchObject({ exitCode: 0 });
  });

  it('gives an empty input where none is said, so that nothing waits for a keyboard', async () => {
    expect(await run('cat', [])).toEqual({ exitCode: 0, stdout: '', stderr: '' });
  });

  it('passes arguments without a shell', async () => {
    const { stdout } = await run('printf', ['%s|%s', '$(id)', '; ls']);
    expect(stdout).toBe('$(id)|; ls');
  });

  it('runs in the C locale, with the environment and what is added to it', async () => {
    const { stdout } = await run('sh', ['-c', 'echo "$LC_ALL $EXTRA $PATH"'], { env: { EXTRA: 'x' } });
    expect(stdout).toBe(`C x ${process.env['PATH']}\n`);
  });

  it('keeps characters whole that arrive in two pieces', async () => {
    const { stdout } = await run('sh', ['-c', String.raw`printf '\303'; sleep 0.05; printf '\244'`]);
    expect(stdout).toBe('ä');
  });

  it('ends a program that runs too long, and one that prints too much', async () => {
    await expect(run('sleep', ['30'], { timeoutMs: 50 })).rejects.toMatchObject({
      code: 'failed',
      message: 'sleep ran longer than 50 ms',
    });
    await expect(run('cat', ['/dev/zero'], { maxBytes: 1_000 })).rejects.toMatchObject({
      code: 'failed',
      message: 'cat printed too much',
    });
  });

  it('says what to install for a program that is not there', async () => {
    await expect(run('sluice-no-such-program', [])).rejects.toMatchObject({
      code: 'config',
      details: { program: 'sluice-no-such-program' },
    });
  });

  it('takes a program that was killed for no result', async () => {
    await expect(run('sh', ['-c', 'kill -9 $$'])).rejects.toMatchObject({
      code: 'failed',
      message: 'sh did not run to its end',
    });
  });
});
