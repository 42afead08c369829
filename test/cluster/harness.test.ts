import { afterAll, describe, expect, it } from 'vitest';
import { existsSync, readdirSync } from 'node:fs';
import { processesInside } from '../../src/host/netns.ts';
import { waitUntil } from '../../src/host/wait.ts';
import { startLab, type Lab } from './harness/lab.ts';
import { programArgv } from './harness/programs.ts';
import { useLab } from './harness/use-lab.ts';

const SECONDS = ['--max-time', '1', '-sS'];

/** Starts an instance on node i and gives a question from another machine to it. */
async function serve(lab: Lab, i: number, port: number): Promise<void> {
  const { address, start } = lab.node(i);
  const server = await start([...programArgv('instance'), `on-${i}`, address, String(port)]);
  await server.waitForOutput(/^listening/);
}

async function ask(lab: Lab, from: number, to: number): Promise<string> {
  const url = `http://${lab.node(to).address}:8080/`;
  const { stdout, exitCode } = await lab.node(from).run(['curl', ...SECONDS, url]);
  return exitCode === 0 ? stdout.trim() : `curl ${exitCode}`;
}

describe('a lab of three nodes', () => {
  const lab = useLab({ nodes: 3, clients: 1 });

  it('carries traffic between nodes, and from the client through node 1', async () => {
    await serve(lab(), 2, 8080);
    expect(await ask(lab(), 3, 2)).toBe('on-2');
    const { stdout } = await lab()
      .client(1)
      .run(['curl', ...SECONDS, 'http://10.77.0.2:8080/']);
    expect(stdout).toBe('on-2\n');
  });

  it('carries IPv6 as well', async () => {
    const { start, address6 } = lab().node(2);
    const server = await start([...programArgv('instance'), 'six', address6, '8086']);
    await server.waitForOutput(/^listening/);
    const { stdout } = await lab()
      .client(1)
      .run(['curl', ...SECONDS, `http://[${address6}]:8086/`]);
    expect(stdout).toBe('six\n');
  });

  it('cuts two nodes from each other and heals', async () => {
    await lab().cut(3, 2);
    expect(await ask(lab(), 3, 2)).toBe('curl 28');
    expect(await ask(lab(), 1, 2)).toBe('on-2');
    await lab().heal();
    expect(await ask(lab(), 3, 2)).toBe('on-2');
  });

  it('cuts one way', async () => {
    const received = async (): Promise<number> => {
      const { stdout } = await lab().node(2).run(['cat', '/proc/net/snmp']);
      return Number(/^Tcp:(?: \S+){9} (\d+)/m.exec(stdout.split('Tcp:').slice(2).join('Tcp: x'))?.[1] ?? 0);
    };
    await lab().cut1(2, 3);
    const before = await received();
    expect(await ask(lab(), 3, 2)).toBe('curl 28');
    expect(await received()).toBeGreaterThanOrEqual(before);
    await lab().heal();
  });

  it('isolates a node', async () => {
    await lab().isolate(2);
    expect(await ask(lab(), 1, 2)).toBe('curl 28');
    await lab().heal();
    expect(await ask(lab(), 1, 2)).toBe('on-2');
  });

  it('loses packets at random', async () => {
    await lab().loss(2, 50);
    const { stdout } = await lab().node(1).run(['sh', '-c', 'cat /proc/net/snmp']);
    expect(stdout).toContain('Tcp:');
    await lab().heal();
  });
});
