import { describe, expect, it } from 'vitest';
import { parseEntry } from '../../../src/model/entry.ts';
import { parseGuard } from '../../../src/rules/guard/guard-listing.ts';
import { guardOf } from '../../../src/rules/guard/guard-state.ts';
import { guardFrame } from '../../../src/rules/guard/guard-text.ts';
import { compareGuard } from '../../../src/rules/verify/guard.ts';
import { compareRoutes, type LiveRoutes } from '../../../src/rules/verify/routes.ts';
import { rulesetFrom } from '../arbitrary.ts';

const ruleset = rulesetFrom([
  {
    entry: parseEntry('10.96.0.10:80'),
    service: 'web',
    masquerade: false,
    targets: [{ ip: '10.0.1.11', port: 8080, weight: 1 }],
  },
  { entry: parseEntry('10.96.0.11:80'), service: 'api', masquerade: false, targets: [] },
]);
const state = guardOf(ruleset);
const NOTHING = rulesetFrom([]);
const plain = { frame: guardFrame(false), marks: false };

describe('verifying the guard', () => {
  it('finds nothing where it is whole, or where a node never had an entry', () => {
    expect(compareGuard(ruleset, { ...plain, state }, guardFrame(false))).toEqual([]);
    expect(compareGuard(NOTHING, undefined, guardFrame(false))).toEqual([]);
    for (const marks of [false, true]) expect(parseGuard(guardFrame(marks)).frame).toBe(guardFrame(marks));
  });

  it.each([
    ['it is missing', undefined, 'table inet sluice_guard', undefined],
    [
      'a rule is missing',
      { ...plain, frame: plain.frame.replace('\t\tgoto entries\n', ''), state },
      'chain input of inet sluice_guard',
      undefined,
    ],
    [
      'an entry is missing',
      { ...plain, state: { ...state, entries4: new Set(['10.96.0.11 . tcp . 80']) } },
      'set entries4 of inet sluice_guard',
      'web',
    ],
    [
      'an entry is refused that has an instance',
      { ...plain, state: { ...state, refused4: state.entries4 } },
      'set refused4 of inet sluice_guard',
      'web',
    ],
    [
      'a stranger is refused',
      { ...plain, state: { ...state, addresses4: new Set([...state.addresses4, '10.0.0.9']) } },
      'set addresses4 of inet sluice_guard',
      undefined,
    ],
  ] as const)('names it when %s', (_title, found, chain, service) => {
    const differences = compareGuard(ruleset, found, guardFrame(false));
    expect(differences).toMatchObject([{ part: 'guard', chain, service }]);
    expect(differences[0]?.fix).toMatch(/SIGHUP/);
  });
});

const route = { type: 'unicast', device: 'sluice0', source: '10.0.0.1' } as const;
const live: LiveRoutes = {
  ours: new Map([
    ['10.96.0.10', route],
    ['10.96.0.11', route],
  ]),
  nodeIps: new Set(['127.0.0.1', '10.0.0.1', '::1']),
  device: 'up',
};
const local: LiveRoutes = {
  ...live,
  ours: new Map([...live.ours.keys()].map((ip) => [ip, { ...route, type: 'local', device: 'lo' } as const])),
  device: 'absent',
};

describe('verifying routes to entries', () => {
  it('finds nothing where they are right, with a device or without', () => {
    expect(compareRoutes(ruleset, live, true)).toEqual([]);
    expect(compareRoutes(ruleset, local, true)).toEqual([]);
    expect(compareRoutes(ruleset, local, false)).toEqual([]);
  });

  it('asks for no route to an address of the node, nor in a family in which it has none', () => {
    const own = rulesetFrom(
      ['10.0.0.1:80', '[fd00::1]:80'].map((text) => ({
        entry: parseEntry(text),
        service: 'web',
        masquerade: false,
        targets: [],
      })),
    );
    expect(compareRoutes(own, { ...live, ours: new Map() }, true)).toEqual([]);
  });

  it.each<readonly [string, LiveRoutes, readonly string[], readonly string[]]>([
    [
      'is missing',
      { ...live, ours: new Map([['10.96.0.10', route]]) },
      ['10.96.0.11 dev sluice0 src NODE_IP'],
      [],
    ],
    [
      'has a source that is not the node',
      { ...live, ours: new Map([...live.ours, ['10.96.0.11', { ...route, source: '10.9.9.9' }]]) },
      ['10.96.0.11 dev sluice0 src NODE_IP'],
      ['10.96.0.11 dev sluice0 src 10.9.9.9'],
    ],
    [
      'is of another type',
      { ...live, ours: new Map([...live.ours, ['10.96.0.11', { ...route, type: 'local', device: 'lo' }]]) },
      ['10.96.0.11 dev sluice0 src 10.0.0.1'],
      ['local 10.96.0.11 dev lo src 10.0.0.1'],
    ],
    [
      'is of no entry',
      { ...live, ours: new Map([...live.ours, ['10.96.0.12', route]]) },
      [],
      ['10.96.0.12 dev sluice0 src 10.0.0.1'],
    ],
  ])('names one that %s', (_title, routes, missing, unwanted) => {
    expect(compareRoutes(ruleset, routes, true)).toMatchObject([{ part: 'routes', missing, unwanted }]);
  });

  it('names a device that is gone, with its routes', () => {
    const gone = { ...live, ours: new Map(), device: 'absent' } as const;
    expect(compareRoutes(ruleset, gone, true).map(({ chain }) => chain)).toEqual([
      'device sluice0',
      'routes to entries',
    ]);
  });
});
