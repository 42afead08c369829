import { describe, expect, it } from 'vitest';
import { createRepeatedExec } from '../../src/host/repeated-exec.ts';

describe('running programs again and again', () => {
  it('gives output and exit code each time, of each program its own', async () => {
    const { exec, close } = createRepeatedExec();
    for (const [code, text] of [
      [0, 'one'],
      [3, 'two'],
    ] as const) {
      const script = `echo ${text}; exit ${code}`;
      for (let times = 0; times < 3; times += 1) {
        expect(await exec('sh', ['-c', script])).toMatchObject({ exitCode: code, stdout: `${text}\n` });
      }
    }
    close();
  });

  it('says by 127 that a program is not there', async () => {
    const { exec, close } = createRepeatedExec();
    expect((await exec('sluice-no-such-program', [])).exitCode).toBe(127);
    close();
  });

  it('gives up on one that hangs, and starts anew', async () => {
    const { exec, close } = createRepeatedExec();
    await expect(exec('sleep', ['30'], { timeoutMs: 50 })).rejects.toThrow(/sleep did not answer/);
    await expect(exec('sleep', ['30'], { timeoutMs: 50 })).rejects.toThrow(/sleep did not answer/);
    close();
  });
});
