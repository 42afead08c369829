import { describe, expect, it } from 'vitest';
import { parseEntry } from '../../../src/model/entry.ts';
import { type EntryExplanation, explanationOf } from '../../../src/rules/explain/explanation.ts';
import { walkOnwards, walkToChoice } from '../../../src/rules/explain/journey.ts';
import type { NodeState, RouteFact } from '../../../src/rules/explain/node-state.ts';
import { packet } from './world.ts';

const GATEWAY: RouteFact = { kind: 'via', device: 'eth0', gateway: '10.0.0.254', source: '10.0.0.7' };
const LOCAL: RouteFact = { kind: 'local', device: 'lo', source: '10.0.0.7' };

/** A machine without any rule. */
function bareMachine(entryRoute: RouteFact): EntryExplanation {
  const origin = { kind: 'node', source: '10.0.0.7', device: '', route: undefined } as const;
  const state: NodeState = {
    origin,
    entryRoute,
    localNetworks: [],
    forwards: true,
    reversePath: new Map(),
    reversePathDrops: 0,
    routeLocalnet: new Set(),
    ruleCounts: { nft: 0, legacy: 0 },
    unread: [],
  };
  const choice = walkToChoice([], packet({ inDevice: '' }), origin);
  const ways = choice.arrivals.map((arrival) => ({
    arrival,
    route: entryRoute,
    half: walkOnwards([], arrival, { origin, route: entryRoute }),
  }));
  return explanationOf({ entry: parseEntry('10.96.0.10:80'), tables: [], state, choice, ways, targets: [] });
}

describe('an explanation without any rule', () => {
  it('is an error on a node, whose route to the entry says that an agent was there', () => {
    const { findings, healthy } = bareMachine(LOCAL);
    expect(findings).toMatchObject([{ severity: 'error', code: 'no-rules' }]);
    expect(healthy).toBe(false);
  });

  it('names the gateway on a machine that is no node, and the command to run there', () => {
    const { findings, healthy } = bareMachine(GATEWAY);
    expect(findings).toMatchObject([{ severity: 'warn', code: 'no-rules' }]);
    expect(findings[0]?.text).toContain('go to 10.0.0.254 as they are');
    expect(findings[0]?.fix).toContain('--from 10.0.0.7');
    expect(healthy).toBe(true);
  });
});
