/** Tests the stored form of every key family: round trips, unknown fields, and that hostile values never get through. */
import { describe, expect, it, vi } from 'vitest';
import { SluiceError } from '../../src/errors.ts';
import type { Audit } from '../../src/model/audit.ts';
import { formatEntry, parseEntry } from '../../src/model/entry.ts';
import type { Applied, NodeFacts } from '../../src/model/node.ts';
import { decodeAudit, encodeAudit } from '../../src/model/records-audit.ts';
import {
  decodeApplied,
  decodeNode,
  decodeNodeAlive,
  encodeApplied,
  encodeNode,
  encodeNodeAlive,
} from '../../src/model/records-node.ts';
import {
  decodeEntryClaim,
  decodeGeneration,
  decodeInstance,
  decodeService,
  encodeEntryClaim,
  encodeGeneration,
  encodeInstance,
  encodeService,
} from '../../src/model/records-service.ts';
import type { Instance, Service } from '../../src/model/service.ts';

// A loaded machine is no failure.
vi.setConfig({ testTimeout: 60_000 });

const AT = '2026-01-31T09:30:00.123Z';
const service: Service = {
  name: 'web',
  entries: [parseEntry('10.96.0.10:80'), parseEntry('[fd00::10]:53/udp')],
  origin: 'static',
  masquerade: false,
  createdAt: AT,
};
const instance: Instance = {
  service: 'web',
  id: '10.0.1.11:8080',
  ip: '10.0.1.11',
  port: 8080,
  weight: 3,
  origin: 'static',
  state: 'ready',
  createdAt: AT,
};
const facts: NodeFacts = {
  name: 'n1',
  addresses: ['10.0.0.1', 'fd00::1'],
  cpus: 2,
  memoryBytes: 1024,
  version: '0.1.0',
  kernel: '6.1.0',
  dataplane: 'iptables-nft',
  startedAt: AT,
};
const applied: Applied = {
  node: 'n1',
  revision: 42,
  rulesHash: 'abc123',
  entries: 1,
  instances: 2,
  appliedAt: AT,
  failures: ['route 10.96.0.10: busy'],
};
const audit: Audit = {
  at: AT,
  actor: 'ada',
  host: 'admin-1',
  command: 'sluice publish web',
  reason: 'more load',
  requestId: '0123456789abcdef',
  subject: 'service/web',
  outcome: 'created',
  beforeHash: '',
  afterHash: 'ff00',
};

function failureOf(act: () => unknown): SluiceError {
  try {
    act();
  } catch (error) {
    if (error instanceof SluiceError) return error;
    throw error;
  }
  throw new Error('nothing was refused');
}

describe('round trips', () => {
  it('gives back every family as it was written', () => {
    expect(decodeService('web', encodeService(service)).value).toEqual(service);
    expect(decodeInstance('web', instance.id, encodeInstance(instance)).value).toEqual(instance);
    expect(decodeNode('n1', encodeNode(facts)).value).toEqual(facts);
    expect(decodeNodeAlive('n1', encodeNodeAlive({ name: 'n1', since: AT })).value.since).toBe(AT);
    expect(decodeApplied('n1', encodeApplied(applied)).value).toEqual(applied);
    expect(decodeAudit(`${AT}-${audit.requestId}`, encodeAudit(audit)).value).toEqual(audit);
    expect(decodeGeneration(encodeGeneration({ at: AT, requestId: 'a' })).value.requestId).toBe('a');
    const entry = parseEntry('[fd00::10]:53/udp');
    expect(decodeEntryClaim(formatEntry(entry), encodeEntryClaim({ service: 'web' })).value).toEqual({
      entry,
      service: 'web',
    });
  });

  it('writes canonical JSON: sorted keys, entries as sorted text', () => {
    expect(encodeService({ ...service, entries: service.entries.toReversed() })).toBe(
      `{"createdAt":"${AT}","entries":["10.96.0.10:80/tcp","[fd00::10]:53/udp"],"masquerade":false,"origin":"static"}`,
    );
    expect(encodeInstance({ ...instance, node: 'n2' })).toBe(
      `{"address":"10.0.1.11:8080","createdAt":"${AT}","node":"n2","origin":"static","state":"ready","weight":3}`,
    );
  });

  it('keeps fields of other versions, also odd ones, and drops known fields that are gone', () => {
    const json = encodeInstance({ ...instance, node: 'n2' }).replace(
      '{',
      '{"zone":{"b":[2],"a":1},"__proto__":{"weight":9},"constructor":1,',
    );
    const { value, raw } = decodeInstance('web', instance.id, json);
    const again = encodeInstance({ ...value, node: undefined, weight: 4 }, raw);
    expect(again).toBe(
      `{"__proto__":{"weight":9},"address":"10.0.1.11:8080","constructor":1,"createdAt":"${AT}",` +
        `"origin":"static","state":"ready","weight":4,"zone":{"a":1,"b":[2]}}`,
    );
    expect(decodeInstance('web', instance.id, again).value.weight).toBe(4);
    expect(({} as Record<string, unknown>)['weight']).toBeUndefined();
  });

  it('makes foreign text plain before it is stored, so that it can always be read back', () => {
    const nasty = `iptables: \u001b[31mline\n${'x'.repeat(10_000)}`;
    const lines = Array.from({ length: 500 }, () => nasty);
    const back = decodeApplied('n1', encodeApplied({ ...applied, failures: lines })).value;
    expect(back.failures).toHaveLength(100);
    expect(back.failures[0]).toMatch(/^iptables: {2}\[31mline x+…$/);
    const record = { ...audit, command: nasty, reason: 'a\u202eb' };
    expect(decodeAudit(`${AT}-${audit.requestId}`, encodeAudit(record)).value.reason).toBe('a b');
  });
});

const good: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {
  service: JSON.parse(encodeService(service)),
  instance: JSON.parse(encodeInstance(instance)),
  node: JSON.parse(encodeNode(facts)),
  applied: JSON.parse(encodeApplied(applied)),
  audit: JSON.parse(encodeAudit(audit)),
};
const decoders: Readonly<Record<string, (json: string) => unknown>> = {
  service: (json) => decodeService('web', json),
  instance: (json) => decodeInstance('web', instance.id, json),
  node: (json) => decodeNode('n1', json),
  applied: (json) => decodeApplied('n1', json),
  audit: (json) => decodeAudit(`${AT}-${audit.requestId}`, json),
};
const manyEntries = Array.from({ length: 65 }, (_, index) => `10.96.0.10:${index + 1}/tcp`);

const hostile: readonly (readonly [string, string, unknown])[] = [
  ['service', 'entries', []],
  ['service', 'entries', 'x'],
  ['service', 'entries', manyEntries],
  ['service', 'entries', ['10.96.0.10:80/tcp', '10.96.0.10:80/tcp']],
  ...[
    '10.96.0.10:80',
    '10.96.0.10:80/tcp\n-A INPUT',
    '010.0.0.1:80/tcp',
    '10.96.0.10:080/tcp',
    '10.96.0.10:70000/tcp',
    '127.0.0.1:22/tcp',
    '0.0.0.0:80/tcp',
    '[FD00::10]:53/udp',
    '[::ffff:a00:1]:53/udp',
    '[fe80::1]:80/tcp',
    '224.0.0.1:80/tcp',
    '255.255.255.255:67/udp',
    '169.254.169.254:80/tcp',
    '10.96.0.10:80/sctp',
    '1٠.96.0.10:80/tcp',
    7,
    null,
  ].map((entry) => ['service', 'entries', [entry]] as const),
  ['service', 'origin', 'root'],
  ['service', 'masquerade', 'false'],
  ['service', 'createdAt', '2026-02-30T00:00:00Z'],
  ['service', 'createdAt', '2026-01-31T09:30:00+01:00'],
  ['service', 'createdAt', 0],
  ['instance', 'address', '10.0.1.12:8080'],
  ['instance', 'address', '10.0.1.11:8080 -j ACCEPT'],
  ['instance', 'address', undefined],
  ...[-1, 65_536, 1.5, '3', null, Number.NaN].map((weight) => ['instance', 'weight', weight] as const),
  ['instance', 'state', 'constructor'],
  ['instance', 'origin', '__proto__'],
  ['instance', 'node', '../n1'],
  ['node', 'addresses', []],
  ['node', 'addresses', ['10.0.0.1; reboot']],
  ['node', 'cpus', 1e300],
  ['node', 'memoryBytes', -1],
  ['node', 'kernel', '6.1\u001b]0;x\u0007'],
  ['applied', 'revision', 2 ** 53],
  ['applied', 'rulesHash', '$(reboot)'],
  ['applied', 'failures', [1]],
  ['audit', 'reason', 'a\nb'],
  ['audit', 'requestId', 'other'],
  ['audit', 'at', '2026-01-31'],
];

describe('hostile stored values', () => {
  it.each(hostile)('refuses a %s whose %s is %j', (family, field, value) => {
    const failure = failureOf(() => decoders[family]?.(JSON.stringify({ ...good[family], [field]: value })));
    expect(failure.code).toBe('failed');
    expect(failure.message).toContain(`stored "${family}/`);
    expect(failure.details['field']).toMatch(new RegExp(`^${field === 'at' ? '(at|requestId)' : field}`));
    expect(failure.message).not.toMatch(/[\p{Cc}]/u);
  });

  it.each([
    '',
    '{',
    'null',
    '[]',
    '"x"',
    '1e999',
    '{"a":'.repeat(5_000),
    `${'{"a":'.repeat(5_000)}1${'}'.repeat(5_000)}`,
    JSON.stringify({ ...good['service'], big: 'x'.repeat(1024 * 1024) }),
    `{"zone":${'['.repeat(100)}${']'.repeat(100)},${JSON.stringify(good['service']).slice(1)}`,
  ])('refuses what is no bounded JSON object (case %#)', (json) => {
    for (const decode of Object.values(decoders)) expect(failureOf(() => decode(json)).code).toBe('failed');
  });

  it('refuses names and ids in keys that no sluice writes', () => {
    const json = encodeInstance(instance);
    for (const name of ['', 'Web', '../etc', 'a b', 'a\nb', 'x'.repeat(64)]) {
      expect(failureOf(() => decodeService(name, encodeService(service))).code).toBe('failed');
      expect(failureOf(() => decodeInstance(name, instance.id, json)).code).toBe('failed');
      expect(failureOf(() => decodeNode(name, encodeNode(facts))).code).toBe('failed');
    }
    const managed = encodeInstance({ ...instance, origin: 'managed' });
    expect(decodeInstance('web', 'web-1', managed).value.id).toBe('web-1');
    for (const id of ['', '..', '-x', 'a/b', 'a b', 'a\n', '$(x)', 'x'.repeat(200)]) {
      expect(failureOf(() => decodeInstance('web', id, managed)).code).toBe('failed');
    }
    expect(failureOf(() => decodeInstance('web', '10.0.1.12:8080', json)).code).toBe('failed');
    for (const entry of ['', '10.96.0.10:80', '127.0.0.1:80/tcp', '10.96.0.10:80/tcp ']) {
      expect(failureOf(() => decodeEntryClaim(entry, '{"service":"web"}')).code).toBe('failed');
    }
    expect(failureOf(() => decodeEntryClaim('10.96.0.10:80/tcp', '{"service":"Web"}')).code).toBe('failed');
  });
});
