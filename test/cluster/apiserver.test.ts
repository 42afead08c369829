/** API servers as processes: agents and commands through them with tokens and certificates, servers killed and stopped, what is refused. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Child } from '../../src/dev/child.ts';
import { waitUntil } from '../../src/host/wait.ts';
import { type Certificates, makeCertificates } from '../harness/certificates.ts';
import { call } from './calls.ts';
import { sluice, startAgent } from './harness/control.ts';
import { SLUICE } from './harness/program.ts';
import { useLab } from './harness/use-lab.ts';

describe('two API servers between two nodes and etcd', () => {
  const lab = useLab({ nodes: 2, etcd: 1 });
  let folder = '';
  let certificates: Certificates;
  const servers: Child[] = [];
  const urls = (): string => [1, 2].map((at) => `https://${lab().node(at).address}:7070`).join(',');
  const file = (name: string): string => join(folder, `${name}.token`);
  const through = (token: string): readonly string[] => [
    '--server',
    urls(),
    '--cacert',
    certificates.cacert,
    '--token-file',
    file(token),
  ];
  const run = (...argv: readonly string[]) => sluice(lab(), lab().node(1), argv);

  const startServer = async (at: number): Promise<Child> => {
    const node = lab().node(at);
    const { cert, key } = certificates.server;
    const tls = ['--tls-cert', cert, '--tls-key', key, '--client-ca', certificates.cacert];
    const flags = ['--listen', `${node.address}:7070`, ...tls, '--endpoints', lab().etcd().endpoints];
    const server = await node.start([...SLUICE, 'apiserver', '--log-format', 'text', ...flags]);
    await waitUntil(() => server.stderr().includes('ready') || !server.running(), {
      what: 'the API server to be ready',
      timeoutMs: 30_000,
      facts: server.stderr,
    });
    return server;
  };
  const publish = (...instances: readonly string[]) => {
    const flags = instances.flatMap((instance) => ['--instance', instance]);
    return run('publish', 'web', '--entry', '10.96.0.10:80', ...flags, '--replace', ...through('operator'));
  };

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'sluice-api-'));
    const ips = [1, 2].map((at) => lab().node(at).address);
    certificates = await makeCertificates(folder, 'operator:ci', ips);
    const [n1, n2] = [lab().node(1).name, lab().node(2).name];
    for (const [role, name] of [
      ['operator', 'ann'],
      ['node', n1],
      ['node', n2],
    ] as const) {
      const out = file(role === 'node' ? name : role);
      await run('token', 'create', '--role', role, '--name', name, '--out', out);
    }
    servers.push(...(await Promise.all([startServer(1), startServer(2)])));
    await Promise.all(
      [1, 2].map((at) => startAgent(lab(), lab().node(at), { store: through(lab().node(at).name) })),
    );
  });
  afterAll(async () => {
    await rm(folder, { recursive: true, force: true });
  });

  it('carry a publish to both kernels, and the audit record says whose token it was', async () => {
    const done = await publish(`${lab().node(2).address}:8081`);
    expect(done).toMatchObject({ exitCode: 0, stderr: expect.stringContaining('converged on 2/2 nodes') });
    expect(await call(lab().node(1), { protocol: 'tcp', ip: '10.96.0.10' })).not.toBe('silence');
    const shown = await run('describe', 'web', '-o', 'json', ...through('operator'));
    expect(shown.stdout).toContain('"actor": "ann"');
  });

  it('let a node write what is its own only, and strangers nothing', async () => {
    const name = lab().node(1).name;
    const asNode = await run('unpublish', 'web', '--yes', ...through(name));
    expect(asNode).toMatchObject({ exitCode: 77, stderr: expect.stringContaining(`node ${name} may not`) });
    const asNobody = await run('list', '--server', urls(), '--cacert', certificates.cacert);
    expect(asNobody).toMatchObject({ exitCode: 77, stderr: expect.stringContaining('--token-file') });
    const both = await run('list', ...through(name), '--endpoints', lab().etcd().endpoints);
    expect(both).toMatchObject({ exitCode: 78, stderr: expect.stringContaining('exclude each other') });
  });

  it('take a client certificate for a token', async () => {
    const { cert, key } = certificates.client;
    const flags = ['--server', urls(), '--cacert', certificates.cacert, '--cert', cert, '--key', key];
    expect(await run('list', '-o', 'name', ...flags)).toMatchObject({ exitCode: 0, stdout: 'service/web\n' });
  });

  it('serve the REST API: a publish by curl through one is in both kernels, and read at once through the other', async () => {
    const { cert, key } = certificates.client;
    const curl = async (at: number, ...words: readonly string[]): Promise<unknown> => {
      const tls = ['--cacert', certificates.cacert, '--cert', cert, '--key', key];
      const url = `https://${lab().node(at).address}:7070/v1/services/rest?consistent=true`;
      const target = words.length === 0 ? url : url.replace(/\?.*/, '');
      const { stdout } = await lab()
        .node(1)
        .run(['curl', '-sS', '--max-time', '10', ...tls, ...words, target]);
      return JSON.parse(stdout);
    };
    const instance = `${lab().node(2).address}:8081`;
    const spec = { kind: 'Service', name: 'rest', entries: ['10.96.0.11:80'], instances: [instance] };
    const type = 'Content-Type: application/json';
    const published = await curl(1, '-X', 'PUT', '-H', type, '-d', JSON.stringify(spec));
    expect(published).toMatchObject({ kind: 'ChangeList', items: [{ outcome: 'created' }] });
    const lastChange = { actor: 'ci', command: 'PUT /v1/services/rest' };
    expect(await curl(2)).toMatchObject({ items: [{ service: { name: 'rest' }, lastChange }] });
    const waited = await run('wait', 'rest', '--for', 'converged', ...through('operator'));
    expect(waited.exitCode).toBe(0);
    expect(await call(lab().node(1), { protocol: 'tcp', ip: '10.96.0.11' })).not.toBe('silence');
  });

  it('stand in for each other: one is killed, the agents follow the other', async () => {
    await servers[0]?.stop('SIGKILL');
    const done = await publish(`${lab().node(2).address}:8081`, `${lab().node(2).address}:8082`);
    expect(done).toMatchObject({ exitCode: 0, stderr: expect.stringContaining('converged on 2/2 nodes') });
    servers[0] = await startServer(1);
  });

  it('stop within 5 s of SIGTERM with watches open; then commands say 69 and traffic goes on', async () => {
    for (const server of servers) {
      const started = performance.now();
      await server.stop('SIGTERM');
      expect(performance.now() - started).toBeLessThan(5_000);
      expect(server.stderr()).not.toContain('bug');
    }
    expect(await run('list', ...through('operator'))).toMatchObject({ exitCode: 69 });
    expect(await call(lab().node(1), { protocol: 'tcp', ip: '10.96.0.10' })).not.toBe('silence');
    await startServer(2);
    // On a busy machine their leases may have run out meanwhile.
    const status = async (): Promise<string> =>
      (await run('status', '-o', 'json', ...through('operator'))).stdout;
    await waitUntil(async () => (await status()).includes('"reporting": 2') || undefined, {
      what: 'the agents to be live again',
      timeoutMs: 30_000,
    });
    const done = await publish(`${lab().node(2).address}:8083`);
    expect(done).toMatchObject({ exitCode: 0, stderr: expect.stringContaining('converged on 2/2 nodes') });
  });
});
