import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createBodies } from '../../src/eureka/bodies.ts';
import { hashCode } from '../../src/eureka/hash-code.ts';
import { readInstance } from '../../src/eureka/read-instance.ts';
import { readXml } from '../../src/eureka/read-xml.ts';
import type { RegisteredStatus } from '../../src/model/registration.ts';
import { registered } from '../../src/registry/lifecycle.ts';
import { failureOf } from '../model/failure.ts';
import { registrationOf, requestOf } from '../registry/registration.ts';

const bodies = createBodies();

/** Text that XML can hold; white space at the ends is nobody's. */
const word = fc.string({ unit: 'grapheme-ascii', minLength: 1, maxLength: 12 }).map((text) => text.trim());
const name = fc.stringMatching(/^[a-z][a-z0-9]{0,8}$/);

const requests = fc
  .record({
    status: fc.constantFrom<RegisteredStatus>('UP', 'DOWN', 'STARTING', 'OUT_OF_SERVICE'),
    port: fc.record({ number: fc.nat(65_535), enabled: fc.boolean() }),
    vip: word.filter((text) => text !== ''),
    metadata: fc.dictionary(name, word, { maxKeys: 4 }),
    words: fc.record({ homePageUrl: fc.webUrl() }),
    renewSeconds: fc.integer({ min: 1, max: 86_400 }),
    durationSeconds: fc.integer({ min: 1, max: 86_400 }),
    dirtyMs: fc.integer({ min: 1, max: 2_000_000_000_000 }),
  })
  .map(requestOf);

describe('bodies of the Eureka protocol', () => {
  it.each(['json', 'xml'] as const)('read back to the same registration, in %s', (form) => {
    fc.assert(
      fc.property(requests, (request) => {
        const text = bodies[form].instance(registered(request, undefined, 1));
        const read = readInstance('web', form === 'json' ? JSON.parse(text) : readXml(text));
        const words = { ...request.words, countryId: '1' };
        expect(read).toEqual({ kind: 'instance', request: { ...request, words } });
      }),
      { seed: 6, numRuns: 200 },
    );
  });

  it('name what is empty by its class, and number what counts', () => {
    const text = bodies.json.instance(registrationOf({ override: 'OUT_OF_SERVICE', updatedMs: 12 }));
    expect(JSON.parse(text)).toMatchObject({
      instance: {
        metadata: { '@class': 'java.util.Collections$EmptyMap' },
        overriddenStatus: 'OUT_OF_SERVICE',
        status: 'OUT_OF_SERVICE',
        lastUpdatedTimestamp: '12',
        countryId: 1,
      },
    });
  });

  it('have the hash code of the statuses in alphabetical order', () => {
    expect(
      hashCode(
        new Map([
          ['UP', 3],
          ['DOWN', 1],
          ['OUT_OF_SERVICE', 2],
        ]),
      ),
    ).toBe('DOWN_1_OUT_OF_SERVICE_2_UP_3_');
    expect(hashCode(new Map())).toBe('');
  });
});

describe('reading what clients send', () => {
  const sent = {
    app: 'web',
    hostName: 'n1',
    ipAddr: '10.0.0.1',
    dataCenterInfo: { name: 'MyOwn' },
  };
  const read = (fields: object): unknown => {
    const result = readInstance('WEB', { instance: { ...sent, ...fields } });
    return result.kind === 'instance' ? result.request : result.why;
  };

  it('takes ports and flags as numbers, texts and truth values', () => {
    for (const port of [8080, '8080', { $: 8080, '@enabled': true }, { $: '8080', '@enabled': 'true' }]) {
      expect(read({ port })).toMatchObject({ port: { number: 8080, enabled: true } });
    }
    expect(read({ port: { $: 80, '@enabled': 'false' } })).toMatchObject({ port: { enabled: false } });
    expect(read({})).toMatchObject({ port: { number: 7001, enabled: true }, securePort: { enabled: false } });
  });

  it('takes the id of the machine or the name of the host where no id is named', () => {
    expect(read({})).toMatchObject({ id: 'n1' });
    const machine = { name: 'Amazon', metadata: { 'instance-id': 'i-123' } };
    expect(read({ dataCenterInfo: machine })).toMatchObject({ id: 'i-123', dataCenter: { name: 'Amazon' } });
    expect(read({ dataCenterInfo: machine, instanceId: 'x' })).toMatchObject({ id: 'x' });
  });

  it('takes the times of the protocol where none are said, and never less than a second', () => {
    expect(read({})).toMatchObject({ renewSeconds: 30, durationSeconds: 90, status: 'UP' });
    const leaseInfo = { renewalIntervalInSecs: 0, durationInSecs: '999999999' };
    expect(read({ leaseInfo, status: 'weird' })).toMatchObject({
      renewSeconds: 1,
      durationSeconds: 86_400,
      status: 'UNKNOWN',
    });
  });

  it('never throws on JSON of any shape', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        expect(['instance', 'refused']).toContain(readInstance('WEB', { instance: value }).kind);
        expect(readInstance('WEB', value).kind).toBe('refused');
      }),
      { seed: 6, numRuns: 300 },
    );
  });

  it('refuses XML that is none, with foreign entities, or nested too deep', async () => {
    const deep = `${'<a>'.repeat(100)}${'</a>'.repeat(100)}`;
    for (const text of ['', '<a>', '<a>&x;</a>', '<!DOCTYPE a [<!ENTITY x "y">]><a>&x;</a>', deep]) {
      expect((await failureOf(() => readXml(text))).code).toBe('invalid-spec');
    }
  });
});
