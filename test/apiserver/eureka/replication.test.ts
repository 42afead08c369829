import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ROLES } from '../../../src/model/access.ts';
import { instanceBody } from '../../contract/registry-world.ts';
import { type ApiWorld, type HttpAnswer, startApiWorld } from '../world.ts';

let world: ApiWorld;
beforeAll(async () => {
  world = await startApiWorld();
});
afterAll(async () => {
  await world.close();
});

type Item = Readonly<Record<string, unknown>>;

const ask = (
  method: string,
  path: string,
  body?: unknown,
  accept = 'application/json',
): Promise<HttpAnswer> =>
  world.ask({
    method,
    target: `/eureka${path}`,
    token: world.tokens.get('registry'),
    headers: { accept },
    ...(body === undefined ? {} : { body }),
  });
const batch = (replicationList: readonly Item[]): Promise<HttpAnswer> =>
  ask('POST', '/peerreplication/batch/', { replicationList });
const codes = ({ text }: HttpAnswer): readonly unknown[] => {
  const { responseList }: { readonly responseList: readonly Item[] } = JSON.parse(text);
  return responseList.map(({ statusCode }) => statusCode);
};
const statusOf = async (app: string, id: string): Promise<unknown> => {
  const answer = await ask('GET', `/apps/${app}/${id}`);
  const read: { readonly instance: Item } =
    answer.status === 200 ? JSON.parse(answer.text) : { instance: {} };
  return read.instance['status'];
};

/** As recorded of a reference server: the fields that it sends, in its order. */
const item = (action: string, id: string, fields: Item = {}): Item => ({
  appName: 'PEERED',
  id,
  lastDirtyTimestamp: 1_700_000_000_000,
  overriddenStatus: 'UNKNOWN',
  status: 'UP',
  action,
  ...fields,
});
const registration = (id: string, fields: Item = {}): Item =>
  item('Register', id, {
    instanceInfo: instanceBody('PEERED', id, { lastDirtyTimestamp: '1700000000000', ...fields }).instance,
  });

describe('a batch of another Eureka server', () => {
  it('does what the clients of that server said, in their order, and answers each', async () => {
    const answer = await batch([
      registration('p-1'),
      item('Heartbeat', 'p-1'),
      registration('p-2'),
      item('StatusUpdate', 'p-2', { status: 'OUT_OF_SERVICE' }),
      registration('p-3'),
      item('Cancel', 'p-3'),
      item('Heartbeat', 'p-4'),
      item('Register', 'p-5', { instanceInfo: { app: 'PEERED' } }),
      item('Nonsense', 'p-1'),
    ]);
    expect(answer.status).toBe(200);
    expect(codes(answer)).toEqual([204, 200, 204, 200, 204, 200, 404, 400, 400]);
    expect(await statusOf('PEERED', 'p-1')).toBe('UP');
    expect(await statusOf('PEERED', 'p-2')).toBe('OUT_OF_SERVICE');
    expect(await statusOf('PEERED', 'p-3')).toBeUndefined();
    expect(codes(await batch([item('DeleteStatusOverride', 'p-2')]))).toEqual([200]);
    expect(await statusOf('PEERED', 'p-2')).toBe('UP');
  });

  it('asks for a registration that is newer there, and hands out one that is newer here', async () => {
    await batch([registration('n-1')]);
    const newer = item('Heartbeat', 'n-1', { lastDirtyTimestamp: 1_700_000_000_001 });
    const older = item('Heartbeat', 'n-1', { lastDirtyTimestamp: 1_600_000_000_000 });
    const answer = await batch([newer, older]);
    expect(codes(answer)).toEqual([404, 409]);
    expect(JSON.parse(answer.text)).toMatchObject({
      responseList: [{}, { responseEntity: { instanceId: 'n-1', lastDirtyTimestamp: '1700000000000' } }],
    });
  });

  it('that is none is refused with the field', async () => {
    for (const body of [
      {},
      [],
      { replicationList: {} },
      { replicationList: Array.from({ length: 5_001 }, () => ({})) },
    ]) {
      const answer = await ask('POST', '/peerreplication/batch', body);
      expect(answer.status).toBe(400);
      expect(answer.text).toContain('replicationList');
    }
  });
});

describe('the other routes of a server of the protocol', () => {
  it('take a whole group out, and put it back', async () => {
    const asgName = 'blue';
    await batch([registration('g-1', { asgName }), registration('g-2', { asgName }), registration('g-3')]);
    expect((await ask('PUT', '/asg/blue/status?value=DISABLED')).status).toBe(200);
    expect([await statusOf('PEERED', 'g-1'), await statusOf('PEERED', 'g-2')]).toEqual([
      'OUT_OF_SERVICE',
      'OUT_OF_SERVICE',
    ]);
    expect(await statusOf('PEERED', 'g-3')).toBe('UP');
    expect(JSON.parse((await ask('GET', '/serverinfo/statusoverrides')).text)).toMatchObject({
      'g-1': 'OUT_OF_SERVICE',
    });
    expect((await ask('PUT', '/asg/blue/status?value=ENABLED')).status).toBe(200);
    expect([await statusOf('PEERED', 'g-1'), await statusOf('PEERED', 'g-2')]).toEqual(['UP', 'UP']);
    expect((await ask('PUT', '/asg/none/status?value=ENABLED')).status).toBe(404);
    expect((await ask('PUT', '/asg/blue/status?value=x')).status).toBe(400);
  });

  it('tell how the server is, in both forms', async () => {
    expect(JSON.parse((await ask('GET', '/status')).text)).toMatchObject({ isHealthy: true });
    expect((await ask('GET', '/v2/status/', undefined, '*/*')).text).toContain('<isHealthy>true</isHealthy>');
  });
});

const mayChange = (role: string): boolean => ['admin', 'operator', 'registry'].includes(role);
const stored = async (): Promise<unknown> =>
  (await world.backend.list({ start: 'alive/', end: 'app0' })).items;

describe('who may change the registry', () => {
  const CHANGES = [
    ['POST', '/apps/ROLES', instanceBody('ROLES', 'r-1')],
    ['PUT', '/apps/ROLES/r-0', undefined],
    ['PUT', '/apps/ROLES/r-0/status?value=DOWN', undefined],
    ['DELETE', '/apps/ROLES/r-0/status', undefined],
    ['PUT', '/apps/ROLES/r-0/metadata?a=b', undefined],
    ['PUT', '/asg/x/status?value=DISABLED', undefined],
    ['POST', '/peerreplication/batch/', { replicationList: [registration('r-2')] }],
    ['DELETE', '/apps/ROLES/r-0', undefined],
  ] as const;
  const CASES = ROLES.flatMap((role) =>
    CHANGES.map(([method, path, body]) => ({ role, method, path, body })),
  );
  it.each(CASES)('$role: $method $path', async ({ role, method, path, body }) => {
    const before = await stored();
    const answer = await world.ask({
      method,
      target: `/eureka${path}`,
      token: world.tokens.get(role),
      ...(body === undefined ? {} : { body }),
    });
    const allowed = [200, 204, 404];
    expect(mayChange(role) ? allowed : [403]).toContain(answer.status);
    // Where it is allowed it may change things; where not, nothing.
    expect(mayChange(role) ? before : await stored()).toEqual(before);
  });
});
