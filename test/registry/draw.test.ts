import { describe, expect, it } from 'vitest';
import type { Registration } from '../../src/model/registration.ts';
import type { Instance, Service, Stored } from '../../src/model/service.ts';
import { addressOf, drawInstances, type Drawing } from '../../src/registry/draw.ts';
import { registrationOf } from './registration.ts';

const NOW = '2026-01-01T00:01:00.000Z';

const service: Service = {
  name: 'web',
  entries: [{ ip: '10.96.0.10', port: 80, protocol: 'tcp' }],
  origin: 'registered',
  registry: 'WEB',
  masquerade: false,
  createdAt: NOW,
};

function stored(value: Partial<Instance>): Stored<Instance> {
  const whole: Instance = {
    service: 'web',
    id: '10.0.1.11:8080',
    ip: '10.0.1.11',
    port: 8080,
    weight: 1,
    origin: 'registered',
    state: 'ready',
    createdAt: NOW,
    ...value,
  };
  return { value: whole, createRevision: 1, modRevision: 1, raw: {} };
}

const draw = (registrations: readonly Registration[], instances: readonly Stored<Instance>[] = []): Drawing =>
  drawInstances({ service, registrations, stored: instances, now: NOW });

/** `put 10.0.1.11:8080 ready 1` */
const linesOf = ({ changes }: Drawing): readonly string[] =>
  changes.map((change) => {
    const { id, state, weight } = change.kind === 'put' ? change.after : change.before.value;
    return `${change.kind} ${id} ${state} ${weight}`;
  });

describe('drawing instances from the registry', () => {
  it.each([
    ['UP', 'ready'],
    ['STARTING', 'starting'],
    ['OUT_OF_SERVICE', 'draining'],
    ['DOWN', 'draining'],
    ['UNKNOWN', 'pending'],
  ] as const)('makes %s an instance that is %s', (status, state) => {
    expect(linesOf(draw([registrationOf({ status })]))).toEqual([`put 10.0.1.11:8080 ${state} 1`]);
  });

  it('takes the weight of its metadata, if it is one', () => {
    const weights = ['3', '0', '65535', '65536', '-1', '1.5', 'x', ''].map((weight) => {
      const [change] = draw([registrationOf({ metadata: { weight } })]).changes;
      return change?.kind === 'put' ? change.after.weight : undefined;
    });
    expect(weights).toEqual([3, 0, 65535, 1, 1, 1, 1, 1]);
  });

  it('finds nothing to do where all is as it should be, and touches no instance of another origin', () => {
    const here = stored({});
    expect(draw([registrationOf()], [here])).toEqual({ changes: [], againMs: undefined });
    const listed = stored({ id: '10.0.1.12:80', ip: '10.0.1.12', port: 80, origin: 'static' });
    expect(
      draw(
        [registrationOf(), registrationOf({ ip: '10.0.1.12', port: { number: 80, enabled: true } })],
        [here, listed],
      ).changes,
    ).toEqual([]);
  });

  it('keeps what people said of an instance when its state changes', () => {
    const drain = { since: NOW, by: 'ann' };
    const [change] = draw([registrationOf({ status: 'STARTING' })], [stored({ drain })]).changes;
    expect(change).toMatchObject({ kind: 'put', after: { state: 'starting', drain, createdAt: NOW } });
  });

  it('drains what left, and deletes it half a minute later', () => {
    const left = draw([], [stored({})]);
    expect(linesOf(left)).toEqual(['put 10.0.1.11:8080 draining 1']);
    expect(left.againMs).toBe(30_000);
    const draining = (stateSince: string): Drawing => draw([], [stored({ state: 'draining', stateSince })]);
    expect(draining('2026-01-01T00:00:40.000Z')).toEqual({ changes: [], againMs: 10_000 });
    expect(linesOf(draining('2026-01-01T00:00:30.000Z'))).toEqual(['delete 10.0.1.11:8080 draining 1']);
  });

  it('takes of two registrations of one address the one that serves, then the later one', () => {
    const old = registrationOf({ id: 'old', updatedMs: 1, metadata: { weight: '2' } });
    const fresh = registrationOf({ id: 'new', updatedMs: 2, metadata: { weight: '3' } });
    const starting = registrationOf({ id: 'new', updatedMs: 2, status: 'STARTING' });
    for (const pair of [
      [old, fresh],
      [fresh, old],
    ])
      expect(linesOf(draw(pair))).toEqual(['put 10.0.1.11:8080 ready 3']);
    for (const pair of [
      [old, starting],
      [starting, old],
    ])
      expect(linesOf(draw(pair))).toEqual(['put 10.0.1.11:8080 ready 2']);
  });

  it('passes over what nobody can dial, and over the entry itself', () => {
    const port = { number: 80, enabled: true };
    const none = { number: 0, enabled: false };
    for (const fields of [
      { ip: 'web.example' },
      { ip: '127.0.0.1' },
      { ip: '10.0.01.1' },
      { port: none, securePort: none },
      { ip: '10.96.0.10', port },
    ]) {
      expect(draw([registrationOf(fields)]).changes).toEqual([]);
    }
    expect(addressOf(registrationOf({ ip: 'FD00::1', port }))).toEqual({ ip: 'fd00::1', port: 80 });
  });
});
