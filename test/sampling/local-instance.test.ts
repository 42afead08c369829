import { describe, expect, it } from 'vitest';
import { encodeInstance } from '../../src/model/records-service.ts';
import { localInstances, type Running } from '../../src/sampling/local-instance.ts';
import { instanceKey } from '../../src/store/keys.ts';
import { snapshotOf } from '../../src/store/snapshot.ts';

const item = (id: string, ip: string, node?: string) => ({
  key: instanceKey('web', id),
  value: encodeInstance({
    service: 'web',
    id,
    ip,
    port: 80,
    weight: 1,
    origin: 'registered',
    state: 'ready',
    createdAt: '2026-01-01T00:00:00.000Z',
    node,
  }),
  createRevision: 1,
  modRevision: 1,
  version: 1,
});

describe('instances of a node', () => {
  it('are those that name it, and those without a name on one of its addresses', () => {
    const { snapshot } = snapshotOf(
      [
        item('b', '10.0.0.9', 'n1'),
        item('a', '10.0.0.1'),
        item('elsewhere', '10.0.0.1', 'n2'),
        item('other', '10.0.0.2'),
      ],
      1,
    );
    const running: Running = { run: '7' };
    const place = {
      node: 'n1',
      addresses: new Set(['10.0.0.1']),
      running: new Map([['web/b', running]]),
    };
    expect(localInstances(snapshot, place)).toEqual([
      { name: 'web/a', ip: '10.0.0.1', port: 80, running: undefined },
      { name: 'web/b', ip: '10.0.0.9', port: 80, running },
    ]);
  });
});
