import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isName } from '../../src/model/name.ts';
import { isInNetwork } from '../../src/model/network.ts';
import { entryFor, serviceNameFor } from '../../src/registry/allocate.ts';

const range = {
  name: 'apps',
  network: '10.96.128.0/26',
  port: 80,
  protocol: 'tcp' as const,
  keepSeconds: 60,
  createdAt: '2026-01-01T00:00:00.000Z',
};
const appName = fc.stringMatching(/^[A-Z0-9][A-Z0-9._-]{0,126}$/);
const nobody = (): boolean => false;

describe('what an app gets', () => {
  it('is an address of its own until all are given, and the same again where it is free', () => {
    fc.assert(
      fc.property(fc.uniqueArray(appName, { minLength: 62, maxLength: 70 }), (apps) => {
        const taken = new Set<string>();
        const given = apps.map((app) => {
          const entry = entryFor(app, range, (ip) => taken.has(ip));
          if (entry !== undefined) taken.add(entry.ip);
          return entry;
        });
        expect(taken.size).toBe(62);
        expect(given.filter((entry) => entry === undefined)).toHaveLength(apps.length - 62);
        expect([...taken].every((ip) => isInNetwork(ip, range.network) === true)).toBe(true);
        expect(entryFor(apps[0] ?? '', range, nobody)).toEqual(given[0]);
      }),
      { seed: 6, numRuns: 30 },
    );
  });

  it('is a name that can be one, another for another app', () => {
    expect(serviceNameFor('PAY', nobody)).toBe('pay');
    expect(serviceNameFor('PAY', (name) => name === 'pay')).toMatch(/^pay-[0-9a-f]{6}$/);
    expect(serviceNameFor('PAY.V2', nobody)).toMatch(/^pay-v2-[0-9a-f]{6}$/);
    fc.assert(
      fc.property(fc.uniqueArray(appName, { minLength: 20, maxLength: 20 }), (apps) => {
        const names = apps.map((app) => serviceNameFor(app, nobody));
        expect(names.every(isName)).toBe(true);
        expect(new Set(names).size).toBe(apps.length);
      }),
      { seed: 6, numRuns: 50 },
    );
  });
});
