import { describe, expect, it } from 'vitest';
import { formatAddress } from '../../src/model/address.ts';
import { type Entry, formatEntry, parseEntry } from '../../src/model/entry.ts';
import type { Instance, InstanceState, Service, Stored } from '../../src/model/service.ts';
import { everyUntranslated, type Forwarding, staleBetween, stillStale } from '../../src/rules/gone.ts';
import { rulesetOf } from '../../src/rules/ruleset-of.ts';

const stored = <T>(value: T): Stored<T> => ({ value, createRevision: 1, modRevision: 1, raw: {} });

/** Instances as `port`, `port=weight` or `port/state`, all on 10.0.0.9. */
function forwarding(entries: readonly string[], instances: readonly string[]): Forwarding {
  const service: Service = {
    name: 'web',
    entries: entries.map((text): Entry => parseEntry(text)),
    origin: 'static',
    masquerade: false,
    createdAt: '',
  };
  const values = instances.map((text): Stored<Instance> => {
    const [, port = '', weight = '1', state = 'ready'] = /^(\d+)(?:=(\d+))?(?:\/(\w+))?$/.exec(text) ?? [];
    return stored({
      service: 'web',
      id: text,
      ip: '10.0.0.9',
      port: Number(port),
      weight: Number(weight),
      origin: 'static',
      // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- words of this file
      state: state as InstanceState,
      createdAt: '',
    });
  });
  const services = new Map(entries.length === 0 ? [] : [['web', stored(service)]]);
  const snapshot = { revision: 1, services, instances: new Map([['web', values]]) };
  return { ruleset: rulesetOf(snapshot), snapshot };
}

const TCP = ['10.96.0.1:80'];
const UDP = ['10.96.0.1:80/udp'];
const tell = (before: Forwarding, after: Forwarding): readonly string[] =>
  staleBetween(before, after).map(
    ({ entry, answeredBy }) => `${formatEntry(entry)} ${formatAddress(answeredBy)}`,
  );

describe('connections to forget', () => {
  it.each([
    ['nothing when nothing changed', TCP, ['1', '2'], TCP, ['1', '2'], []],
    ['TCP of an instance that is gone', TCP, ['1', '2'], TCP, ['1'], ['10.96.0.1:80/tcp 10.0.0.9:2']],
    ['no TCP of an instance of weight 0', TCP, ['1', '2'], TCP, ['1', '2=0'], []],
    ['no TCP of an instance that drains', TCP, ['1', '2'], TCP, ['1', '2/draining'], []],
    ['TCP of one that drained and is gone', TCP, ['1', '2=0'], TCP, ['1'], ['10.96.0.1:80/tcp 10.0.0.9:2']],
    [
      'TCP of an instance that is dead',
      TCP,
      ['1', '2'],
      TCP,
      ['1', '2/crashloop'],
      ['10.96.0.1:80/tcp 10.0.0.9:2'],
    ],
    ['no TCP of the last one of weight 0', TCP, ['1'], TCP, ['1=0'], []],
    ['nothing of one that has its first port now', TCP, ['1', '0/pending'], TCP, ['1', '2/starting'], []],
    ['nothing of one that never had a port', UDP, ['1', '0/pending'], UDP, ['1'], []],
    ['UDP of an instance of weight 0', UDP, ['1', '2'], UDP, ['1', '2=0'], ['10.96.0.1:80/udp 10.0.0.9:2']],
    ['UDP of an instance that is gone', UDP, ['1', '2'], UDP, ['1'], ['10.96.0.1:80/udp 10.0.0.9:2']],
    ['UDP of the last instance', UDP, ['1'], UDP, [], ['10.96.0.1:80/udp 10.0.0.9:1']],
    [
      'what was not translated before the first instance',
      UDP,
      [],
      UDP,
      ['1'],
      ['10.96.0.1:80/udp 10.96.0.1:80'],
    ],
    ['the same when all were of weight 0', UDP, ['1=0'], UDP, ['1'], ['10.96.0.1:80/udp 10.96.0.1:80']],
    ['what was not translated before the entry', [], [], TCP, ['1'], ['10.96.0.1:80/tcp 10.96.0.1:80']],
    ['nothing of a new entry without instances', [], [], TCP, [], []],
    [
      'all of a deleted entry',
      TCP,
      ['1', '2=0'],
      [],
      [],
      ['10.96.0.1:80/tcp 10.0.0.9:1', '10.96.0.1:80/tcp 10.0.0.9:2'],
    ],
    ['all of a deleted UDP entry', UDP, ['1'], [], [], ['10.96.0.1:80/udp 10.0.0.9:1']],
    [
      'of a moved entry both',
      TCP,
      ['1'],
      ['10.96.0.2:80'],
      ['1'],
      ['10.96.0.1:80/tcp 10.0.0.9:1', '10.96.0.2:80/tcp 10.96.0.2:80'],
    ],
  ] as const)('%s', (_title, entriesBefore, before, entriesAfter, after, expected) => {
    expect(tell(forwarding(entriesBefore, before), forwarding(entriesAfter, after))).toEqual(expected);
  });

  it('are, after the rules were away, all untranslated ones of entries with instances', () => {
    expect(everyUntranslated(forwarding([...TCP, ...UDP], ['1']).ruleset)).toHaveLength(2);
    expect(everyUntranslated(forwarding(TCP, []).ruleset)).toEqual([]);
  });

  it('are not those of an instance that came back meanwhile', () => {
    const gone = staleBetween(forwarding(TCP, ['1', '2']), forwarding(TCP, ['1']));
    expect(stillStale(gone, forwarding(TCP, ['1']))).toEqual(gone);
    expect(stillStale(gone, forwarding([], []))).toEqual(gone);
    expect(stillStale(gone, forwarding(TCP, ['1', '2']))).toEqual([]);
    expect(stillStale(gone, forwarding(TCP, ['1', '2=0']))).toEqual([]);
  });
});
