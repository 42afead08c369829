import { createServer } from 'node:http';
import { afterEach, describe, expect, it } from 'vitest';
import { instanceBody } from '../../contract/registry-world.ts';
import { eventually } from '../../contract/store-world.ts';
import { type ApiWorld, startApiWorld } from '../world.ts';

const closers: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).toReversed()) await close();
});

async function worldFollowing(url?: string): Promise<ApiWorld> {
  const follow = url === undefined ? {} : { follow: followOf(url) };
  const world = await startApiWorld({ ...follow, anonymous: 'registry' });
  closers.push(world.close);
  return world;
}
const followOf = (url: string) => ({ urls: [`${url}/eureka`], credentials: undefined, everyMs: 20 });

const register = async (world: ApiWorld, id: string, fields = {}): Promise<void> => {
  const body = instanceBody('MOVED', id, fields);
  expect((await world.ask({ method: 'POST', target: '/eureka/apps/MOVED', body })).status).toBe(204);
};
const remove = async (world: ApiWorld, id: string): Promise<void> => {
  expect((await world.ask({ method: 'DELETE', target: `/eureka/apps/MOVED/${id}` })).status).toBe(200);
};
async function statuses(world: ApiWorld): Promise<Readonly<Record<string, string>>> {
  const { text } = await world.ask({ target: '/eureka/apps', headers: { accept: 'application/json' } });
  const found = [...text.matchAll(/"instanceId":"([^"]+)".*?"status":"(\w+)"/g)];
  return Object.fromEntries(found.map(([, id = '', status = '']) => [id, status]));
}
const marks = async ({ backend }: ApiWorld): Promise<readonly string[]> =>
  (await backend.list({ start: 'alive/', end: 'alive0' })).items.map(({ key }) => key);

describe('following another Eureka server', () => {
  it('takes over what registers, changes and leaves there, and leaves alone what registered here', async () => {
    const there = await worldFollowing();
    const here = await worldFollowing(there.url);
    await register(there, 'a');
    await register(there, 'b');
    await register(here, 'own');
    await eventually(async () => expect(await statuses(here)).toEqual({ a: 'UP', b: 'UP', own: 'UP' }));
    await register(there, 'b', { status: 'DOWN' });
    await remove(there, 'a');
    await eventually(async () => expect(await statuses(here)).toEqual({ b: 'DOWN', own: 'UP' }));
    // Who of those is alive is said there: no mark, and no heartbeat is taken for one that did not register here.
    expect(await marks(here)).toEqual(['alive/MOVED/own']);
    const beat = await here.ask({ method: 'PUT', target: '/eureka/apps/MOVED/b' });
    expect(beat.status).toBe(404);
    await register(here, 'b');
    await remove(there, 'b');
    await register(there, 'c');
    await eventually(async () => expect(await statuses(here)).toEqual({ b: 'UP', c: 'UP', own: 'UP' }));
    expect(await statuses(there)).toEqual({ c: 'UP' });
  });

  it('goes in no circle where two follow each other', async () => {
    const one = await worldFollowing();
    const two = await worldFollowing(one.url);
    const back = await startApiWorld({ follow: followOf(two.url), anonymous: 'registry' });
    closers.push(back.close);
    await register(one, 'x');
    await register(two, 'y');
    await eventually(async () => expect(await statuses(two)).toEqual({ x: 'UP', y: 'UP' }));
    // What the second has from the first does not go on to the third.
    await eventually(async () => expect(await statuses(back)).toEqual({ y: 'UP' }));
    await remove(one, 'x');
    await eventually(async () => expect(await statuses(two)).toEqual({ y: 'UP' }));
    expect(await statuses(back)).toEqual({ y: 'UP' });
  });

  it('changes nothing while the other answers wrongly, and fetches all where something was missed', async () => {
    const asked: string[] = [];
    let answer: { readonly status: number; readonly body: string } = { status: 500, body: 'no' };
    const other = createServer(({ url = '' }, response) => {
      asked.push(url);
      response.writeHead(answer.status, { 'content-type': 'application/json' }).end(answer.body);
    });
    await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
    closers.push(async () => {
      other.closeAllConnections();
      await new Promise((resolve) => other.close(resolve));
    });
    const address = other.address();
    const port = typeof address === 'object' && address !== null ? address.port : 0;
    const here = await worldFollowing(`http://127.0.0.1:${port}`);
    const { instance } = instanceBody('MOVED', 'z', { lastDirtyTimestamp: '5' });
    const applications = { apps__hashcode: 'UP_1_', application: [{ name: 'MOVED', instance: [instance] }] };
    answer = { status: 200, body: JSON.stringify({ applications }) };
    await eventually(async () => expect(await statuses(here)).toEqual({ z: 'UP' }));
    for (const wrong of [
      { status: 503, body: '' },
      { status: 200, body: '<html>' },
      { status: 200, body: '[]' },
    ]) {
      answer = wrong;
      const before = asked.length;
      await eventually(() => expect(asked.length).toBeGreaterThan(before + 2));
      expect(await statuses(here)).toEqual({ z: 'UP' });
    }
    // A delta whose hash code does not fit is followed by a fetch of all.
    asked.length = 0;
    answer = {
      status: 200,
      body: JSON.stringify({ applications: { ...applications, apps__hashcode: 'UP_2_' } }),
    };
    const inTurn = ['/eureka/apps/delta', '/eureka/apps'];
    await eventually(() => expect(asked.slice(-4)).toEqual(expect.arrayContaining(inTurn)));
  });
});
