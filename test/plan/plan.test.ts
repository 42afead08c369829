/** Tests plans: tables of what each command does, and properties against a model of the store. */
import * as fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';
import { formatEntry, parseEntry } from '../../src/model/entry.ts';
import { formatInstanceArgument, parseInstanceArgument } from '../../src/model/instance-argument.ts';
import type { Instance, InstanceSpec, ServiceSpec } from '../../src/model/service.ts';
import { formatSpec, specOf } from '../../src/model/spec-format.ts';
import { losses, notConfirmed } from '../../src/plan/guard.ts';
import { newInstance } from '../../src/plan/instance-set.ts';
import { type InstancesRequest, planInstances } from '../../src/plan/instances.ts';
import { planJson } from '../../src/plan/plan-json.ts';
import type { Plan, StoredService } from '../../src/plan/plan.ts';
import { planPublish } from '../../src/plan/publish.ts';
import { headline, summaryLines } from '../../src/plan/summary.ts';
import { planUnpublish } from '../../src/plan/unpublish.ts';
import { failureOf } from '../model/failure.ts';
import { applied, EMPTY, type ModelStore, stored, storedOf } from './model-store.ts';

// A loaded machine is no failure.
vi.setConfig({ testTimeout: 60_000 });

const NOW = '2026-01-31T09:30:00.000Z';

function spec(entries: readonly string[], instances: readonly string[], masquerade = false): ServiceSpec {
  return {
    name: 'web',
    entries: entries.map((text) => parseEntry(text)),
    instances: instances.map((text) => parseInstanceArgument(text)),
    masquerade,
  };
}

function publish(store: ModelStore, wanted: ServiceSpec): Plan {
  return planPublish({
    spec: wanted,
    stored: storedOf(store, wanted.name),
    revision: store.revision,
    now: NOW,
  });
}

/** One `web` with two instances, the second being the older one. */
function web(extra: readonly Instance[] = []): StoredService {
  const at = (text: string): Instance => newInstance('web', parseInstanceArgument(text), NOW);
  return {
    service: stored(
      {
        name: 'web',
        entries: [parseEntry('10.96.0.10:80')],
        origin: 'static',
        masquerade: false,
        createdAt: NOW,
      },
      2,
    ),
    instances: [
      stored(at('10.0.1.11:8080'), 5),
      stored(at('10.0.1.12:8080=3'), 2),
      ...extra.map((one) => stored(one, 9)),
    ],
  };
}

function linesOf(plan: Plan): readonly string[] {
  return summaryLines(plan).map(({ sign, subject, detail }) => `${sign} ${subject} ${detail}`.trimEnd());
}

const republish = (wanted: ServiceSpec, from = web()): Plan =>
  planPublish({ spec: wanted, stored: from, revision: 7, now: NOW });

describe('publish', () => {
  it('creates a service with its claims, in canonical order', () => {
    const plan = publish(
      EMPTY,
      spec(['[fd00::10]:80', '10.96.0.10:80'], ['10.0.1.12:8080=3', '10.0.1.11:8080']),
    );
    expect(headline(plan)).toBe('service/web created');
    expect(linesOf(plan)).toEqual([
      '+ service web',
      '+ entry 10.96.0.10:80/tcp',
      '+ entry [fd00::10]:80/tcp',
      '+ instance 10.0.1.11:8080 weight 1 (25%)',
      '+ instance 10.0.1.12:8080 weight 3 (75%)',
    ]);
    expect(plan.narrowing).toEqual([]);
    expect(plan.after.every(({ state, origin }) => state === 'ready' && origin === 'static')).toBe(true);
  });

  it('changes nothing for the same spec', () => {
    const plan = republish(spec(['10.96.0.10:80'], ['10.0.1.12:8080=3', '10.0.1.11:8080']));
    expect(plan).toMatchObject({
      outcome: 'unchanged',
      changes: [],
      claims: [],
      releases: [],
      narrowing: [],
    });
    expect(plan.after.map(({ id }) => id)).toEqual(['10.0.1.12:8080', '10.0.1.11:8080']);
  });

  it('adds, re-weights and removes; only removing asks for consent', () => {
    const plan = republish(spec(['10.96.0.10:80'], ['10.0.1.12:8080=1', '10.0.1.13:8080'], true));
    expect(headline(plan)).toBe('service/web updated');
    expect(linesOf(plan)).toEqual([
      '~ service web masquerade false → true',
      '+ instance 10.0.1.13:8080 weight 1 (50%)',
      '~ instance 10.0.1.12:8080 weight 3 (75%) → 1 (50%)',
      '- instance 10.0.1.11:8080 weight 1 (25%)',
    ]);
    expect(plan.narrowing).toEqual([{ kind: 'removes-instances', ids: ['10.0.1.11:8080'], of: 2 }]);
    expect(
      republish(spec(['10.96.0.10:80'], ['10.0.1.11:8080', '10.0.1.12:8080=9', '10.0.1.13:8080'])).narrowing,
    ).toEqual([]);
  });

  it('claims new entries and releases dropped ones, which asks for consent', () => {
    const plan = republish(spec(['10.96.0.11:80'], ['10.0.1.12:8080=3', '10.0.1.11:8080']));
    expect(linesOf(plan)).toEqual(['+ entry 10.96.0.11:80/tcp', '- entry 10.96.0.10:80/tcp']);
    expect(plan.narrowing).toEqual([{ kind: 'moves-entries', entries: [parseEntry('10.96.0.10:80')] }]);
  });

  it('keeps instances of other origins, and refuses to list them', async () => {
    const other = {
      ...newInstance('web', parseInstanceArgument('10.0.1.20:80'), NOW),
      id: 'r-1',
      origin: 'registered' as const,
    };
    const plan = republish(spec(['10.96.0.10:80'], []), web([other]));
    expect(plan.after).toEqual([other]);
    expect(plan.narrowing).toEqual([
      { kind: 'removes-instances', ids: ['10.0.1.11:8080', '10.0.1.12:8080'], of: 2 },
    ]);
    const failure = await failureOf(() => republish(spec(['10.96.0.10:80'], ['10.0.1.20:80']), web([other])));
    expect(failure.code).toBe('invalid-spec');
    expect(failure.message).toBe("instance 10.0.1.20:80 of 'web' is registered");
  });

  it('checks a spec again, wherever it comes from', async () => {
    expect((await failureOf(() => publish(EMPTY, spec(['127.0.0.1:80'], [])))).code).toBe('invalid-spec');
    expect((await failureOf(() => publish(EMPTY, spec([], [])))).code).toBe('invalid-spec');
    expect((await failureOf(() => publish(EMPTY, spec(['10.96.0.10:80'], ['10.96.0.10:80'])))).code).toBe(
      'invalid-spec',
    );
  });

  it('keeps fields of other versions and the age of what it updates', () => {
    const from = web();
    const service = { ...from.service, raw: { policies: { adaptive: true } } };
    const plan = planPublish({
      spec: spec(['10.96.0.10:80'], [], true),
      stored: { ...from, service },
      revision: 7,
      now: '2027-01-01T00:00:00Z',
    });
    expect(plan.changes[0]).toMatchObject({
      before: { raw: { policies: { adaptive: true } } },
      after: { createdAt: NOW },
    });
  });
});

describe('unpublish', () => {
  it('removes everything of a service and says so', () => {
    const plan = planUnpublish({ stored: web(), revision: 7 });
    expect(headline(plan)).toBe('service/web deleted');
    expect(linesOf(plan)).toEqual([
      '- service web',
      '- entry 10.96.0.10:80/tcp',
      '- instance 10.0.1.11:8080 weight 1 (25%)',
      '- instance 10.0.1.12:8080 weight 3 (75%)',
    ]);
    expect(plan.narrowing).toEqual([{ kind: 'deletes-service' }]);
    expect(plan.after).toEqual([]);
  });
});

const list = (...texts: readonly string[]): readonly InstanceSpec[] =>
  texts.map((text) => parseInstanceArgument(text));

const changeBy = (request: InstancesRequest, from = web()): Plan =>
  planInstances({ request, stored: from, revision: 7, now: NOW });

describe('instance add, set and remove', () => {
  it('add what is not there, newest last, and leave the same as it is', () => {
    const plan = changeBy({ kind: 'add', instances: list('10.0.1.10:8080=4', '10.0.1.11:8080') });
    expect(linesOf(plan)).toEqual(['+ instance 10.0.1.10:8080 weight 4 (50%)']);
    expect(plan.after.map(({ id }) => id)).toEqual(['10.0.1.12:8080', '10.0.1.11:8080', '10.0.1.10:8080']);
    expect(changeBy({ kind: 'add', instances: list('10.0.1.11:8080') }).outcome).toBe('unchanged');
  });

  it('refuse to re-weight by adding, and name the command that does', async () => {
    const failure = await failureOf(() => changeBy({ kind: 'add', instances: list('10.0.1.12:8080') }));
    expect(failure.code).toBe('invalid-spec');
    expect(failure.message).toBe("instance 10.0.1.12:8080 of 'web' is there with weight 3");
    expect(failure.fix).toBe('sluice instance set web 10.0.1.12:8080=1');
  });

  it('set weights of what is there', () => {
    expect(linesOf(changeBy({ kind: 'set', instances: list('10.0.1.12:8080=0', '10.0.1.11:8080') }))).toEqual(
      ['~ instance 10.0.1.12:8080 weight 3 (75%) → 0 (0%)'],
    );
  });

  it('remove, which asks for consent', () => {
    const plan = changeBy({ kind: 'remove', addresses: list('10.0.1.12:8080') });
    expect(linesOf(plan)).toEqual(['- instance 10.0.1.12:8080 weight 3 (75%)']);
    expect(plan.narrowing).toEqual([{ kind: 'removes-instances', ids: ['10.0.1.12:8080'], of: 2 }]);
  });

  it.each([
    { kind: 'set', instances: list('10.0.1.13:8080') } as const,
    { kind: 'remove', addresses: list('10.0.1.13:8080') } as const,
  ])('do not find what is not there, and suggest what is near: $kind', async (request) => {
    const failure = await failureOf(() => changeBy(request));
    expect(failure.code).toBe('not-found');
    expect(failure.why).toBe('did you mean 10.0.1.11:8080?');
  });

  it.each([
    ['a loop', { kind: 'add', instances: list('10.96.0.10:80') }],
    ['loopback', { kind: 'add', instances: list('127.0.0.1:80') }],
    ['one named twice', { kind: 'add', instances: list('10.0.0.1:1', '10.0.0.1:1=2') }],
    ['one removed twice', { kind: 'remove', addresses: list('10.0.1.11:8080', '10.0.1.11:8080') }],
    [
      'too many',
      {
        kind: 'add',
        instances: Array.from({ length: 3_999 }, (_, i) => ({ ip: '10.9.0.1', port: i + 1, weight: 1 })),
      },
    ],
  ] as const)('refuse %s', async (_, request) => {
    expect((await failureOf(() => changeBy(request))).code).toBe('invalid-spec');
  });

  it('leave instances of other origins alone', async () => {
    const managed = {
      ...newInstance('web', parseInstanceArgument('10.0.1.20:80'), NOW),
      id: 'web-1',
      origin: 'managed' as const,
    };
    for (const request of [
      { kind: 'add', instances: list('10.0.1.20:80') },
      { kind: 'set', instances: list('10.0.1.20:80=2') },
      { kind: 'remove', addresses: list('10.0.1.20:80') },
    ] as const) {
      const failure = await failureOf(() => changeBy(request, web([managed])));
      expect(failure.message).toBe("instance web-1 of 'web' is managed, not static");
    }
  });
});

describe('the guard', () => {
  it('says what would go, why, and both ways out', () => {
    const failure = notConfirmed(republish(spec(['10.96.0.10:80'], ['10.0.1.11:8080'])), {
      doing: 'publishing',
      because: '--instance is the full set',
      flag: '--replace',
    });
    expect(failure.code).toBe('not-confirmed');
    expect(failure.message).toBe("publishing 'web' would remove 1 of 2 instances");
    expect(failure.why).toBe('--instance is the full set; 10.0.1.12:8080 is registered but not listed');
    expect(failure.fix).toBe('repeat with --replace, or:  sluice instance set web 10.0.1.12:8080=0');
  });

  it('names entries, deletions and many instances in words', () => {
    expect(losses(republish(spec(['10.96.0.11:80'], [])))).toEqual([
      'take away entry 10.96.0.10:80/tcp',
      'remove 2 of 2 instances',
    ]);
    expect(losses(planUnpublish({ stored: web(), revision: 7 }))).toEqual(['delete it']);
    expect(losses(publish(EMPTY, spec(['10.96.0.10:80'], [])))).toEqual([]);
  });
});

const place = (one: InstanceSpec): string => `${one.ip} ${one.port}`;

const ip = fc.integer({ min: 1, max: 12 }).map((last) => `10.0.0.${last}`);
const anyEntry = fc.record({
  ip: ip.map((text) => text.replace('10.0', '10.96')),
  port: fc.constantFrom(80, 443),
  protocol: fc.constantFrom('tcp', 'udp'),
});
const anyInstance = fc.record({
  ip: fc.oneof(
    ip,
    ip.map((text) => `fd00::${text.slice(7)}`),
  ),
  port: fc.constantFrom(80, 8080),
  weight: fc.integer({ min: 0, max: 3 }),
});
const anySpec: fc.Arbitrary<ServiceSpec> = fc.record({
  name: fc.constant('web'),
  entries: fc.uniqueArray(anyEntry, { selector: formatEntry, minLength: 1, maxLength: 6 }),
  instances: fc.uniqueArray(anyInstance, { selector: place, maxLength: 12 }),
  masquerade: fc.boolean(),
});

/** The spec that the store shows. */
function shown(store: ModelStore): string {
  const now = storedOf(store, 'web');
  if (now === undefined) return 'nothing';
  return formatSpec(
    specOf(
      now.service.value,
      now.instances.map(({ value }) => value),
    ),
  );
}

const RUNS = { seed: 7, numRuns: 150 };

const has = (instances: readonly InstanceSpec[], one: InstanceSpec): boolean =>
  instances.some((other) => place(other) === place(one));

describe('plans, whatever the specs', () => {
  it('bring the store to each spec in turn, then find nothing left to do, and undo to nothing', () => {
    fc.assert(
      fc.property(fc.array(anySpec, { minLength: 1, maxLength: 4 }), (specs) => {
        let store = EMPTY;
        for (const wanted of specs) {
          const plan = publish(store, wanted);
          store = applied(store, plan);
          expect(shown(store)).toBe(formatSpec(wanted));
          expect([...store.claims].toSorted()).toEqual(wanted.entries.map(formatEntry).toSorted());
          const after = storedOf(store, 'web')?.instances.map(({ value }) => value) ?? [];
          expect(plan.after.toSorted(byId)).toEqual(after.toSorted(byId));
          const again = publish(store, wanted);
          expect(again).toMatchObject({
            outcome: 'unchanged',
            changes: [],
            claims: [],
            releases: [],
            narrowing: [],
          });
          expect(again.after).toEqual(plan.after);
          expect(summaryLines(again)).toEqual([]);
        }
        const last = storedOf(store, 'web');
        if (last === undefined) throw new Error('nothing was published');
        store = applied(store, planUnpublish({ stored: last, revision: store.revision }));
        expect(store).toMatchObject({ service: undefined, instances: new Map(), claims: new Set() });
      }),
      RUNS,
    );
  });

  it('are the same for the same desired state in any order, also as JSON', () => {
    fc.assert(
      fc.property(anySpec, anySpec, (first, second) => {
        const store = applied(EMPTY, publish(EMPTY, first));
        const turned = {
          ...second,
          entries: second.entries.toReversed(),
          instances: second.instances.toReversed(),
        };
        const reversed = { ...store, instances: new Map([...store.instances].toReversed()) };
        const plan = publish(store, second);
        expect(publish(reversed, turned)).toEqual(plan);
        expect(JSON.stringify(planJson(publish(reversed, turned)))).toBe(JSON.stringify(planJson(plan)));
      }),
      RUNS,
    );
  });

  it('ask for consent exactly if an instance or an entry goes', () => {
    fc.assert(
      fc.property(anySpec, anySpec, (first, second) => {
        const plan = publish(applied(EMPTY, publish(EMPTY, first)), second);
        const kept = new Set(second.instances.map(place));
        const keptEntries = new Set(second.entries.map(formatEntry));
        const isNarrower =
          first.instances.some((one) => !kept.has(place(one))) ||
          first.entries.some((one) => !keptEntries.has(formatEntry(one)));
        expect(plan.narrowing.length > 0).toBe(isNarrower);
      }),
      RUNS,
    );
  });

  it('reach by single steps what publish reaches at once', () => {
    fc.assert(
      fc.property(
        anySpec,
        fc.uniqueArray(anyInstance, { selector: place, maxLength: 8 }),
        (start, wanted) => {
          let store = applied(EMPTY, publish(EMPTY, start));
          const step = (request: InstancesRequest): void => {
            const now = storedOf(store, 'web');
            if (now === undefined) throw new Error('nothing was published');
            store = applied(
              store,
              planInstances({ request, stored: now, revision: store.revision, now: NOW }),
            );
          };
          step({ kind: 'remove', addresses: start.instances.filter((one) => !has(wanted, one)) });
          step({ kind: 'set', instances: wanted.filter((one) => has(start.instances, one)) });
          step({ kind: 'add', instances: wanted });
          expect(shown(store)).toBe(formatSpec({ ...start, instances: wanted }));
        },
      ),
      RUNS,
    );
  });
});

function byId(a: Instance, b: Instance): number {
  return a.id < b.id ? -1 : a.id > b.id ? 1 : 0;
}

describe('the JSON of a plan', () => {
  it('has text for addresses, null for nothing, and the instances afterwards', () => {
    const plan = planJson(republish(spec(['10.96.0.11:80'], ['10.0.1.12:8080=1', '10.0.1.13:8080'])));
    expect(plan).toMatchObject({
      service: 'web',
      baseRevision: 7,
      outcome: 'updated',
      claims: ['10.96.0.11:80/tcp'],
      releases: ['10.96.0.10:80/tcp'],
    });
    expect(plan.changes.map(({ action, reference }) => `${action} ${reference}`)).toEqual([
      'update service/web',
      'create web/10.0.1.13:8080',
      'update web/10.0.1.12:8080',
      'delete web/10.0.1.11:8080',
    ]);
    expect(plan.changes[1]).toMatchObject({ before: null, after: { address: '10.0.1.13:8080', weight: 1 } });
    expect(plan.changes[3]).toMatchObject({ before: { address: '10.0.1.11:8080' }, after: null });
    expect(plan.narrowing).toEqual([
      { kind: 'moves-entries', entries: ['10.96.0.10:80/tcp'] },
      { kind: 'removes-instances', ids: ['10.0.1.11:8080'], of: 2 },
    ]);
    expect(
      plan.instances.map(({ address, weight }) =>
        formatInstanceArgument({ ...parseInstanceArgument(address), weight }),
      ),
    ).toEqual(['10.0.1.12:8080', '10.0.1.13:8080']);
    expect(JSON.parse(JSON.stringify(plan))).toEqual(plan);
  });
});
