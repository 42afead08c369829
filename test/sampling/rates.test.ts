import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseAddress } from '../../src/model/address.ts';
import { parseEntry } from '../../src/model/entry.ts';
import { type CountReading, type Owners, ratesBetween } from '../../src/sampling/rates.ts';

const A = '10.0.1.1:80';
const B = '10.0.1.2:80';
const ENTRY = '10.96.0.1:80/tcp';
const OTHER = '10.96.0.2:80/tcp';

const owners: Owners = new Map([
  [`${ENTRY} ${A}`, 'web/a'],
  [`${ENTRY} ${B}`, 'web/b'],
]);

/** `reading(1_000, 'iptables', { [`${ENTRY} ${A}`]: 5 }, 'rules')` */
function reading(
  monotonicMs: number,
  layout: string,
  counts: Readonly<Record<string, number>>,
  rules?: string,
  entryConnections?: number,
): CountReading {
  return {
    monotonicMs,
    layout,
    counts: Object.entries(counts).map(([way, connections]) => {
      const [entry = '', instance = ''] = way.split(' ');
      const counted = { connections, rules, entryConnections };
      return { entry: parseEntry(entry), instance: parseAddress(instance), ...counted };
    }),
  };
}
const rates = (before: CountReading, after: CountReading, of = owners): Readonly<Record<string, number>> =>
  Object.fromEntries(ratesBetween(before, after, of)?.perSecond ?? []);

/** Counters of iptables begin with the rules. */
const rulesIn = (layout: string): string | undefined => (layout === 'iptables' ? 'r' : undefined);

describe('new connections a second', () => {
  it('are what was counted in between, 0 if there were none', () => {
    const before = reading(0, 'iptables', { [`${ENTRY} ${A}`]: 10, [`${ENTRY} ${B}`]: 10 }, 'r');
    const after = reading(2_000, 'iptables', { [`${ENTRY} ${A}`]: 15, [`${ENTRY} ${B}`]: 10 }, 'r');
    expect(rates(before, after)).toEqual({ 'web/a': 2.5, 'web/b': 0 });
    expect(ratesBetween(before, after, owners)?.overMs).toBe(2_000);
  });

  it('are those of all entries of a service together', () => {
    const two = new Map([...owners, [`${OTHER} ${A}`, 'web/a']]);
    const before = reading(0, 'nftables', {});
    const after = reading(1_000, 'nftables', { [`${ENTRY} ${A}`]: 3, [`${OTHER} ${A}`]: 4 });
    expect(rates(before, after, two)).toEqual({ 'web/a': 7, 'web/b': 0 });
  });

  it('are not known while rules are rewritten, though the new counter is above the old one', () => {
    const before = reading(0, 'iptables', { [`${ENTRY} ${A}`]: 3 }, 'weights 1:1');
    const after = reading(2_000, 'iptables', { [`${ENTRY} ${A}`]: 5 }, 'weights 1:2');
    expect(rates(before, after)).toEqual({});
  });

  it('of the service are known all the same, by what came to the entry, unless that went back', () => {
    const before = reading(0, 'iptables', { [`${ENTRY} ${A}`]: 3 }, 'weights 1:1', 30);
    const after = (whole: number) =>
      reading(2_000, 'iptables', { [`${ENTRY} ${A}`]: 5, [`${ENTRY} ${B}`]: 1 }, 'weights 1:2', whole);
    const services = (whole: number) => ratesBetween(before, after(whole), owners)?.ofServices;
    expect(services(70)).toEqual(new Map([['web', 20]]));
    expect(services(29)).toEqual(new Map());
    const two = new Map([...owners, [`${OTHER} ${A}`, 'web/a']]);
    expect(ratesBetween(before, after(70), two)?.ofServices).toEqual(new Map());
  });

  it('of a service are those of its entries where all is counted, and not known if a counter went back', () => {
    const two = new Map([...owners, [`${OTHER} ${A}`, 'web/a'], ['10.96.0.3:80/tcp 10.0.1.9:80', 'idle/a']]);
    const before = reading(0, 'nftables', { [`${ENTRY} ${A}`]: 3 });
    const after = (one: number) =>
      reading(1_000, 'nftables', { [`${ENTRY} ${A}`]: one, [`${OTHER} ${A}`]: 4 });
    const services = (one: number) => ratesBetween(before, after(one), two)?.ofServices;
    expect(services(5)).toEqual(
      new Map([
        ['web', 6],
        ['idle', 0],
      ]),
    );
    expect(services(2)).toEqual(new Map([['idle', 0]]));
  });

  it('are not known for any instance of an entry of which one counter went back', () => {
    const before = reading(0, 'iptables', { [`${ENTRY} ${A}`]: 9, [`${ENTRY} ${B}`]: 0 }, 'r');
    const after = reading(2_000, 'iptables', { [`${ENTRY} ${A}`]: 1, [`${ENTRY} ${B}`]: 2 }, 'r');
    expect(rates(before, after)).toEqual({});
  });

  it('of a new counter are known where everything is counted, not where counters begin with rules', () => {
    const after = { [`${ENTRY} ${A}`]: 4 };
    expect(rates(reading(0, 'nftables', {}), reading(1_000, 'nftables', after))).toEqual({
      'web/a': 4,
      'web/b': 0,
    });
    expect(rates(reading(0, 'iptables', {}, 'r'), reading(1_000, 'iptables', after, 'r'))).toEqual({});
  });

  it('cannot be told from two layouts, nor from two looks at once', () => {
    const counts = { [`${ENTRY} ${A}`]: 4 };
    expect(
      ratesBetween(reading(0, 'iptables', counts, 'r'), reading(2_000, 'nftables', counts), owners),
    ).toBeUndefined();
    expect(
      ratesBetween(reading(0, 'nftables', counts), reading(10, 'nftables', counts), owners),
    ).toBeUndefined();
  });

  it('of very many instances are cut by whole services, those with the most connections stay', () => {
    const names = Array.from({ length: 1_500 }, (_, at) => `10.1.${at >> 8}.${at & 255}:80`);
    const many = new Map([
      ...names.map((ip) => [`${ENTRY} ${ip}`, `idle/${ip}`] as const),
      ...names.map((ip) => [`${OTHER} ${ip}`, `busy/${ip}`] as const),
    ]);
    const after = reading(1_000, 'nftables', { [`${OTHER} ${names[0]}`]: 1 });
    const found = Object.keys(rates(reading(0, 'nftables', {}), after, many));
    expect(found).toHaveLength(1_500);
    expect(found.every((name) => name.startsWith('busy/'))).toBe(true);
  });

  it('never are below 0, nor above what was counted, whatever counters do', () => {
    const counts = fc.dictionary(fc.constantFrom(`${ENTRY} ${A}`, `${ENTRY} ${B}`), fc.nat({ max: 50 }));
    const any = fc.record({
      ms: fc.integer({ min: -5_000, max: 5_000 }),
      layout: fc.constantFrom('iptables', 'nftables'),
      counts,
    });
    fc.assert(
      fc.property(any, any, (before, after) => {
        const found = rates(
          reading(before.ms, before.layout, before.counts, rulesIn(before.layout)),
          reading(after.ms, after.layout, after.counts, rulesIn(after.layout)),
        );
        expect(Object.values(found).every((rate) => rate >= 0 && rate <= 100)).toBe(true);
      }),
    );
  });
});
