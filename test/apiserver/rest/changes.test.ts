import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { AUDIT } from '../../../src/store/keys.ts';
import { run } from '../../cli/run.ts';
import type { ApiWorld } from '../world.ts';
import { startRestWorld, webSpec } from './fixture.ts';

interface Reply {
  readonly status: number;
  readonly json: { readonly items?: readonly Readonly<Record<string, unknown>>[] } & Readonly<
    Record<string, unknown>
  >;
}

let world: ApiWorld;
beforeAll(async () => {
  world = await startRestWorld();
});
afterAll(async () => {
  await world.close();
});

async function ask(method: string, target: string, body?: unknown): Promise<Reply> {
  const { status, text } = await world.ask({ method, target, body, token: world.tokens.get('operator') });
  const json: Reply['json'] = JSON.parse(text);
  return { status, json };
}

const ENTRY = '10.96.2.1:80';
const [ONE, TWO] = ['10.0.2.1:80', '10.0.2.2:80'];

const records = async (): Promise<number> => (await world.backend.list(AUDIT)).items.length;

describe('a change', () => {
  it('is published, seen at once by a consistent read, and recorded with who asked', async () => {
    const target = '/v1/services/shop?reason=first';
    const created = await ask('PUT', target, webSpec('shop', ENTRY, [ONE, TWO]));
    expect(created).toMatchObject({
      status: 200,
      json: { kind: 'ChangeList', items: [{ reference: 'service/shop', outcome: 'created' }] },
    });
    const shown = await ask('GET', '/v1/services/shop?consistent=true');
    expect(shown.json.items).toMatchObject([
      {
        service: { name: 'shop', instances: 2 },
        lastChange: {
          actor: 'operator',
          command: 'PUT /v1/services/shop',
          host: '127.0.0.1',
          reason: 'first',
        },
      },
    ]);
    const again = await ask('PUT', '/v1/services/shop', webSpec('shop', ENTRY, [ONE, TWO]));
    expect(again.json.items).toMatchObject([{ outcome: 'unchanged', requestId: null }]);
  });

  it('that takes something away needs consent, as the command does', async () => {
    const less = webSpec('shop', ENTRY, [ONE]);
    const refused = await ask('PUT', '/v1/services/shop', less);
    expect(refused).toMatchObject({
      status: 400,
      json: {
        kind: 'Error',
        code: 'not-confirmed',
        exitCode: 5,
        fix: expect.stringContaining('replace=true'),
      },
    });
    const preview = await ask('PUT', '/v1/services/shop?dryRun=true', less);
    expect(preview.json).toMatchObject({
      kind: 'PlanList',
      items: [{ outcome: 'updated', narrowing: [{ kind: 'removes-instances', ids: [TWO], of: 2 }] }],
    });
    // What the preview says applies just this.
    const apply = String(preview.json.items?.[0]?.['applyCommand']).split(' ');
    expect((await ask(apply[0] ?? '', apply[1] ?? '', less)).json.items).toMatchObject([
      { outcome: 'updated' },
    ]);
    expect((await ask(apply[0] ?? '', apply[1] ?? '', webSpec('shop', ENTRY, [TWO]))).status).toBe(409);
    expect((await ask('DELETE', '/v1/services/shop')).json).toMatchObject({ code: 'not-confirmed' });
  });

  it('of the number of instances needs consent only if none is left', async () => {
    const scale = '/v1/services/app/scale';
    expect((await ask('POST', scale, { replicas: 3 })).json.items).toMatchObject([{ outcome: 'updated' }]);
    expect((await ask('POST', scale, { by: -1 })).status).toBe(200);
    expect((await ask('POST', scale, { replicas: 0 })).json).toMatchObject({ code: 'not-confirmed' });
    expect((await ask('POST', `${scale}?yes=true`, { replicas: 0 })).status).toBe(200);
    const { json } = await ask('GET', '/v1/services/app?consistent=true');
    expect(json.items).toMatchObject([{ service: { replicas: 0 } }]);
  });

  it('of an instance finds it in any spelling, and the last one needs consent', async () => {
    const drain = `/v1/services/shop/instances/${encodeURIComponent(ONE)}/drain`;
    expect((await ask('POST', drain, {})).json).toMatchObject({ code: 'not-confirmed' });
    const drained = await ask('POST', `${drain}?yes=true&reason=mend`, { deadlineSeconds: 60 });
    expect(drained.status).toBe(200);
    const { json } = await ask('GET', `/v1/services/shop/instances/${ONE}?consistent=true`);
    expect(json.items).toMatchObject([
      {
        instance: {
          state: 'draining',
          drain: { by: 'operator@127.0.0.1', reason: 'mend', deadlineSeconds: 60 },
        },
      },
    ]);
    const six = webSpec('six', '[fd00::1]:80', ['[fd00::2]:80', '[fd00::3]:80']);
    expect((await ask('PUT', '/v1/services/six', six)).status).toBe(200);
    const long = `/v1/services/six/instances/${encodeURIComponent('[fd00:0::0:2]:80')}`;
    expect((await ask('POST', `${long}/drain`, {})).json.items).toMatchObject([{ outcome: 'updated' }]);
  });

  it('of nothing that is there says what is there', async () => {
    expect(await ask('POST', '/v1/services/shpo/scale', { by: 1 })).toMatchObject({
      status: 404,
      json: { code: 'not-found', why: 'did you mean shop?' },
    });
    expect((await ask('POST', '/v1/nodes/n9/cordon')).status).toBe(404);
    expect((await ask('POST', '/v1/services/shop/instances/10.9.9.9:1/drain', {})).status).toBe(404);
  });

  it.each([
    ['PUT', '/v1/services/shop', webSpec('other', ENTRY, [ONE]), 'name'],
    ['PUT', '/v1/services/shop', webSpec('shop', '10.96.2.1', [ONE]), 'entries[0]'],
    ['PUT', '/v1/services/shop?ifRevision=x', webSpec('shop', ENTRY, [ONE]), 'ifRevision'],
    ['PUT', '/v1/services/shop?replace=yes', webSpec('shop', ENTRY, [ONE]), 'replace'],
    ['PUT', '/v1/services/Shop', webSpec('shop', ENTRY, [ONE]), 'service'],
    ['POST', '/v1/services/app/scale', { replicas: -1 }, 'replicas'],
    ['POST', '/v1/services/app/scale', { replicas: 1, by: 1 }, 'body'],
    ['POST', '/v1/services/app/scale', {}, 'body'],
    ['POST', '/v1/services/app/scale', { by: 1e300 }, 'by'],
    ['POST', '/v1/nodes/n1/drain', { deadlineSeconds: 1e9 }, 'deadlineSeconds'],
    ['POST', '/v1/nodes/..%2fx/cordon', undefined, 'node'],
    ['POST', '/v1/services/shop/instances/a%2fb/drain', {}, 'instance'],
    ['GET', '/v1/services/%ff', undefined, 'service'],
  ] as const)('%s %s with %j is refused with the field', async (method, target, body, field) => {
    const { status, json } = await ask(method, target, body);
    expect([status, json['code'], json['details']]).toEqual([
      400,
      'invalid-spec',
      expect.objectContaining({ field }),
    ]);
  });

  it('is not made for a page of another server', async () => {
    const cordon = { target: '/v1/nodes/n1/cordon', method: 'POST', token: world.tokens.get('operator') };
    for (const origin of ['http://evil', 'null', 'https://127.0.0.1'])
      expect((await world.ask({ ...cordon, headers: { origin } })).status).toBe(403);
    expect((await world.ask({ ...cordon, headers: { origin: world.url } })).status).toBe(200);
  });

  it('that is refused leaves no record', async () => {
    const before = await records();
    await ask('PUT', '/v1/services/shop', webSpec('shop', '10.96.0.10:80', [ONE]));
    await ask('DELETE', '/v1/services/shop');
    expect(await records()).toBe(before);
  });
});

/** What ticks between two looks, and what depends on who looks. */
const still = (text: string): unknown =>
  JSON.parse(text, (key, value: unknown) =>
    /Seconds$|^(at|latencyMs|description|endpoint|endpoints|version|local)$/.test(key) ? undefined : value,
  );

describe('what is shown', () => {
  it.each([
    ['/v1/services', 'list services'],
    ['/v1/instances', 'list instances'],
    ['/v1/services/web/instances', 'list instances web'],
    ['/v1/nodes', 'list nodes'],
    ['/v1/services/web', 'describe web'],
    ['/v1/services/web/instances/10.0.1.11:8080', 'describe web/10.0.1.11:8080'],
    ['/v1/nodes/n1', 'describe node/n1'],
    ['/v1/status', 'status'],
  ])('%s is as sluice %s -o json', async (target, command) => {
    const { text } = await world.ask({
      target: `${target}?consistent=true`,
      token: world.tokens.get('viewer'),
    });
    const { stdout } = await run([...command.split(' '), '-o', 'json'], { store: world.backend });
    expect(still(text)).toEqual(still(stdout));
  });
});
