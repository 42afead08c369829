import { copyFile, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { Agent, request } from 'node:https';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { connect, type TLSSocket } from 'node:tls';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  type CertificateFiles,
  followCertificates,
  type Following,
  readCertificates,
} from '../../src/apiserver/http/certificates.ts';
import { HTTP_LIMITS } from '../../src/apiserver/http/limits.ts';
import { type ApiServer, startApiServer } from '../../src/apiserver/start.ts';
import { type Clock, randomId, systemClock } from '../../src/host/clock.ts';
import { createMemoryStore } from '../../src/store/memory/memory.ts';
import { keptLog } from '../agent/world.ts';
import { eventually } from '../contract/store-world.ts';
import { type Certificates, makeCertificates } from '../harness/certificates.ts';
import { silentLog } from '../harness/log.ts';

/** Looks every 20 ms in place of every 5 s. */
const quick: Clock = { ...systemClock, sleep: async (_ms, signal) => systemClock.sleep(20, signal) };
const log = keptLog();
const store = createMemoryStore();
let folder = '';
let files: CertificateFiles;
let server: ApiServer;
let following: Following;
let old: Certificates;
let next: Certificates;

async function use({ server: { cert, key }, cacert }: Certificates): Promise<void> {
  await copyFile(key, files.key);
  await copyFile(cert, files.cert);
  if (files.clientCa !== undefined) await copyFile(cacert, files.clientCa);
}

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'sluice-certificates-'));
  const [a, b] = [path.join(folder, 'a'), path.join(folder, 'b')];
  await Promise.all([mkdir(a), mkdir(b)]);
  [old, next] = await Promise.all([makeCertificates(a, 'admin:ann'), makeCertificates(b, 'admin:bob')]);
  files = {
    cert: path.join(folder, 'api.pem'),
    key: path.join(folder, 'api.key'),
    clientCa: path.join(folder, 'ca.pem'),
  };
  await use(old);
  const tls = await readCertificates(files);
  server = await startApiServer({
    store,
    host: '127.0.0.1',
    port: 0,
    tls,
    anonymous: undefined,
    log: silentLog,
    clock: systemClock,
    random: Math.random,
    newId: randomId,
    limits: HTTP_LIMITS,
  });
  await server.synced(10_000);
  following = followCertificates({ files, first: tls, renew: server.renewTls, clock: quick, log });
});
afterAll(async () => {
  await following.close();
  await server.close();
  await store.close();
  await rm(folder, { recursive: true });
});

/** The certificate that a new connection is shown; whoever signed it. */
function shown(): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket: TLSSocket = connect({ port: server.port, rejectUnauthorized: false }, () => {
      resolve(socket.getPeerCertificate().fingerprint256);
      socket.destroy();
    });
    socket.once('error', reject);
  });
}

/** Asks over an agent's connection; its status, and whether that connection was there before. */
function ask(agent: Agent, target: string): Promise<{ readonly status: number; readonly reused: boolean }> {
  return new Promise((resolve, reject) => {
    const sent = request({ host: 'localhost', port: server.port, path: target, agent }, (response) => {
      response.resume();
      response.once('end', () => resolve({ status: response.statusCode ?? 0, reused: sent.reusedSocket }));
    });
    sent.once('error', reject);
    sent.end();
  });
}

const agentOf = async ({ cacert, client }: Certificates): Promise<Agent> =>
  new Agent({
    keepAlive: true,
    ca: await readFile(cacert),
    cert: await readFile(client.cert),
    key: await readFile(client.key),
  });

describe('certificates that are replaced', () => {
  it('serve connections that come, while those that are there stay', async () => {
    const before = await agentOf(old);
    expect(await ask(before, '/v1/nodes')).toEqual({ status: 200, reused: false });
    const first = await shown();
    await use(next);
    await eventually(async () => expect(await shown()).not.toBe(first));
    expect(await ask(before, '/v1/nodes')).toEqual({ status: 200, reused: true });
    before.destroy();
    const after = await agentOf(next);
    expect((await ask(after, '/v1/nodes')).status).toBe(200);
    after.destroy();
    expect(log.lines.filter((line) => line.includes('new certificates are in use'))).not.toEqual([]);
    // Who signed clients before is not believed any more.
    const foreign = await agentOf({ ...next, client: old.client });
    expect((await ask(foreign, '/v1/nodes')).status).toBe(401);
    foreign.destroy();
  });

  it.each([
    ['no certificate', async () => writeFile(files.cert, 'nonsense')],
    ['a key of another', async () => copyFile(old.client.key, files.key)],
    ['nothing', async () => rm(files.key)],
    ['an authority that is empty', async () => writeFile(files.clientCa ?? '', '')],
  ])('by %s are refused once in the log, and those before stay', async (_title, spoil) => {
    await eventually(async () => expect(await shown()).toMatch(/^[0-9A-F:]+$/));
    const [first, lines] = [await shown(), log.lines.length];
    const refusals = (): readonly string[] =>
      log.lines.slice(lines).filter((line) => line.startsWith('error'));
    await spoil();
    await eventually(() => expect(refusals().length).toBe(1));
    await following.look();
    expect(refusals().length).toBe(2);
    expect(await shown()).toBe(first);
    await use(next);
    // A look of its own may have met a half of them.
    await eventually(async () => {
      await following.look();
      expect(log.lines.at(-1)).toContain('as before');
    });
  });
});
