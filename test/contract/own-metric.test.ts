/** Tests metrics of the admin's own on real programs and a real server. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import { tmpdir, userInfo } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openMetricReader, type OwnMetric } from '../../src/sampling/own-metric.ts';

const COMMON = { name: 'queue', target: 1, as: 'total', intervalSeconds: 10, timeoutSeconds: 2 } as const;
const NEVER = new AbortController().signal;

let folder = '';
let server: Server;
let port = 0;
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'sluice-metric-'));
  server = createServer((request, response) => {
    if (request.url === '/moved') response.writeHead(302, { location: '/' }).end();
    else if (request.url === '/bad') response.writeHead(500).end('7');
    else if (request.url === '/words') response.end('seven');
    else if (request.url === '/endless') response.write('1'.repeat(1_000));
    else if (request.url !== '/silent') response.end('7.5\n');
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  const address = server.address();
  port = typeof address === 'object' && address !== null ? address.port : 0;
});
afterAll(async () => {
  server.closeAllConnections();
  server.close();
  await rm(folder, { recursive: true });
});

const http = (where: string): OwnMetric => ({
  ...COMMON,
  kind: 'http',
  url: `http://127.0.0.1:${port}${where}`,
});
const exec = (...command: readonly string[]): OwnMetric => ({ ...COMMON, kind: 'exec', command });

async function policyOf(name: string, lines: readonly string[]): Promise<string> {
  const file = path.join(folder, name);
  await writeFile(file, `${lines.join('\n')}\n`, { mode: 0o600 });
  return file;
}

describe('a metric at an address', () => {
  it('is the number that it answers with', async () => {
    expect(await openMetricReader('/nonexistent')(http('/'), NEVER)).toBe(7.5);
  });

  it.each([
    ['/moved', 'cannot be reached'],
    ['/bad', 'HTTP 500'],
    ['/words', 'it gave'],
    ['/endless', 'it gave'],
    ['/silent', 'no answer within 0.3 s'],
  ])('is nothing of %s', async (where, why) => {
    const metric = { ...http(where), timeoutSeconds: 0.3 };
    await expect(openMetricReader('/nonexistent')(metric, NEVER)).rejects.toMatchObject({
      code: 'failed',
      why: expect.stringContaining(why),
    });
  });
});

describe('a metric that a program prints', () => {
  const user = userInfo().username;

  it('is the number, if the policy of the node allows the program and names a user', async () => {
    const lines = ['drivers: []', 'commands: [/usr/bin/printf, /usr/bin/sleep, /usr/bin/false]'];
    const all = [...lines, `users: [${user}]`, `defaultUser: ${user}`, 'allowRoot: true'];
    const read = openMetricReader(await policyOf('allows.yaml', all));
    expect(await read(exec('/usr/bin/printf', '%s\\n', '12.5'), NEVER)).toBe(12.5);
    const late = { ...exec('/usr/bin/sleep', '30'), timeoutSeconds: 0.2 };
    await expect(read(late, NEVER)).rejects.toMatchObject({ why: 'it ran longer than 0.2 s' });
    await expect(read(exec('/usr/bin/false'), NEVER)).rejects.toMatchObject({
      why: 'it ended with exit code 1',
    });
    await expect(read(exec('/usr/bin/id'), NEVER)).rejects.toMatchObject({ code: 'permission' });
    const nobody = openMetricReader(await policyOf('nobody.yaml', lines));
    await expect(nobody(exec('/usr/bin/printf', '1'), NEVER)).rejects.toMatchObject({ code: 'permission' });
  });

  it('is nothing without a policy', async () => {
    const read = openMetricReader(path.join(folder, 'none.yaml'));
    await expect(read(exec('/usr/bin/printf', '1'), NEVER)).rejects.toMatchObject({ code: 'permission' });
  });
});
