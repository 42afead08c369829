import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Child } from '../../src/dev/child.ts';
import { waitUntil } from '../../src/host/wait.ts';
import type { ServiceSpec } from '../../src/model/service.ts';
import { waitConverged } from '../../src/ops/converge.ts';
import { publish } from '../../src/ops/publish.ts';
import { unpublish } from '../../src/ops/unpublish.ts';
import { type LabStore, openLabStore, startAgent } from './harness/control.ts';
import { programArgv } from './harness/programs.ts';
import { useLab } from './harness/use-lab.ts';

const IP = '10.96.0.10';

/** Sends a datagram to ARGS (IP PORT) from one and the same port and prints the answer, the error or `silence`. */
const UDP = `const u = require('node:dgram').createSocket({ type: 'udp4', reuseAddr: true });
  const say = (text) => { console.log(text); process.exit(); };
  setTimeout(() => say('silence'), 700);
  u.on('error', (e) => say(e.code)); u.on('message', (m) => say(String(m)));
  u.bind(40000, () => u.connect(+process.argv[2], process.argv[1], () => u.send('?')));`;

/** Holds a connection to ARGS and prints how it ends. */
const TCP = `const s = require('node:net').connect(+process.argv[2], process.argv[1], () => { s.write('x'); setInterval(() => s.write('x'), 50); });
  s.once('data', () => console.log('held')); s.on('data', () => {}); s.on('error', (e) => { console.log(e.code); process.exit(); });`;

describe('connections to what is gone', () => {
  const lab = useLab({ nodes: 2, etcd: 1 });
  let control: LabStore;
  let agent: Child;

  const spec = (instances: readonly (readonly [port: number, weight: number])[]): ServiceSpec => ({
    name: 'dns',
    entries: [
      { ip: IP, port: 53, protocol: 'tcp' },
      { ip: IP, port: 53, protocol: 'udp' },
    ],
    instances: instances.map(([port, weight]) => ({ ip: lab().node(2).address, port, weight })),
    masquerade: false,
  });
  const converge = async (revision: number): Promise<void> => {
    expect(await waitConverged(control.deps, revision, { timeoutMs: 30_000 })).toMatchObject({
      outcome: 'converged',
    });
  };
  const put = async (...instances: readonly (readonly [number, number])[]): Promise<void> => {
    const report = await publish(control.deps, [spec(instances)]);
    expect(report.failures).toEqual([]);
    await converge(report.revision);
  };
  const ask = async (): Promise<string> =>
    (await lab().node(1).run([process.execPath, '-e', UDP, IP, '53'])).stdout.trim();
  /** Forgetting follows the acknowledgement by some milliseconds. */
  const answers = async (pattern: RegExp): Promise<void> => {
    let answer = '';
    const fits = async (): Promise<boolean> => {
      answer = await ask();
      return pattern.test(answer);
    };
    await waitUntil(fits, {
      what: `a datagram from the same port to be answered ${pattern.source}`,
      timeoutMs: 10_000,
      facts: () => agent.stderr().slice(-2000),
    });
    expect(answer).toMatch(pattern);
  };
  const hold = async (): Promise<Child> => {
    const child = await lab().node(1).start([process.execPath, '-e', TCP, IP, '53']);
    await child.waitForOutput(/held/);
    return child;
  };

  beforeAll(async () => {
    control = await openLabStore(lab());
    for (const i of [1, 2, 3]) {
      const server = await lab()
        .node(2)
        .start([...programArgv('instance'), `i${i}`, lab().node(2).address, `808${i}`]);
      await server.waitForOutput(/^listening/);
    }
    agent = await startAgent(lab(), lab().node(1));
  });
  afterAll(async () => {
    await agent.stop('SIGTERM');
    await control.close();
  });

  it('datagrams from one source port: served, moved with a replaced instance, refused, served again, moved on weight 0', async () => {
    await put([8081, 1]);
    await answers(/^i1 /);
    await put([8082, 1]);
    await answers(/^i2 /);
    await put();
    await answers(/^ECONNREFUSED$/);
    await put([8083, 1]);
    await answers(/^i3 /);
    await put([8083, 0], [8081, 1]);
    await answers(/^i1 /);
    expect(agent.stderr()).toContain('stale connections forgotten');
  });

  it('datagrams that were sent before there was an entry reach it when there is one', async () => {
    const gone = await unpublish(control.deps, ['dns']);
    expect(gone.failures).toEqual([]);
    await converge(gone.revision);
    expect(await ask()).not.toMatch(/^i/);
    await put([8082, 1]);
    await answers(/^i2 /);
  });

  it('a TCP connection goes on while its instance drains, and is reset when it is removed', async () => {
    await put([8081, 1]);
    const held = await hold();
    await put([8081, 0], [8082, 1]);
    const other = await hold();
    expect(held.running()).toBe(true);
    await put([8082, 1]);
    await held.waitForOutput(/ECONNRESET/, 20_000);
    expect(other.running()).toBe(true);
    await other.stop();
  });

  it('a TCP connection ends when its instance was removed while the agent was away', async () => {
    await put([8081, 1]);
    const held = await hold();
    await agent.stop('SIGKILL');
    const report = await publish(control.deps, [spec([[8082, 1]])]);
    agent = await startAgent(lab(), lab().node(1));
    await converge(report.revision);
    expect(await held.waitForOutput(/ECONNRESET/, 20_000)).not.toBeNull();
  });

  it('nothing of a service is remembered after it is deleted', async () => {
    await put([8081, 1]);
    await answers(/^i1 /);
    const report = await unpublish(control.deps, ['dns']);
    await converge(report.revision);
    await waitUntil(
      async () => !(await lab().node(1).run(['conntrack', '-L', '-p', 'udp'])).stdout.includes(`dst=${IP} `),
      {
        what: 'the connections to be forgotten',
        timeoutMs: 10_000,
      },
    );
    expect(await ask()).not.toMatch(/^i/);
  });
});
