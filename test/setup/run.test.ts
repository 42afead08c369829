import { describe, expect, it } from 'vitest';
import { run, runInForeground } from '../../bin/setup/run.js';

describe('running a program for the set-up', () => {
  it('gives its exit code and both streams', async () => {
    const finished = await run(['sh', '-c', 'echo out; echo err >&2; exit 3']);
    expect(finished).toEqual({ exitCode: 3, stdout: 'out\n', stderr: 'err\n' });
  });

  it('gives 127 where it is not there', async () => {
    expect((await run(['/no/such/program'])).exitCode).toBe(127);
    expect(await runInForeground(['/no/such/program'])).toBe(127);
  });

  it.each([
    ['INT', 130],
    ['TERM', 143],
    ['KILL', 137],
  ])('gives the code of SIG%s', async (signal, exitCode) => {
    expect((await run(['sh', '-c', `kill -${signal} $$`])).exitCode).toBe(exitCode);
  });

  it('takes no listener of signals along', async () => {
    const before = process.listenerCount('SIGTERM');
    expect(await runInForeground(['true'])).toBe(0);
    expect(process.listenerCount('SIGTERM')).toBe(before);
  });
});
