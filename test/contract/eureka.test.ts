import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { encodeService } from '../../src/model/records-service.ts';
import { decodeInstance } from '../../src/model/records-service.ts';
import { instancesOf, serviceKey } from '../../src/store/keys.ts';
import {
  type EurekaAnswer,
  instanceBody,
  type RegistryServer,
  type RegistryWorld,
  startRegistryWorld,
} from './registry-world.ts';
import { eventually } from './store-world.ts';

type Tree = Readonly<Record<string, unknown>>;

function isTree(value: unknown): value is Tree {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function tree(value: unknown): Tree {
  if (!isTree(value)) throw new Error(`no object: ${JSON.stringify(value)}`);
  return value;
}
const list = (value: unknown): readonly Tree[] => (Array.isArray(value) ? value.map(tree) : []);
const json = ({ text }: EurekaAnswer): Tree => tree(JSON.parse(text));

/** Applications of a listing, by name, each as its instances. */
function appsIn(answer: EurekaAnswer): ReadonlyMap<unknown, readonly Tree[]> {
  const { application } = tree(json(answer)['applications']);
  return new Map(list(application).map(({ name, instance }) => [name, list(instance)]));
}
const hashIn = (answer: EurekaAnswer): unknown => tree(json(answer)['applications'])['apps__hashcode'];
const instanceIn = (answer: EurekaAnswer): Tree => tree(json(answer)['instance']);

/** Tests of one world: each uses an app of its own. */
describe('the Eureka protocol', () => {
  let world: RegistryWorld;
  let a: RegistryServer;
  let b: RegistryServer;
  beforeAll(async () => {
    world = await startRegistryWorld(2);
    const [first, second] = world.servers;
    if (first === undefined || second === undefined) throw new Error('two servers');
    [a, b] = [first, second];
  }, 30_000);
  afterAll(() => world.close());

  const register = (app: string, id: string, fields = {}): Promise<EurekaAnswer> =>
    a.ask('POST', `/eureka/apps/${app}`, { body: instanceBody(app, id, fields) });

  it('registers with 204 and an empty body, and shows it at once there and soon at another server', async () => {
    const answer = await register('PAY', 'n1:pay:8080', { metadata: { zone: 'a' } });
    expect([answer.status, answer.text]).toEqual([204, '']);
    const here = instanceIn(await a.ask('GET', '/eureka/apps/PAY/n1:pay:8080'));
    expect(here).toMatchObject({
      instanceId: 'n1:pay:8080',
      app: 'PAY',
      ipAddr: '10.0.1.11',
      status: 'UP',
      overriddenStatus: 'UNKNOWN',
      port: { $: 8080, '@enabled': 'true' },
      securePort: { '@enabled': 'false' },
      metadata: { zone: 'a' },
      leaseInfo: { renewalIntervalInSecs: 1, durationInSecs: 90 },
      isCoordinatingDiscoveryServer: 'false',
      actionType: 'ADDED',
    });
    expect(here['lastUpdatedTimestamp']).toMatch(/^\d{13}$/);
    await eventually(async () => expect((await b.ask('GET', '/eureka/apps/PAY')).status).toBe(200));
  });

  it('takes both bases, a slash at the end, small letters and percent-encoded ids', async () => {
    expect((await register('CaSe', 'h:case:1', { app: 'case' })).status).toBe(204);
    for (const path of ['/eureka/v2/apps/case/h%3Acase%3A1', '/eureka/apps/Case/h:case:1/']) {
      expect([path, (await a.ask('PUT', path)).status]).toEqual([path, 200]);
    }
    expect(json(await a.ask('GET', '/eureka/v2/apps/case/'))).toMatchObject({
      application: { name: 'CASE', instance: [{ app: 'CASE' }] },
    });
    expect(instanceIn(await a.ask('GET', '/eureka/instances/h:case:1'))['app']).toBe('CASE');
  });

  it.each([
    ['instanceId', { instanceId: '', hostName: '' }, 'Missing instanceId'],
    ['hostName', { hostName: '' }, 'Missing hostname'],
    ['ipAddr', { ipAddr: '' }, 'Missing ip address'],
    ['app', { app: '' }, 'Missing appName'],
    ['app of another', { app: 'OTHER' }, 'Mismatched appName, expecting BAD but was OTHER'],
    ['dataCenterInfo', { dataCenterInfo: undefined }, 'Missing dataCenterInfo'],
    ['dataCenterInfo name', { dataCenterInfo: {} }, 'Missing dataCenterInfo Name'],
  ])('refuses a registration without its %s in Eureka’s words', async (_name, fields, words) => {
    const answer = await register('BAD', 'x', fields);
    expect([answer.status, answer.text]).toEqual([400, words]);
  });

  it('refuses what is no registration with 4xx: no JSON, another type, odd names, far too much', async () => {
    const statuses = await Promise.all([
      a.ask('POST', '/eureka/apps/BAD', { body: '{' }),
      a.ask('POST', '/eureka/apps/BAD', { body: 'x', headers: { 'content-type': 'text/plain' } }),
      a.ask('POST', '/eureka/apps/a%2Fb', { body: instanceBody('A/B', 'x') }),
      a.ask('POST', '/eureka/apps/BAD', { body: instanceBody('BAD', 'a b') }),
      a.ask('GET', '/eureka/apps/%ff'),
      a.ask('POST', '/eureka/apps/BAD', { body: '<a><b>', headers: { 'content-type': 'application/xml' } }),
      a.ask('PUT', '/eureka/apps/BAD/x/status?value=WELL'),
      a.ask('PATCH', '/eureka/apps/BAD'),
    ]);
    expect(statuses.map(({ status }) => status)).toEqual([400, 415, 400, 400, 400, 400, 400, 405]);
    const long = await register('BAD', 'long', { metadata: { a: 'x'.repeat(5_000) } });
    expect(long.status).toBe(400);
    expect((await a.ask('GET', '/eureka/apps/BAD')).status).toBe(404);
  });

  it('answers 404 to a heartbeat of an unknown instance, of one that changed since, and to its leaving', async () => {
    expect((await a.ask('PUT', '/eureka/apps/BEAT/x?status=UP')).status).toBe(404);
    await register('BEAT', 'x', { lastDirtyTimestamp: '1000' });
    expect((await a.ask('PUT', '/eureka/apps/BEAT/x?status=UP&lastDirtyTimestamp=1000')).status).toBe(200);
    expect((await a.ask('PUT', '/eureka/apps/BEAT/x?status=UP&lastDirtyTimestamp=2000')).status).toBe(404);
    const beat = await a.ask('PUT', '/eureka/apps/BEAT/x', { body: { status: 'UP' } });
    expect([beat.status, beat.text]).toEqual([200, '']);
    expect((await a.ask('DELETE', '/eureka/apps/BEAT/x')).status).toBe(200);
    expect((await a.ask('DELETE', '/eureka/apps/BEAT/x')).status).toBe(404);
    expect((await a.ask('GET', '/eureka/apps/BEAT/x')).status).toBe(404);
  });

  it('knows at another server, without delay, what was registered a moment ago', async () => {
    for (let round = 0; round < 20; round += 1) {
      await register('RACE', `r${round}`);
      expect((await b.ask('PUT', `/eureka/apps/RACE/r${round}`)).status).toBe(200);
    }
  });

  it('lets people override the status, which a new registration does not undo, and take it back', async () => {
    await register('OVER', 'x');
    const path = '/eureka/apps/OVER/x';
    expect((await a.ask('PUT', `${path}/status?value=OUT_OF_SERVICE`)).status).toBe(200);
    await register('OVER', 'x');
    expect(instanceIn(await a.ask('GET', path))).toMatchObject({
      status: 'OUT_OF_SERVICE',
      overriddenStatus: 'OUT_OF_SERVICE',
    });
    await register('OVER', 'x', { status: 'DOWN' });
    expect(instanceIn(await a.ask('GET', path))['status']).toBe('DOWN');
    expect((await a.ask('DELETE', `${path}/status?value=UP`)).status).toBe(200);
    expect(instanceIn(await a.ask('GET', path))).toMatchObject({ status: 'UP', overriddenStatus: 'UNKNOWN' });
    expect((await a.ask('DELETE', `${path}/status`)).status).toBe(200);
    expect(instanceIn(await a.ask('GET', path))['status']).toBe('UNKNOWN');
    expect((await a.ask('PUT', path)).status).toBe(404);
    expect((await a.ask('PUT', '/eureka/apps/OVER/none/status?value=UP')).status).toBe(404);
  });

  it('takes metadata', async () => {
    await register('META', 'x', { metadata: { a: '1' } });
    expect((await a.ask('PUT', '/eureka/apps/META/x/metadata?b=2&c=x%20y')).status).toBe(200);
    expect(instanceIn(await a.ask('GET', '/eureka/apps/META/x'))['metadata']).toEqual({
      a: '1',
      b: '2',
      c: 'x y',
    });
    expect((await a.ask('PUT', '/eureka/apps/META/none/metadata?b=2')).status).toBe(404);
  });

  it('tells in a delta what came, changed and left, with the hash code of all', async () => {
    await register('DELTA', 'came');
    await register('DELTA', 'changed');
    await a.ask('PUT', '/eureka/apps/DELTA/changed/status?value=OUT_OF_SERVICE');
    await register('DELTA', 'left');
    await a.ask('DELETE', '/eureka/apps/DELTA/left');
    const delta = await a.ask('GET', '/eureka/apps/delta');
    const said = appsIn(delta).get('DELTA') ?? [];
    expect(said.map(({ instanceId, actionType, status }) => [instanceId, actionType, status])).toEqual([
      ['came', 'ADDED', 'UP'],
      ['changed', 'MODIFIED', 'OUT_OF_SERVICE'],
      ['left', 'DELETED', 'UP'],
    ]);
    const all = await a.ask('GET', '/eureka/apps');
    expect(hashIn(delta)).toBe(hashIn(all));
    const statuses = [...appsIn(all).values()].flat().map(({ status }) => String(status));
    const counted = [...new Set(statuses)].toSorted();
    const hash = counted.map((one) => `${one}_${statuses.filter((status) => status === one).length}_`);
    expect(hashIn(all)).toBe(hash.join(''));
  });

  it('finds instances by their vip', async () => {
    await register('VIPS', 'x', { vipAddress: 'pay.vip, other.vip', secureVipAddress: 'safe.vip' });
    for (const path of ['/eureka/vips/other.vip', '/eureka/v2/svips/safe.vip']) {
      const found = await a.ask('GET', path);
      expect([...appsIn(found).keys(), hashIn(found)]).toEqual(['VIPS', 'UP_1_']);
    }
    expect(appsIn(await a.ask('GET', '/eureka/vips/none')).size).toBe(0);
  });

  it('writes XML for whoever does not ask for JSON, and reads it', async () => {
    const body =
      '<instance><instanceId>x</instanceId><hostName>n1</hostName><app>XML</app><ipAddr>10.0.1.12</ipAddr>' +
      '<status>UP</status><port enabled="true">8081</port><metadata><a>1 &amp; 2</a></metadata>' +
      '<dataCenterInfo class="com.netflix.appinfo.InstanceInfo$DefaultDataCenterInfo"><name>MyOwn</name></dataCenterInfo></instance>';
    const posted = await a.ask('POST', '/eureka/apps/XML', {
      body,
      headers: { 'content-type': 'application/xml' },
    });
    expect(posted.status).toBe(204);
    const xml = await a.ask('GET', '/eureka/apps/XML', { headers: { accept: '*/*' } });
    expect(xml.headers['content-type']).toBe('application/xml');
    expect(xml.text).toMatch(/^<application><name>XML<\/name><instance><instanceId>x<\/instanceId>/);
    expect(xml.text).toContain('<port enabled="true">8081</port>');
    expect(xml.text).toContain('<metadata><a>1 &amp; 2</a></metadata>');
    expect(xml.text).toContain('<overriddenstatus>UNKNOWN</overriddenstatus>');
    expect(instanceIn(await a.ask('GET', '/eureka/apps/XML/x'))).toMatchObject({
      port: { $: 8081, '@enabled': 'true' },
      metadata: { a: '1 & 2' },
    });
  });

  it('compresses for whoever takes it', async () => {
    await register('ZIP', 'x');
    const zipped = await a.ask('GET', '/eureka/apps', { headers: { 'accept-encoding': 'deflate, gzip' } });
    const plain = await a.ask('GET', '/eureka/apps', { headers: { 'accept-encoding': 'gzip;q=0' } });
    expect([zipped.headers['content-encoding'], plain.headers['content-encoding']]).toEqual([
      'gzip',
      undefined,
    ]);
    expect(appsIn(zipped).has('ZIP')).toBe(true);
    expect(Number(zipped.headers['content-length'])).toBeLessThan(Number(plain.headers['content-length']));
  });

  it('gives a service that draws from an app its instances, as their statuses say, and drains those that leave', async () => {
    const service = {
      name: 'web',
      entries: [{ ip: '10.96.0.10', port: 80, protocol: 'tcp' as const }],
      origin: 'registered' as const,
      registry: 'WEB',
      masquerade: false,
      createdAt: '2026-01-01T00:00:00Z',
    };
    await register('WEB', 'up', { ipAddr: '10.0.1.1', metadata: { weight: '3' } });
    // What cannot be read must not stand in the way.
    await world.store.transact({
      compares: [],
      operations: [{ kind: 'put', key: 'instance/web/10.0.1.1:8080', value: '{"broken":true}' }],
    });
    await world.store.transact({
      compares: [],
      operations: [{ kind: 'put', key: serviceKey('web'), value: encodeService(service) }],
    });
    const instances = async (): Promise<readonly (readonly unknown[])[]> => {
      const { items } = await world.store.list(instancesOf('web'));
      return items.map(({ key, value }) => {
        const id = key.slice('instance/web/'.length);
        const { state, weight, origin } = decodeInstance('web', id, value).value;
        return [id, state, weight, origin];
      });
    };
    await eventually(async () =>
      expect(await instances()).toEqual([['10.0.1.1:8080', 'ready', 3, 'registered']]),
    );
    await register('WEB', 'starts', { ipAddr: '10.0.1.2', status: 'STARTING' });
    await register('WEB', 'out', { ipAddr: '10.0.1.3', status: 'OUT_OF_SERVICE' });
    await register('WEB', 'nowhere', { ipAddr: 'web.example' });
    await register('WEB', 'secure', {
      ipAddr: '10.0.1.4',
      port: { $: 80, '@enabled': false },
      securePort: { $: 8443, '@enabled': true },
    });
    await a.ask('DELETE', '/eureka/apps/WEB/up');
    await eventually(async () =>
      expect(await instances()).toEqual([
        ['10.0.1.1:8080', 'draining', 3, 'registered'],
        ['10.0.1.2:8080', 'starting', 1, 'registered'],
        ['10.0.1.3:8080', 'draining', 1, 'registered'],
        ['10.0.1.4:8443', 'ready', 1, 'registered'],
      ]),
    );
  });
});
