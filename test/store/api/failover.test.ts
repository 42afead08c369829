import { createServer, type RequestListener, type Server } from 'node:http';
import { inspect } from 'node:util';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { createApiStore } from '../../../src/store/api/api.ts';
import { prefixRange } from '../../../src/store/keys.ts';
import type { Store } from '../../../src/store/store.ts';
import { record } from '../../contract/store.contract.ts';
import { eventually } from '../../contract/store-world.ts';
import { type ApiWorld, startApiWorld } from '../../apiserver/world.ts';

const TOKEN = `sluice_0123456789abcdef_${'canary'.repeat(8).slice(0, 43)}`;
const RANGE = prefixRange('service/');

let world: ApiWorld;
const opened: Server[] = [];
beforeAll(async () => {
  world = await startApiWorld({ anonymous: 'operator' });
});
afterEach(() => {
  for (const server of opened.splice(0)) {
    server.close();
    server.closeAllConnections();
  }
});
afterAll(async () => {
  await world.close();
});

/** Another HTTP server; its address. */
async function serve(answer: RequestListener): Promise<string> {
  const server = createServer(answer);
  opened.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  return `http://127.0.0.1:${typeof address === 'object' && address !== null ? address.port : 0}`;
}

/** A store that asks `first` first, and then the real server. */
const storeAt = (first: string, ...more: readonly string[]): Store =>
  createApiStore({ servers: [first, ...more], random: () => 0 });

describe('a store with several API servers', () => {
  it.each<readonly [string, RequestListener]>([
    ['answers nothing', () => undefined],
    ['ends the connection', (request) => request.destroy()],
    [
      'is a proxy without a server behind it',
      (_, response) => void response.writeHead(502).end('Bad gateway'),
    ],
    [
      'has too much to do',
      (_, response) =>
        void response
          .writeHead(429)
          .end('{"kind":"Error","code":"unavailable","message":"x","why":null,"fix":null,"details":{}}'),
    ],
    ['breaks off a listing', (_, response) => response.write('{"revision":5}\n', () => response.destroy())],
    ['falls silent in a listing', (_, response) => void response.write('{"revision":5}\n{"items":[]}\n')],
  ])('reads from the next one if the first %s', async (_title, answer) => {
    const store = storeAt(await serve(answer), world.url);
    expect((await store.list(RANGE, { timeoutMs: 5_000 })).items).toEqual([]);
    expect((await store.count(RANGE)).count).toBe(0);
    await store.close();
  });

  it('writes to the next one if the first is not there, and watches there', async () => {
    const gone = await serve(() => undefined);
    for (const server of opened.splice(0)) server.close();
    const store = storeAt(gone, world.url);
    const written = await store.transact({
      compares: [],
      operations: [{ kind: 'put', key: 'event/a', value: '{}' }],
    });
    expect(written.kind).toBe('done');
    const seen = record(store, 'event/', written.revision - 1);
    await eventually(() => expect(seen.text()).toEqual(['event/a={}']));
    expect((await store.status()).map(({ healthy }) => healthy)).toEqual([false, true]);
    await store.close();
  });

  it('ends a watch whose server falls silent', { timeout: 30_000 }, async () => {
    const store = storeAt(await serve((_, response) => void response.write('{"type":"ready"}\n')));
    const seen = record(store, 'event/', 0);
    await eventually(() => expect(seen.calls.ready).toBe(1));
    await eventually(() =>
      expect(seen.ends).toEqual([{ kind: 'lost', why: 'the API server has fallen silent' }]),
    );
    await store.close();
  });

  it.each<readonly [string, RequestListener]>([
    ['text', (_, response) => void response.end('hello')],
    ['other JSON', (_, response) => void response.end('{"revision":-1,"count":"many"}')],
    ['a page that is not found', (_, response) => void response.writeHead(404).end('<html>')],
  ])('says that a server is none of Sluice if it answers with %s', async (_title, answer) => {
    const store = storeAt(await serve(answer));
    await expect(store.count(RANGE)).rejects.toMatchObject({ code: 'config', fix: 'check --server' });
    await store.close();
  });

  it('shows its token nowhere', async () => {
    const store = createApiStore({ servers: [world.url], token: TOKEN });
    const refused: unknown = await store.get('service/a').catch((error: unknown) => error);
    expect(refused).toMatchObject({ code: 'permission', details: { unauthenticated: true } });
    const shown = [refused, store].map((each) => inspect(each, { depth: 20, showHidden: true })).join('\n');
    expect(shown).not.toContain('canary');
    await store.close();
  });
});
