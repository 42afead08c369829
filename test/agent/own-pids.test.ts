import { describe, expect, it } from 'vitest';
import { rememberPids } from '../../src/agent/own-pids.ts';
import type { Pipe } from '../../src/host/pipe.ts';

describe('programs of our own', () => {
  it('are known by pid: a program that stays for as long as it runs, of others the last', async () => {
    const ends: (() => void)[] = [];
    const pipe: Pipe = {
      pid: 7,
      write: () => {},
      onStderr: () => {},
      onEnd: (listener) => {
        ends.push(listener);
      },
      kill: () => {},
    };
    let pid = 100;
    const own = rememberPids(
      async (_file, _args, options) => {
        options?.onPid?.(pid);
        return { exitCode: 0, stdout: '', stderr: '' };
      },
      () => pipe,
    );
    const runMany = async (): Promise<void> => {
      for (const last = pid + 100; pid < last; pid += 1) await own.exec('true', []);
    };
    expect(own.openPipe('nft', ['-i'])).toBe(pipe);
    await runMany();
    expect([own.has(7), own.has(199), own.has(100), own.has(8)]).toEqual([true, true, false, false]);
    for (const end of ends) end();
    expect(own.has(7)).toBe(true);
    await runMany();
    expect(own.has(7)).toBe(false);
  });
});
