import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { holdProcess } from '../../src/host/held-process.ts';
import { readProcStat } from '../../src/host/proc-stat.ts';
import { waitUntil } from '../../src/host/wait.ts';

const descriptors = (): number => readdirSync('/proc/self/fd').length;

describe('a process that is held', () => {
  it('tells its state until it has ended, whatever its name is', async () => {
    // Ended, it stays a zombie: its parent becomes a program that never asks.
    const child = `perl -e '$0 = ") Z ("; $| = 1; print $$; sleep 1000'`;
    const shell = spawn('sh', ['-c', `${child} & exec sleep 1000`], { stdio: ['ignore', 'pipe', 'inherit'] });
    try {
      const [said] = await once(shell.stdout, 'data');
      const pid = Number(String(said));
      expect(readFileSync(`/proc/${pid}/comm`, 'utf8')).toBe(') Z (\n');
      const before = descriptors();
      const held = holdProcess(pid, readProcStat(pid)?.startTicks ?? '');
      const becomes = async (state: string | undefined): Promise<void> =>
        void (await waitUntil(() => held?.state() === state, { what: `state ${state}`, timeoutMs: 10_000 }));
      await becomes('S');
      process.kill(pid, 'SIGSTOP');
      await becomes('T');
      process.kill(pid, 'SIGKILL');
      await becomes(undefined);
      expect(readProcStat(pid)?.state).toBe('Z');
      held?.close();
      expect(descriptors()).toBe(before);
    } finally {
      shell.kill('SIGKILL');
    }
  });

  it('is that very one: another of its pid, or none, is not held', () => {
    const before = descriptors();
    expect(holdProcess(process.pid, '1')).toBeUndefined();
    expect(holdProcess(2 ** 22 + 1, '1')).toBeUndefined();
    expect(descriptors()).toBe(before);
  });
});
