/** Tests the stored form of what nodes measure: round trips, unknown fields, and that no impossible number gets through. */
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { SluiceError } from '../../src/errors.ts';
import { decodeLoad, encodeLoad, instanceKey, LOAD_LIMITS, type NodeLoad } from '../../src/model/load.ts';
import { failureOf } from './failure.ts';

const web = instanceKey('web', '10.0.1.11:8080');
const load: NodeLoad = {
  node: 'n1',
  at: 1_769_851_800_123,
  cores: 4,
  cpu: 0.5,
  psiCpuSome10: 0.01,
  memoryUsedBytes: 1024,
  memoryTotalBytes: 4096,
  load1: 1.25,
  instances: {
    [web]: { cpu: 0.9, cpuCores: 1.8, memoryBytes: 512, connections: 12, acceptQueue: 0 },
    'web/web-7f3a': {},
  },
  newConnections: { [web]: 3.5, 'other/web-1': 0 },
  serviceConnections: { web: 3.5, other: 0 },
};

/** The stored form with one thing changed. */
function changed(change: (record: Record<string, unknown>) => void): string {
  const record: Record<string, unknown> = structuredClone({ ...load });
  change(record);
  return JSON.stringify(record);
}

/** What is read of a text, as text; `{}` if it is refused as it should be. */
const decodable = (json: string): string => {
  try {
    return JSON.stringify(decodeLoad('n1', json).value);
  } catch (error) {
    return error instanceof SluiceError && error.code === 'failed' ? '{}' : String(error);
  }
};

describe('samples of a node', () => {
  it('come back as they were written, with what another version added', () => {
    expect(decodeLoad('n1', encodeLoad(load)).value).toEqual(load);
    const { value, raw } = decodeLoad(
      'n1',
      changed((record) => (record['gpu'] = 1)),
    );
    expect(value).toEqual(load);
    expect(JSON.parse(encodeLoad(value, raw))).toEqual({ ...load, gpu: 1 });
  });

  it('need no more than who, when, how large, and empty lists', () => {
    const least: NodeLoad = { node: 'n1', at: 0, cores: 1, instances: {}, newConnections: {} };
    expect(decodeLoad('n1', encodeLoad(least)).value).toEqual(least);
  });

  it.each([
    ['cpu', -0.01],
    ['cpu', 1.01],
    ['cpu', null],
    ['cores', LOAD_LIMITS.cores + 1],
    ['at', 0.5],
    ['memoryUsedBytes', -1],
    ['load1', 1e300],
    ['node', 'n2'],
    ['instances', { 'web/': {} }],
    ['instances', { '/x': {} }],
    ['instances', { web: {} }],
    ['instances', { 'web/../x': {} }],
    ['instances', { [web]: { cpu: 2 } }],
    ['instances', { [web]: { connections: -1 } }],
    ['instances', { [web]: { connections: LOAD_LIMITS.connections + 1 } }],
    ['newConnections', { [web]: LOAD_LIMITS.newConnectionsPerSecond * 2 }],
    ['newConnections', { [web]: -1 }],
    ['newConnections', 'none'],
    ['serviceConnections', { web: -1 }],
    ['serviceConnections', { 'we b': 1 }],
    ['instances', [{}]],
  ])('are refused with %s = %j, naming the field', async (field, value) => {
    const error = await failureOf(() =>
      decodeLoad(
        'n1',
        changed((record) => (record[field] = value)),
      ),
    );
    expect(error).toMatchObject({ code: 'failed' });
    expect(String(error.details['field'])).toContain(field);
  });

  it('are not written with a number that JSON has no word for', async () => {
    for (const cpu of [Number.NaN, Number.POSITIVE_INFINITY, -1]) {
      expect((await failureOf(() => encodeLoad({ ...load, cpu }))).code).toBe('internal');
    }
  });

  it('are finite and not negative in all that gets through, whatever is stored', () => {
    const fields = fc.constantFrom('cpu', 'at', 'load1', 'instances', 'newConnections');
    fc.assert(
      fc.property(fc.jsonValue(), fields, (value, field) => {
        const text = decodable(changed((record) => (record[field] = value)));
        expect(text).toMatch(/^{/);
        expect(text).not.toMatch(/:(-|null)/);
      }),
      { seed: 1, numRuns: 300 },
    );
  });
});
