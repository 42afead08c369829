import { readlinkSync } from 'node:fs';
import { afterEach, describe, expect, it } from 'vitest';
import { SluiceError } from '../../src/errors.ts';
import { startChild } from '../../src/dev/child.ts';
import { cableLine, ipBatch, openNetns, processesInside, type Netns } from '../../src/host/netns.ts';

describe('a network namespace', () => {
  const opened: Netns[] = [];
  const open = async (sysctls: Readonly<Record<string, string>> = {}): Promise<Netns> => {
    const ns = await openNetns({ sysctls });
    opened.push(ns);
    return ns;
  };
  afterEach(async () => {
    await Promise.all(opened.splice(0).map(async (ns) => await ns.close()));
  });

  it('is not our own, and has loopback up and nothing else', async () => {
    const ns = await open();
    expect(ns.inode).not.toBe(readlinkSync('/proc/self/ns/net'));
    const { stdout } = await ns.exec('ip', ['-br', 'link']);
    expect(stdout).toMatch(/^lo +UNKNOWN [^\n]*<LOOPBACK,UP,LOWER_UP>[^\n]*\n$/);
  });

  it('has the settings that were asked for', async () => {
    const ns = await open({ 'ipv4/ip_forward': '1' });
    const { stdout } = await ns.exec('cat', ['/proc/sys/net/ipv4/ip_forward']);
    expect(stdout).toBe('1\n');
  });

  it('is refused with the words of the shell when a setting does not exist', async () => {
    await expect(openNetns({ sysctls: { 'ipv4/none_such': '1' } })).rejects.toSatisfy(
      (error) => error instanceof SluiceError && error.why?.includes('none_such') === true,
    );
  });

  it('is joined to another by a cable', async () => {
    const [a, b] = await Promise.all([open(), open()]);
    await ipBatch(a, [
      cableLine({ ns: a, name: 'left' }, { ns: b, name: 'right' }),
      'addr add 10.1.1.1/24 dev left',
      'link set left up',
    ]);
    const { stdout } = await b.exec('ip', ['-br', 'link', 'show', 'right']);
    expect(stdout).toMatch(/^right@if\d+ +DOWN/);
    await expect(ipBatch(a, ['link set nothing up'])).rejects.toMatchObject({ code: 'failed' });
  });

  it('gives 126 or 127 for a program that cannot be run', async () => {
    const ns = await open();
    const { exitCode } = await ns.exec('no-such-program', []);
    expect([126, 127]).toContain(exitCode); // 126 if a folder of PATH may not be read
  });

  it('kills all inside when it is closed', async () => {
    const ns = await open();
    const child = await startChild({ argv: ['sleep', '600'], ns });
    expect(processesInside([ns.inode]).toSorted((x, y) => x - y)).toEqual(
      [ns.pid, child.pid].toSorted((x, y) => x - y),
    );
    await ns.close();
    expect(await child.exited).toEqual({ exitCode: null, signal: 'SIGKILL' });
    expect(processesInside([ns.inode])).toEqual([]);
  });
});
