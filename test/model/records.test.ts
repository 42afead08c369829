/** Tests the stored form of every key family: round trips, unknown fields, and that hostile values never get through. */
import { describe, expect, it, vi } from 'vitest';
import { SluiceError } from '../../src/errors.ts';
import type { Assignment } from '../../src/model/assignment.ts';
import type { Audit } from '../../src/model/audit.ts';
import type { Decision, Leader } from '../../src/model/decision.ts';
import { formatEntry, parseEntry } from '../../src/model/entry.ts';
import type { Applied, NodeFacts } from '../../src/model/node.ts';
import { decodeAssignment, encodeAssignment } from '../../src/model/records-assignment.ts';
import { decodeAudit, encodeAudit } from '../../src/model/records-audit.ts';
import {
  decodeDecision,
  decodeLeader,
  encodeDecision,
  encodeLeader,
} from '../../src/model/records-leader.ts';
import {
  decodeApplied,
  decodeNode,
  decodeNodeAlive,
  encodeApplied,
  encodeNode,
  encodeNodeAlive,
  encodeNodeOrders,
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
import { templateOf } from '../../src/model/template-defaults.ts';
import { templateHash } from '../../src/model/template-hash.ts';

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

const template = templateOf({ command: ['node', 'server.js', '{port}'], env: { constructor: 'x' } });
const managed: Service = { ...service, origin: 'managed', replicas: 3, template };
const worker: Instance = {
  ...instance,
  id: 'web-7f3a',
  origin: 'managed',
  state: 'draining',
  node: 'n2',
  templateHash: templateHash(template),
  stateSince: AT,
  why: 'exit code 1',
  restarts: 2,
  drain: {
    since: AT,
    by: 'ada@admin-1',
    reason: 'move',
    deadlineSeconds: 60,
    onDeadline: 'reset',
    force: true,
  },
};
const assignment: Assignment = {
  node: 'n2',
  service: 'web',
  id: 'web-7f3a',
  template,
  templateHash: templateHash(template),
  weight: 1,
  createdAt: AT,
  stop: { reason: 'scaled to 2', since: AT, drainSeconds: 0.5, onDeadline: 'leave' },
};
const leader: Leader = { node: 'n1', host: 'h1', pid: 42, since: AT };
const decision: Decision = {
  at: AT,
  service: 'web',
  what: 'started web-7f3a on n2',
  why: '2 of 3 instances',
  done: true,
  instance: 'web-7f3a',
  node: 'n2',
  by: 'n1',
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
    const reaches = { n2: true, n3: false };
    expect(decodeNodeAlive('n1', encodeNodeAlive({ name: 'n1', since: AT, reaches })).value.reaches).toEqual(
      reaches,
    );
    expect(decodeApplied('n1', encodeApplied(applied)).value).toEqual(applied);
    expect(decodeAudit(`${AT}-${audit.requestId}`, encodeAudit(audit)).value).toEqual(audit);
    expect(decodeGeneration(encodeGeneration({ at: AT, requestId: 'a' })).value.requestId).toBe('a');
    expect(decodeService('web', encodeService(managed)).value).toEqual(managed);
    expect(decodeInstance('web', worker.id, encodeInstance(worker)).value).toEqual(worker);
    expect(decodeAssignment(assignment, encodeAssignment(assignment)).value).toEqual(assignment);
    expect(decodeLeader(encodeLeader(leader)).value).toEqual(leader);
    expect(decodeDecision(decision, encodeDecision(decision)).value).toEqual(decision);
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

  it('keeps in a template what a newer version wrote, as long as the rest is as it was', () => {
    const json = encodeService(managed).replace('"ports":', '"newer":{"a":1},"ports":');
    const { value, raw } = decodeService('web', json);
    expect(encodeService({ ...value, replicas: 4 }, raw)).toContain('"newer":{"a":1}');
    const changed = { ...template, graceSeconds: 11 };
    expect(encodeService({ ...value, template: changed }, raw)).not.toContain('newer');
  });

  it('keeps what people set in a node when its agent writes, and what the agent said when people write', () => {
    const labels = { zone: 'a' };
    const json = encodeNode({ ...facts, labels, drivers: ['process', 'podman'] });
    const order = { since: AT, by: 'ada@admin-1' };
    const drained = encodeNodeOrders({ cordoned: true, drain: order }, decodeNode('n1', json).raw);
    expect(decodeNode('n1', drained).value).toEqual({
      ...facts,
      labels,
      drivers: ['process', 'podman'],
      cordoned: true,
      drain: order,
    });
    const again = decodeNode('n1', encodeNode({ ...facts, cpus: 4 }, decodeNode('n1', drained).raw));
    expect(again.value).toEqual({ ...facts, cpus: 4, cordoned: true, drain: order });
    expect(decodeNode('n1', encodeNodeOrders({}, again.raw)).value).toEqual({ ...facts, cpus: 4 });
  });

  it('passes over drivers that only a newer agent knows', () => {
    const json = JSON.stringify({ ...JSON.parse(encodeNode(facts)), drivers: ['exec', 'wasm'] });
    expect(decodeNode('n1', json).value.drivers).toEqual(['exec']);
  });

  it('keeps why drivers are missing on a node, in plain lines', () => {
    const missingDrivers = ['podman: podman is not installed', `systemd: ${'x'.repeat(500)}\u001b[31m`];
    const { value } = decodeNode('n1', encodeNode({ ...facts, missingDrivers }));
    expect(value.missingDrivers?.[0]).toBe(missingDrivers[0]);
    expect(value.missingDrivers?.[1]).toMatch(/^systemd: [x…]{100,200}$/);
  });

  it('lets a managed instance be without a port while it does not run, and no other', () => {
    for (const state of ['pending', 'failed', 'crashloop', 'stopped'] as const) {
      const waiting: Instance = { ...worker, port: 0, state };
      expect(decodeInstance('web', worker.id, encodeInstance(waiting)).value).toEqual(waiting);
    }
    for (const state of ['starting', 'ready', 'draining', 'stopping'] as const) {
      const json = encodeInstance({ ...worker, port: 0, state });
      expect(failureOf(() => decodeInstance('web', worker.id, json)).details['field']).toBe('address');
    }
    const listed = encodeInstance({ ...instance, port: 0, state: 'stopped' });
    expect(failureOf(() => decodeInstance('web', '10.0.1.11:0', listed)).code).toBe('failed');
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
  managed: JSON.parse(encodeService(managed)),
  worker: JSON.parse(encodeInstance(worker)),
  assignment: JSON.parse(encodeAssignment(assignment)),
  leader: JSON.parse(encodeLeader(leader)),
  decision: JSON.parse(encodeDecision(decision)),
};
const decoders: Readonly<Record<string, (json: string) => unknown>> = {
  service: (json) => decodeService('web', json),
  instance: (json) => decodeInstance('web', instance.id, json),
  node: (json) => decodeNode('n1', json),
  applied: (json) => decodeApplied('n1', json),
  audit: (json) => decodeAudit(`${AT}-${audit.requestId}`, json),
  managed: (json) => decodeService('web', json),
  worker: (json) => decodeInstance('web', worker.id, json),
  assignment: (json) => decodeAssignment(assignment, json),
  leader: (json) => decodeLeader(json),
  decision: (json) => decodeDecision(decision, json),
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
  ['node', 'labels', { 'a b': 'c' }],
  ['node', 'labels', { a: 1 }],
  ['node', 'drivers', 'process'],
  ['node', 'cordoned', 'yes'],
  ['node', 'drain', { since: AT }],
  ['service', 'replicas', 3],
  ['service', 'template', template],
  ...[undefined, -1, 1_001, 1.5, '3'].map((value) => ['managed', 'replicas', value] as const),
  ...[
    undefined,
    null,
    [],
    { ...template, driver: 'shell' },
    { ...template, command: 'node' },
    { ...template, command: [] },
    { ...template, command: ['node', '{prot}'] },
    { ...template, env: { A: 1 } },
    { ...template, env: { 'A=B': '1' } },
    { ...template, workingDirectory: '/srv/../etc' },
    { ...template, user: 'a;b' },
    { ...template, ports: { from: 0, to: 1 } },
    { ...template, probe: { kind: 'tcp' } },
    { ...template, probe: { ...template.probe, intervalSeconds: 0 } },
    { ...template, stopSignal: 'SIGKILL' },
    { ...template, graceSeconds: null },
    { ...template, nodeSelector: ['zone'] },
  ].map((value) => ['managed', 'template', value] as const),
  ['worker', 'templateHash', 'xyz'],
  ['worker', 'stateSince', 'yesterday'],
  ['worker', 'why', 'a\nb'],
  ['worker', 'restarts', -1],
  ['worker', 'drain', { since: AT, by: 'a\u001b' }],
  ['worker', 'drain', { ...worker.drain, deadlineSeconds: 1e9 }],
  ['worker', 'drain', { ...worker.drain, onDeadline: 'kill' }],
  ['assignment', 'template', { ...template, command: [''] }],
  ['assignment', 'weight', -1],
  ['assignment', 'stop', { since: AT }],
  ['leader', 'node', '../n1'],
  ['leader', 'pid', -1],
  ['decision', 'done', 'yes'],
  ['decision', 'why', 'a\nb'],
  ['audit', 'reason', 'a\nb'],
  ['audit', 'requestId', 'other'],
  ['audit', 'at', '2026-01-31'],
];

describe('hostile stored values', () => {
  it.each(hostile)('refuses a %s whose %s is %j', (family, field, value) => {
    const failure = failureOf(() => decoders[family]?.(JSON.stringify({ ...good[family], [field]: value })));
    expect(failure.code).toBe('failed');
    const keys: Readonly<Record<string, string>> = {
      managed: 'service/',
      worker: 'instance/',
      leader: 'leader',
    };
    expect(failure.message).toContain(`stored "${keys[family] ?? `${family}/`}`);
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
    const started = encodeInstance({ ...instance, origin: 'managed' });
    expect(decodeInstance('web', 'web-1', started).value.id).toBe('web-1');
    for (const id of ['', '..', '-x', 'a/b', 'a b', 'a\n', '$(x)', 'x'.repeat(200)]) {
      expect(failureOf(() => decodeInstance('web', id, started)).code).toBe('failed');
    }
    expect(failureOf(() => decodeInstance('web', '10.0.1.12:8080', json)).code).toBe('failed');
    const order = encodeAssignment(assignment);
    for (const name of [{ node: '../n1' }, { service: 'a b' }, { id: '..' }, { id: 'a/b' }]) {
      expect(failureOf(() => decodeAssignment({ ...assignment, ...name }, order)).code).toBe('failed');
    }
    for (const name of [{ service: '' }, { at: 'now' }]) {
      const written = encodeDecision(decision);
      expect(failureOf(() => decodeDecision({ ...decision, ...name }, written)).code).toBe('failed');
    }
    for (const entry of ['', '10.96.0.10:80', '127.0.0.1:80/tcp', '10.96.0.10:80/tcp ']) {
      expect(failureOf(() => decodeEntryClaim(entry, '{"service":"web"}')).code).toBe('failed');
    }
    expect(failureOf(() => decodeEntryClaim('10.96.0.10:80/tcp', '{"service":"Web"}')).code).toBe('failed');
  });
});
