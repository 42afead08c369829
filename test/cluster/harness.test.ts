import { existsSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { startChild } from '../../src/dev/child.ts';
import { processesInside } from '../../src/host/netns.ts';
import { waitUntil } from '../../src/host/wait.ts';
import { startLab, type Lab } from './harness/lab.ts';
import { programArgv } from './harness/programs.ts';
import { useLab } from './harness/use-lab.ts';

const PORT = 8080;
const CURL = ['curl', '-sS', '--max-time', '10'];
/** What curl's exit codes mean. */
const TIMED_OUT = 'curl 28';
const REFUSED = 'curl 7';

async function serve(lab: Lab, i: number): Promise<void> {
  const { address, start } = lab.node(i);
  const server = await start([...programArgv('instance'), `on-${i}`, address, String(PORT)]);
  await server.waitForOutput(/^listening/);
}

/** What node `from` hears from the instance on node `to`. */
async function ask(lab: Lab, from: number, to: number, path = '/'): Promise<string> {
  const url = `http://${lab.node(to).address}:${PORT}${path}`;
  const { stdout, exitCode } = await lab.node(from).run([...CURL, url]);
  return exitCode === 0 ? stdout.trim() : `curl ${exitCode}`;
}

/** The same where no answer may come. */
async function askInVain(lab: Lab, from: number, to: number): Promise<string> {
  const url = `http://${lab.node(to).address}:${PORT}/`;
  return `curl ${(await lab.node(from).run(['curl', '-sS', '--max-time', '1', url])).exitCode}`;
}

/** Datagrams that the instance on node 2 has received, as told to node 1. */
async function datagrams(lab: Lab): Promise<number> {
  const stats: unknown = JSON.parse(await ask(lab, 1, 2, '/stats'));
  return typeof stats === 'object' && stats !== null && 'datagrams' in stats ? Number(stats.datagrams) : NaN;
}

async function sendDatagrams(lab: Lab, count: number): Promise<void> {
  const loop = `for i in $(seq ${count}); do echo $i > /dev/udp/10.77.0.2/${PORT}; done`;
  const { exitCode } = await lab.node(3).run(['bash', '-c', loop]);
  expect(exitCode).toBe(0);
}

describe('a lab of three nodes and a client', () => {
  const lab = useLab({ nodes: 3, clients: 1 });

  it('carries traffic between nodes, and from the client through node 1', async () => {
    await serve(lab(), 2);
    expect(await ask(lab(), 3, 2)).toBe('on-2');
    const { stdout } = await lab()
      .client(1)
      .run([...CURL, `http://10.77.0.2:${PORT}/`]);
    expect(stdout).toBe('on-2\n');
  });

  it('carries IPv6 as well', async () => {
    const { start, address6 } = lab().node(2);
    const server = await start([...programArgv('instance'), 'six', address6, String(PORT)]);
    await server.waitForOutput(/^listening/);
    const { stdout } = await lab()
      .client(1)
      .run([...CURL, `http://[${address6}]:${PORT}/`]);
    expect(stdout).toBe('six\n');
    await server.stop();
  });

  it('cuts two nodes from each other, not from the third, and heals', async () => {
    await lab().cut(3, 2);
    expect(await Promise.all([askInVain(lab(), 3, 2), ask(lab(), 1, 2)])).toEqual([TIMED_OUT, 'on-2']);
    await lab().heal();
    expect(await ask(lab(), 3, 2)).toBe('on-2');
  });

  it('cuts one way only', async () => {
    const before = await datagrams(lab());
    await lab().cut1(3, 2);
    await sendDatagrams(lab(), 5);
    await lab().heal();
    await lab().cut1(2, 3);
    await sendDatagrams(lab(), 1);
    await waitUntil(async () => (await datagrams(lab())) === before + 1, {
      what: 'one datagram',
      timeoutMs: 5000,
    });
    expect(await askInVain(lab(), 3, 2)).toBe(TIMED_OUT);
    await lab().heal();
  });

  it('loses about the asked share of packets', async () => {
    const before = await datagrams(lab());
    await lab().loss(3, 50);
    await sendDatagrams(lab(), 200);
    await lab().heal();
    // 100 are expected; 50 more or less are 7 standard deviations.
    await waitUntil(async () => (await datagrams(lab())) >= before + 50, {
      what: '50 datagrams',
      timeoutMs: 5000,
    });
    expect((await datagrams(lab())) - before).toBeLessThan(150);
  });

  it('isolates a node from all', async () => {
    await lab().isolate(2);
    expect(await Promise.all([askInVain(lab(), 1, 2), askInVain(lab(), 3, 2)])).toEqual([
      TIMED_OUT,
      TIMED_OUT,
    ]);
    await lab().heal();
    expect(await ask(lab(), 1, 2)).toBe('on-2');
  });

  it('pauses and resumes a process', async () => {
    const { address, start } = lab().node(3);
    const server = await start([...programArgv('instance'), 'on-3', address, String(PORT)]);
    await server.waitForOutput(/^listening/);
    server.signal('SIGSTOP');
    expect(await askInVain(lab(), 1, 3)).toBe(TIMED_OUT);
    server.signal('SIGCONT');
    expect(await ask(lab(), 1, 3)).toBe('on-3');
    expect(await server.stop()).toEqual({ exitCode: null, signal: 'SIGKILL' });
    expect(await ask(lab(), 1, 3)).toBe(REFUSED);
  });

  it('loses the power of a node without a word to its peers', async () => {
    await lab().powerOff(2);
    expect(processesInside([lab().node(2).ns.inode])).toEqual([lab().node(2).ns.pid]);
    expect(await askInVain(lab(), 1, 2)).toBe(TIMED_OUT);
    await lab().powerOn(2);
    expect(await ask(lab(), 1, 2)).toBe(REFUSED);
    await serve(lab(), 2);
    expect(await ask(lab(), 1, 2)).toBe('on-2');
  });
});

describe('labs', () => {
  it('stand side by side with ten nodes each and the same addresses', async () => {
    const labs = await Promise.all([startLab({ nodes: 10, etcd: 1 }), startLab({ nodes: 10, etcd: 1 })]);
    try {
      const [a, b] = labs;
      await serve(a, 10);
      expect(await ask(a, 1, 10)).toBe('on-10');
      expect(await ask(b, 1, 10)).toBe(REFUSED);
    } finally {
      await Promise.all(labs.map(async (lab) => await lab.close()));
    }
  });

  it('leave nothing behind', async () => {
    const lab = await startLab({ nodes: 2, etcd: 1, clients: 1 });
    const inodes = [...lab.nodes, ...lab.clients].map(({ ns }) => ns.inode);
    await lab.node(1).start(['sh', '-c', 'setsid sleep 600 & sleep 600']);
    expect(processesInside(inodes).length).toBeGreaterThan(3);
    await lab.close();
    await lab.close();
    expect(processesInside(inodes)).toEqual([]);
    expect(existsSync(lab.folder)).toBe(false);
  });

  it('end with the process that made them, however it dies', async () => {
    const maker = await startChild({ argv: programArgv('lab') });
    const [, inodes = ''] = await maker.waitForOutput(/^up (.*)\n/, 20_000);
    expect(processesInside(inodes.split(' ')).length).toBeGreaterThan(2);
    await maker.stop('SIGKILL');
    await waitUntil(() => processesInside(inodes.split(' ')).length === 0, {
      what: 'the end of a lab',
      timeoutMs: 5000,
    });
    expect(processesInside(inodes.split(' '))).toEqual([]);
  });
});
