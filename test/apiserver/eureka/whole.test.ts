import { gunzipSync } from 'node:zlib';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { gzipPart, joinedGzip } from '../../../src/apiserver/eureka/joined-gzip.ts';
import { createWhole } from '../../../src/apiserver/eureka/whole.ts';
import { createBodies } from '../../../src/eureka/bodies.ts';
import { createCatalog } from '../../../src/registry/catalog.ts';
import { registrationOf } from '../../registry/registration.ts';

const catalogOf = (count: number) => {
  const catalog = createCatalog();
  for (let index = 0; index < count; index += 1) {
    const registration = registrationOf({ app: `APP-${index % 3}`, id: `i-${index}` });
    catalog.put({ registration, modRevision: index });
  }
  return catalog;
};
const idsIn = (plain: Buffer): readonly string[] =>
  [...plain.toString().matchAll(/"instanceId":"([^"]+)"/g)].map(([, id]) => id ?? '');

describe('parts compressed one by one', () => {
  it('are one gzip stream of all of them, whatever they are', async () => {
    const parts = fc.array(fc.uint8Array({ maxLength: 3_000 }), { maxLength: 12 });
    await fc.assert(
      fc.asyncProperty(parts, async (some) => {
        const plain = some.map((bytes) => Buffer.from(bytes));
        const joined = joinedGzip(await Promise.all(plain.map((one) => gzipPart(one))));
        expect(gunzipSync(joined)).toEqual(Buffer.concat(plain));
      }),
      { seed: 6, numRuns: 60 },
    );
  });
});

describe('the body of all apps', () => {
  it('follows every change, and writes only the apps that changed', async () => {
    const catalog = catalogOf(30);
    const written: string[] = [];
    const { json } = createBodies();
    const spied = {
      ...json,
      app: (app: Parameters<typeof json.app>[0]) => {
        written.push(app.name);
        return json.app(app);
      },
    };
    const whole = createWhole(catalog, spied, () => undefined);
    const before = await whole();
    expect(idsIn(before.plain())).toHaveLength(30);
    expect(JSON.parse(gunzipSync(await before.compressed()).toString())).toEqual(
      JSON.parse(before.plain().toString()),
    );
    expect(await whole()).toBe(before);
    expect(written).toEqual(['APP-0', 'APP-1', 'APP-2']);
    catalog.remove('APP-1', 'i-1');
    const after = await whole();
    expect(idsIn(after.plain())).toHaveLength(29);
    expect(JSON.parse(after.plain().toString())).toMatchObject({
      applications: { apps__hashcode: 'UP_29_' },
    });
    expect(written).toEqual(['APP-0', 'APP-1', 'APP-2', 'APP-1']);
  });

  it('is of one moment, also if it changes while it is written', async () => {
    const catalog = catalogOf(30);
    const whole = createWhole(catalog, createBodies().json, async () => Promise.resolve());
    const writing = whole();
    catalog.remove('APP-2', 'i-2');
    const [first, second] = [await writing, await whole()];
    expect(first.plain().toString()).toContain('"apps__hashcode":"UP_30_"');
    expect(idsIn(first.plain())).toHaveLength(30);
    expect(idsIn(second.plain())).toHaveLength(29);
  });
});
