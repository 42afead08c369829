import { describe, expect, it } from 'vitest';
import { formatEntry, parseEntry } from '../../src/model/entry.ts';
import type { Instance, Service, Stored } from '../../src/model/service.ts';
import type { Snapshot } from '../../src/model/snapshot.ts';
import { rulesetOf } from '../../src/rules/ruleset-of.ts';

function stored<T>(value: T, createRevision: number): Stored<T> {
  return { value, createRevision, modRevision: createRevision, raw: {} };
}

function service(name: string, entries: readonly string[], createRevision = 1): Stored<Service> {
  const parsed = entries.map((entry) => parseEntry(entry));
  return stored(
    { name, entries: parsed, origin: 'static', masquerade: false, createdAt: '' },
    createRevision,
  );
}

function instance(
  address: Partial<Instance> & { readonly ip: string },
  createRevision = 1,
): Stored<Instance> {
  const fixed = {
    service: 'web',
    port: 8080,
    weight: 1,
    origin: 'static',
    state: 'ready',
    createdAt: '',
  } as const;
  return stored({ ...fixed, id: `${address.ip}:8080`, ...address }, createRevision);
}

function snapshot(
  services: readonly Stored<Service>[],
  instances: readonly Stored<Instance>[] = [],
): Snapshot {
  return {
    revision: 9,
    services: new Map(services.map((one) => [one.value.name, one])),
    instances: new Map(services.map((one) => [one.value.name, instances])),
  };
}

const targetsOf = (from: Snapshot): readonly string[] =>
  rulesetOf(from).entries[0]?.targets.map(({ ip, weight }) => `${ip}=${weight}`) ?? [];

const holder = (services: readonly Stored<Service>[]): readonly string[] =>
  rulesetOf(snapshot(services)).entries.map((rules) => rules.service);

describe('the ruleset of a snapshot', () => {
  it('has the weights that were computed, scaled to the base weights of now', () => {
    const instances = [
      instance({ ip: '10.0.0.1', id: 'a' }, 1),
      instance({ ip: '10.0.0.2', id: 'b', weight: 6 }, 2),
      instance({ ip: '10.0.0.3', id: 'new' }, 3),
      instance({ ip: '10.0.0.4', id: 'out', weight: 0 }, 4),
      instance({ ip: '10.0.0.5', id: 'unready', state: 'starting' }, 5),
    ];
    const plain = snapshot([service('web', ['10.96.0.1:80'])], instances);
    const weights = new Map([
      ['a', { weight: 10, base: 1 }],
      ['b', { weight: 60, base: 3 }],
      ['out', { weight: 7, base: 1 }],
      ['gone', { weight: 900, base: 1 }],
    ]);
    const web = { service: 'web', weights, why: '', at: '' };
    const weighed: Snapshot = { ...plain, weights: new Map([['web', web]]) };
    expect(targetsOf(plain)).toEqual(['10.0.0.1=1', '10.0.0.2=6', '10.0.0.3=1']);
    expect(targetsOf(weighed)).toEqual(['10.0.0.1=10', '10.0.0.2=120', '10.0.0.3=15']);
    const away: Snapshot = {
      ...plain,
      weights: new Map([['web', { ...web, weights: new Map([['a', { weight: 0, base: 1 }]]) }]]),
    };
    expect(targetsOf(away)).toEqual(['10.0.0.1=1', '10.0.0.2=6', '10.0.0.3=1']);
  });

  it('lists instances from the oldest to the newest, those of one transaction by id', () => {
    const instances = [
      instance({ ip: '10.0.0.3' }, 7),
      instance({ ip: '10.0.0.1' }, 9),
      instance({ ip: '10.0.0.9', id: 'b' }, 3),
      instance({ ip: '10.0.0.8', id: 'a' }, 3),
    ];
    const expected = ['10.0.0.8=1', '10.0.0.9=1', '10.0.0.3=1', '10.0.0.1=1'];
    expect(targetsOf(snapshot([service('web', ['10.96.0.1:80'])], instances))).toEqual(expected);
    expect(targetsOf(snapshot([service('web', ['10.96.0.1:80'])], instances.toReversed()))).toEqual(expected);
  });

  it('has no rule for weight 0, for any state but ready, and for the other family', () => {
    const states = ['pending', 'starting', 'draining', 'stopping', 'stopped', 'failed', 'crashloop'] as const;
    const instances = [
      ...states.map((state) => instance({ ip: '10.0.0.1', state, id: state })),
      instance({ ip: '10.0.0.2', weight: 0 }),
      instance({ ip: 'fd00::2' }),
      instance({ ip: '10.0.0.3', weight: 7 }),
    ];
    const both = snapshot([service('web', ['10.96.0.1:80', '[fd00::10]:80'])], instances);
    expect(rulesetOf(both).entries.map(({ entry, targets }) => [formatEntry(entry), targets])).toEqual([
      ['10.96.0.1:80/tcp', [{ ip: '10.0.0.3', port: 8080, weight: 7 }]],
      ['[fd00::10]:80/tcp', [{ ip: 'fd00::2', port: 8080, weight: 1 }]],
    ]);
  });

  it('has no rule for what people took out: a listed one by any order, a managed one by a forced one', () => {
    const order = { since: '2026-01-01T00:00:00.000Z', by: 'ann@pc' };
    const forced = { ...order, force: true };
    const instances = [
      instance({ ip: '10.0.0.1', drain: order }),
      instance({ ip: '10.0.0.2', drain: forced, origin: 'managed' }),
      instance({ ip: '10.0.0.3', drain: order, origin: 'managed' }),
    ];
    expect(targetsOf(snapshot([service('web', ['10.96.0.1:80'])], instances))).toEqual(['10.0.0.3=1']);
  });

  it('keeps the entry of a service without usable instances', () => {
    expect(rulesetOf(snapshot([service('web', ['10.96.0.1:80'])])).entries).toHaveLength(1);
  });

  it('sorts the entries of all services by address, port and protocol', () => {
    const services = [
      service('b', ['10.96.0.10:80', '[fd00::1]:1', '10.96.0.9:256']),
      service('a', ['10.96.0.10:80/udp', '10.96.0.9:81', '9.255.255.255:65535']),
    ];
    const sorted = rulesetOf(snapshot(services)).entries.map(({ entry }) => formatEntry(entry));
    expect(sorted).toEqual([
      '9.255.255.255:65535/tcp',
      '10.96.0.9:81/tcp',
      '10.96.0.9:256/tcp',
      '10.96.0.10:80/tcp',
      '10.96.0.10:80/udp',
      '[fd00::1]:1/tcp',
    ]);
    expect(rulesetOf(snapshot(services.toReversed())).entries.map(({ entry }) => formatEntry(entry))).toEqual(
      sorted,
    );
  });

  it('gives an entry that two services hold to the older claim, then to the first name', () => {
    const [young, old] = [service('a', ['10.96.0.1:80'], 8), service('z', ['10.96.0.1:80'], 5)];
    expect(holder([young, old])).toEqual(['z']);
    expect(holder([old, young])).toEqual(['z']);
    const twins = [service('b', ['10.96.0.1:80'], 5), service('a', ['10.96.0.1:80'], 5)];
    expect(holder(twins)).toEqual(['a']);
    expect(holder(twins.toReversed())).toEqual(['a']);
  });

  it('gives back the same objects for a service that did not change, and new ones when an instance changed', () => {
    const web = service('web', ['10.96.0.1:80']);
    const [first, second] = [instance({ ip: '10.0.0.1' }), instance({ ip: '10.0.0.2' })];
    const before = rulesetOf(snapshot([web], [first, second])).entries[0];
    expect(rulesetOf(snapshot([web], [first, second])).entries[0]).toBe(before);
    const heavier = { ...second, value: { ...second.value, weight: 5 } };
    expect(targetsOf(snapshot([web], [first, heavier]))).toEqual(['10.0.0.1=1', '10.0.0.2=5']);
    expect(targetsOf(snapshot([web], [first]))).toEqual(['10.0.0.1=1']);
  });
});
