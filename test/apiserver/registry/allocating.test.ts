import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { isInNetwork } from '../../../src/model/network.ts';
import { parseEntry } from '../../../src/model/entry.ts';
import { removeEntryRange, setEntryRange } from '../../../src/ops/entry-ranges.ts';
import { listServices } from '../../../src/ops/list.ts';
import { publish } from '../../../src/ops/publish.ts';
import { randomId, systemClock } from '../../../src/host/clock.ts';
import { prefixRange } from '../../../src/store/keys.ts';
import { instanceBody } from '../../contract/registry-world.ts';
import { eventually } from '../../contract/store-world.ts';
import { admin } from '../../ops/world.ts';
import { type ApiWorld, startApiWorld } from '../world.ts';

const NETWORK = '10.96.128.0/29';
let world: ApiWorld;
beforeAll(async () => {
  world = await startApiWorld({ anonymous: 'registry' });
});
afterAll(async () => {
  await world.close();
});

const deps = () => admin(world.backend, 'ann', { newId: randomId, clock: systemClock });
const setRange = (keepSeconds: number) =>
  setEntryRange(
    deps(),
    { name: 'apps', network: NETWORK, port: 80, protocol: 'tcp', keepSeconds },
    { reason: undefined, dryRun: false },
  );
const say = async (method: string, app: string, id: string, port = 8080): Promise<void> => {
  const isPost = method === 'POST';
  const target = isPost ? `/eureka/apps/${app}` : `/eureka/apps/${app}/${id}`;
  const body = isPost ? { body: instanceBody(app, id, { port: { $: port, '@enabled': true } }) } : {};
  expect((await world.ask({ method, target, ...body })).status).toBeLessThan(300);
};
/** Entries of services by name, and how many are ready. */
async function services(): Promise<ReadonlyMap<string, { readonly entry: string; readonly ready: number }>> {
  const { items } = await listServices({ store: world.backend, clock: systemClock });
  return new Map(items.map(({ name, entries, ready }) => [name, { entry: entries.join(), ready }]));
}
const keysOf = async (prefix: string): Promise<readonly string[]> =>
  (await world.backend.list(prefixRange(prefix))).items.map(({ key }) => key);

describe('apps that no service draws from', () => {
  it('get an entry each with their instances, by a range that people set', async () => {
    await say('POST', 'EARLY', 'e-1');
    expect([...(await services()).keys()]).toEqual([]);
    expect(await setRange(86_400)).toMatchObject({ outcome: 'created' });
    await say('POST', 'LATE', 'l-1', 8081);
    await eventually(async () => {
      const all = await services();
      expect([...all.keys()]).toEqual(['early', 'late']);
      expect([...all.values()].map(({ ready }) => ready)).toEqual([1, 1]);
    });
    const entries = [...(await services()).values()].map(({ entry }) => parseEntry(entry).ip);
    expect(new Set(entries).size).toBe(2);
    expect(entries.every((ip) => isInNetwork(ip, NETWORK) === true)).toBe(true);
    expect(await keysOf('allocation/')).toEqual(['allocation/EARLY', 'allocation/LATE']);
    const audits = (await world.backend.list(prefixRange('audit/'))).items
      .map(({ value }) => value)
      .join('\n');
    expect(audits).toContain('"actor":"registry"');
    expect(audits).toContain('range apps for app LATE');
    expect(audits).toContain('"subject":"entry-range/apps"');
  });

  it('get one entry between them however many servers see them, and none that is another’s', async () => {
    const other = await startApiWorld({ anonymous: 'registry', backend: world.backend });
    const apps = ['B-1', 'B-2', 'B-3', 'B-4', 'B-5', 'B-6'];
    // Six addresses, two of them given.
    await Promise.all(apps.map((app) => say('POST', app, 'i-1')));
    await eventually(async () => expect(await keysOf('allocation/')).toHaveLength(6));
    await eventually(async () => expect((await services()).size).toBe(6));
    const entries = [...(await services()).values()].map(({ entry }) => entry);
    expect(new Set(entries).size).toBe(6);
    await other.close();
  });

  it('lose it some time after they are gone; what people changed stays', async () => {
    await removeEntryRange(deps(), 'apps', { reason: undefined, dryRun: false });
    await setEntryRange(
      deps(),
      { name: 'short', network: '10.97.0.0/29', port: 81, protocol: 'tcp', keepSeconds: 0 },
      { reason: undefined, dryRun: false },
    );
    for (const app of ['GONE', 'KEPT']) await say('POST', app, 'i-1');
    const published = await eventually(async () => {
      const all = await services();
      expect(['kept', 'gone'].map((name) => all.get(name)?.ready)).toEqual([1, 1]);
      return all;
    });
    const { entry = '' } = published.get('kept') ?? {};
    expect((await world.backend.get(`entry/${published.get('gone')?.entry}`)).item?.value).toContain(
      '"gone"',
    );
    await publish(deps(), [
      { name: 'kept', entries: [parseEntry(entry)], instances: [], masquerade: true, registry: 'KEPT' },
    ]);
    for (const app of ['GONE', 'KEPT']) await say('DELETE', app, 'i-1');
    await eventually(async () => {
      expect((await keysOf('allocation/')).filter((key) => /GONE|KEPT/.test(key))).toEqual([]);
      const all = await services();
      expect([all.has('gone'), all.has('kept')]).toEqual([false, true]);
    });
    // An app that found no room before may have got the address by now.
    const claims = (await world.backend.list(prefixRange('entry/10.97'))).items;
    expect(claims.filter(({ value }) => value.includes('"gone"'))).toEqual([]);
    expect(claims.find(({ key }) => key === `entry/${entry}`)?.value).toContain('"kept"');
  });
});
