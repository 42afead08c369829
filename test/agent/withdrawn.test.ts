import { describe, expect, it } from 'vitest';
import { withdrawFrom, isSameWithdrawal, type Withdrawn } from '../../src/agent/withdrawn.ts';
import type { Instance, Service, Stored } from '../../src/model/service.ts';
import { templateOf } from '../../src/model/template-defaults.ts';
import type { Snapshot } from '../../src/model/snapshot.ts';
import { rulesetOf } from '../../src/rules/ruleset-of.ts';
import { encodeInstance, encodeService } from '../../src/model/records-service.ts';
import { instanceKey, serviceKey } from '../../src/store/keys.ts';
import { createMemoryStore } from '../../src/store/memory/memory.ts';
import { startMemoryAgent, stateDirectory } from './world.ts';

const TIME = '2026-01-01T00:00:00.000Z';
const service: Service = {
  name: 'web',
  entries: [{ ip: '10.96.0.1', port: 80, protocol: 'tcp' }],
  origin: 'managed',
  masquerade: false,
  replicas: 2,
  template: templateOf({ command: ['serve'] }),
  createdAt: TIME,
};
const instance = (id: string, port: number, state: Instance['state'] = 'ready'): Instance => ({
  service: 'web',
  id,
  ip: '10.0.0.1',
  port,
  weight: 100,
  origin: 'managed',
  state,
  node: 'n1',
  createdAt: TIME,
});
const stored = <T>(value: T): Stored<T> => ({ value, createRevision: 1, modRevision: 1, raw: {} });
const snapshot: Snapshot = {
  revision: 1,
  services: new Map([['web', stored(service)]]),
  instances: new Map([
    ['web', [stored(instance('a', 1)), stored(instance('b', 2)), stored(instance('c', 3, 'starting'))]],
  ]),
};
const withdrawn = (states: Readonly<Record<string, Instance['state']>>): Withdrawn =>
  new Map([['web', new Map(Object.entries(states))]]);
const portsOf = (from: Snapshot): readonly number[] =>
  rulesetOf(from).entries.flatMap(({ targets }) => targets.map(({ port }) => port));

describe('local withdrawal', () => {
  it('takes an instance that the store calls ready out of the rules, and no other', () => {
    expect(portsOf(snapshot)).toEqual([1, 2]);
    expect(portsOf(withdrawFrom(snapshot, withdrawn({ a: 'failed' })))).toEqual([2]);
  });

  it('makes nothing ready', () => {
    expect(portsOf(withdrawFrom(snapshot, withdrawn({ c: 'ready' })))).toEqual([1, 2]);
  });

  it('gives the same objects for the same question, so that rules are kept', () => {
    const again = (): unknown => withdrawFrom(snapshot, withdrawn({ a: 'failed' })).instances.get('web')?.[0];
    expect(again()).toBe(again());
    expect(withdrawFrom(snapshot, withdrawn({ x: 'failed' }))).toBe(snapshot);
  });

  it('knows when nothing has to be applied', () => {
    const [none, failed, known] = [new Map(), withdrawn({ a: 'failed' }), withdrawn({ c: 'failed' })];
    expect(isSameWithdrawal(snapshot, none, known)).toBe(true);
    expect(isSameWithdrawal(snapshot, failed, failed)).toBe(true);
    expect(isSameWithdrawal(snapshot, none, failed)).toBe(false);
    expect(isSameWithdrawal(snapshot, failed, none)).toBe(false);
  });

  it('is in the kernel and in the acknowledgement at once, and ends when it is taken back', async () => {
    const store = createMemoryStore();
    const puts = [
      { key: serviceKey('web'), value: encodeService(service) },
      // Of another node: its own supervisor says nothing of them.
      ...[instance('a', 8_001), instance('b', 8_002)].map((one) => ({
        key: instanceKey('web', one.id),
        value: encodeInstance({ ...one, node: 'n2' }),
      })),
    ];
    await store.transact({ compares: [], operations: puts.map((put) => ({ kind: 'put', ...put })) });
    const { kernel, rules } = await startMemoryAgent({ stateDir: await stateDirectory(), store });
    const told: number[] = [];
    await rules((text) => text.includes('10.0.0.1:8001') && text.includes('10.0.0.1:8002'));
    kernel.onApplied(({ instances }) => void told.push(instances));
    void kernel.withdraw(withdrawn({ a: 'failed' }));
    await rules((text) => !text.includes('10.0.0.1:8001') && text.includes('10.0.0.1:8002'));
    expect(told.at(-1)).toBe(1);
    void kernel.withdraw(new Map());
    await rules((text) => text.includes('10.0.0.1:8001'));
    expect(told.at(-1)).toBe(2);
  });
});
