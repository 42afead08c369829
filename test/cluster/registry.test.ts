/** The registry through to the rules: what registers over HTTP is reached through the entry on every node, what leaves is not any more. */
import { beforeAll, describe, expect, it } from 'vitest';
import { waitUntil } from '../../src/host/wait.ts';
import { type EurekaAnswer, instanceBody } from '../contract/registry-world.ts';
import { call } from './calls.ts';
import { sluice, startAgent } from './harness/control.ts';
import { SLUICE } from './harness/program.ts';
import { programArgv } from './harness/programs.ts';
import { useLab } from './harness/use-lab.ts';

/** Sends one request and prints status and body as JSON. */
const ASK = `const [method, url, body] = process.argv.slice(1);
  fetch(url, { method, ...(body === undefined ? {} : { body, headers: { 'content-type': 'application/json' } }) })
    .then(async (answer) => console.log(JSON.stringify({ status: answer.status, text: await answer.text() })));`;

const ENTRY = { protocol: 'tcp', ip: '10.96.0.10' } as const;

describe('a service that draws from the registry, on two nodes', () => {
  const lab = useLab({ nodes: 2, etcd: 1 });
  const url = (): string => `http://${lab().node(1).address}:7070/eureka/apps/WEB`;
  const ask = async (method: string, path: string, body?: unknown): Promise<EurekaAnswer['status']> => {
    const argv = [process.execPath, '-e', ASK, method, `${url()}${path}`];
    const text = body === undefined ? [] : [JSON.stringify(body)];
    const { stdout } = await lab()
      .node(2)
      .run([...argv, ...text], { timeoutMs: 20_000 });
    return Number(/"status":(\d+)/.exec(stdout)?.[1]);
  };
  const register = (port: number): Promise<number> =>
    ask(
      'POST',
      '',
      instanceBody('WEB', `web:${port}`, {
        ipAddr: lab().node(2).address,
        port: { $: port, '@enabled': 'true' },
      }),
    );
  /** Who answers at the entry, asked from both nodes. */
  const heard = async (): Promise<ReadonlySet<string>> =>
    new Set(
      (
        await Promise.all(
          [1, 2].map((at) => Promise.all([call(lab().node(at), ENTRY), call(lab().node(at), ENTRY)])),
        )
      ).flat(),
    );
  const untilHeard = async (what: string, holds: (names: ReadonlySet<string>) => boolean): Promise<void> => {
    await waitUntil(async () => holds(await heard()), { what, timeoutMs: 30_000 });
  };

  beforeAll(async () => {
    const node = lab().node(1);
    const flags = ['--listen', `${node.address}:7070`, '--insecure', '--anonymous', 'registry'];
    const server = await node.start([
      ...SLUICE,
      'apiserver',
      ...flags,
      '--endpoints',
      lab().etcd().endpoints,
    ]);
    await waitUntil(() => server.stderr().includes('ready') || !server.running(), {
      what: 'the API server to be ready',
      timeoutMs: 30_000,
      facts: server.stderr,
    });
    for (const port of [8081, 8082]) {
      const argv = [...programArgv('instance'), `i${port}`, lab().node(2).address, String(port)];
      const instance = await lab().node(2).start(argv);
      await instance.waitForOutput(/^listening/);
    }
    await Promise.all([1, 2].map((at) => startAgent(lab(), lab().node(at))));
  });

  it('reaches who registered, through the entry, on every node', async () => {
    const argv = ['publish', 'web', '--entry', '10.96.0.10:80', '--from-registry', 'web'];
    const done = await sluice(lab(), lab().node(1), argv);
    expect(done).toMatchObject({ exitCode: 0, stdout: 'service/web created\n' });
    expect([...(await heard())]).toEqual(['ECONNREFUSED']);
    expect(await register(8081)).toBe(204);
    await untilHeard('the first instance', (names) => !names.has('ECONNREFUSED') && names.size === 1);
    expect(await register(8082)).toBe(204);
    await untilHeard('both instances', (names) => names.size === 2);
    const shown = await sluice(lab(), lab().node(1), ['list', 'instances', '-o', 'json']);
    expect(shown.stdout).toContain('"origin": "registered"');
  });

  it('reaches none that left or is taken out of service', async () => {
    expect(await ask('PUT', '/web:8081/status?value=OUT_OF_SERVICE')).toBe(200);
    await untilHeard('only the second instance', (names) => names.size === 1);
    expect(await ask('DELETE', '/web:8082')).toBe(200);
    await untilHeard('nobody', (names) => names.size === 1 && names.has('ECONNREFUSED'));
  });
});
