import { describe, expect, it } from 'vitest';
import { type Away, NOTHING_AWAY, withoutAway } from '../../src/health/without-away.ts';
import type { Snapshot } from '../../src/model/snapshot.ts';
import { rulesetOf } from '../../src/rules/ruleset-of.ts';
import { listed, snapshotOf } from './snapshots.ts';

const away: Away = { nodes: new Set(['n3']), ips: new Set(['10.0.0.3']) };
const portsOf = (from: Snapshot): readonly number[] =>
  rulesetOf(from).entries.flatMap(({ targets }) => targets.map(({ port }) => port));

describe('a node out of reach', () => {
  it('has no instance in the rules: neither those that run there nor those listed at its address', () => {
    const snapshot = snapshotOf([
      listed('a', '10.0.0.1', 1),
      listed('b', '10.0.0.2', 2),
      listed('c', '10.0.0.3', 3),
      listed('d', '10.0.0.9', 4, { node: 'n3', origin: 'managed' }),
      listed('e', '10.0.0.3', 5, { node: 'n1', origin: 'managed' }),
    ]);
    expect(portsOf(withoutAway(snapshot, away))).toEqual([1, 2, 5]);
    expect(withoutAway(snapshot, NOTHING_AWAY)).toBe(snapshot);
  });

  it('takes nothing away when fewer than half would be left, and what is not served does not count', () => {
    const half = snapshotOf([listed('a', '10.0.0.1', 1), listed('b', '10.0.0.3', 2)]);
    expect(portsOf(withoutAway(half, away))).toEqual([1]);
    const most = snapshotOf([
      listed('a', '10.0.0.1', 1),
      listed('b', '10.0.0.3', 2),
      listed('c', '10.0.0.3', 3),
      listed('d', '10.0.0.1', 4, { state: 'failed' }),
      listed('e', '10.0.0.1', 5, { weight: 0 }),
    ]);
    expect(portsOf(withoutAway(most, away))).toEqual([1, 2, 3]);
    expect(withoutAway(most, away)).toBe(most);
  });

  it('gives the same objects for the same question, so that rules are kept', () => {
    const snapshot = snapshotOf([listed('a', '10.0.0.1', 1), listed('b', '10.0.0.3', 2)]);
    const again = (): unknown => withoutAway(snapshot, away).instances.get('web');
    expect(again()).toBe(again());
  });
});
