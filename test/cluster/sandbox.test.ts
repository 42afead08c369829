import { readFileSync, readdirSync, readlinkSync } from 'node:fs';
import { expect, it } from 'vitest';
import { startChild } from '../../src/dev/child.ts';
import { checkSandbox, sandboxArgv } from '../../src/dev/sandbox.ts';
import { exec } from '../../src/host/exec.ts';
import { waitUntil } from '../../src/host/wait.ts';
import { programArgv } from './harness/programs.ts';

// Tests run as root of some user namespace, where making another one is what an ordinary user does.
const KINDS = [
  { who: 'root', isRoot: true },
  { who: 'an ordinary user', isRoot: false },
] as const;

/** Command lines of all processes, words ended by NUL. */
function commandLines(): readonly string[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map((pid) => {
      try {
        return readFileSync(`/proc/${pid}/cmdline`, 'latin1');
      } catch {
        return ''; // gone meanwhile
      }
    });
}

it.each(KINDS)('a sandbox of $who is allowed here', async ({ isRoot }) => {
  await expect(checkSandbox(exec, isRoot)).resolves.toBeUndefined();
});

it.each(KINDS)(
  'a sandbox of $who sees loopback only, its own processes only, and is root',
  async ({ isRoot }) => {
    const script =
      'ip -br link | cut -d" " -f1; readlink /proc/self/ns/net; id -u; ls -d /proc/[0-9]* | wc -l; exit 7';
    const [file = '', ...args] = sandboxArgv(['sh', '-c', script], isRoot);
    const { stdout, exitCode } = await exec(file, args);
    const [link, net, uid, processes, ...rest] = stdout.trim().split('\n');
    expect({ link, uid, rest, exitCode }).toEqual({ link: 'lo', uid: '0', rest: [], exitCode: 7 });
    expect(net).not.toBe(readlinkSync('/proc/self/ns/net'));
    expect(Number(processes)).toBeLessThan(8);
  },
);

it.each(KINDS)('a program in a sandbox of $who gets SIGTERM and its exit code counts', async ({ isRoot }) => {
  const script = 'trap "echo bye; exit 5" TERM; echo ready; while :; do sleep 0.05; done';
  const runner = await startChild({ argv: [...programArgv('sandbox'), String(isRoot), 'sh', '-c', script] });
  await runner.waitForOutput(/^ready/);
  const { exitCode } = await runner.stop('SIGTERM', 10_000);
  expect({ exitCode, stdout: runner.stdout() }).toEqual({ exitCode: 5, stdout: 'ready\nbye\n' });
});

it.each(KINDS)('all in a sandbox of $who dies with the program that opened it', async ({ isRoot }) => {
  const mark = `6${process.pid}${isRoot ? 1 : 2}`;
  const runner = await startChild({
    argv: [...programArgv('sandbox'), String(isRoot), 'sh', '-c', `echo ready; exec sleep ${mark}`],
  });
  await runner.waitForOutput(/^ready/);
  const alive = (): boolean => commandLines().includes(`sleep\0${mark}\0`);
  await waitUntil(alive, { what: 'the sleeper', timeoutMs: 5000 });
  await runner.stop('SIGKILL');
  await waitUntil(() => !alive(), { what: 'the end of a sandbox', timeoutMs: 5000 });
  expect(alive()).toBe(false);
});
