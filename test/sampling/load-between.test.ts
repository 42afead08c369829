import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeLoad, encodeLoad } from '../../src/model/load.ts';
import { loadBetween, type Now, type Reading } from '../../src/sampling/load-between.ts';
import type { LocalInstance, Running } from '../../src/sampling/local-instance.ts';
import type { ProcessTimes } from '../../src/sampling/parse/process.ts';
import type { InstanceUse } from '../../src/sampling/use-reading.ts';

const use = (cpuSeconds: number | undefined, run = '1'): InstanceUse => ({
  run,
  cpuSeconds,
  processes: undefined,
  memoryBytes: 1_000,
});
const reading = (monotonicMs: number, instance: InstanceUse | undefined, busyTicks = 0): Reading => ({
  monotonicMs,
  node: {
    processors: { busyTicks, idleTicks: 1_000 - busyTicks, cores: 4 },
    pressure: 0.1,
    memory: { totalBytes: 100, usedBytes: 40 },
    load1: 1.5,
  },
  uses: new Map(instance === undefined ? [] : [['web/a', instance]]),
});
const local = (running?: Running): LocalInstance => ({ name: 'web/a', ip: '10.0.0.1', port: 80, running });
const now = (changes: Partial<Now> = {}): Now => ({
  node: 'n1',
  at: 5,
  cores: 2,
  instances: [local({ run: '1' })],
  sockets: undefined,
  rates: undefined,
  ...changes,
});
/** The instance as it is told. */
const instanceOf = (before: Reading | undefined, after: Reading, changes: Partial<Now> = {}) =>
  decodeLoad('n1', encodeLoad(loadBetween(before, after, now(changes)))).value.instances['web/a'];

/** The instance with a limit. */
const limited = (limitCores: number): Partial<Now> => ({ instances: [local({ run: '1', limitCores })] });
const processOf = (ownTicks: number): ProcessTimes => ({
  pid: 10,
  parentPid: 1,
  session: 10,
  startTicks: 1,
  ownTicks,
  waitedTicks: 0,
  residentPages: 1,
});
/** Use by processes alone. */
const ofProcesses = (ticks: number): InstanceUse => ({
  ...use(undefined),
  processes: new Map([[10, processOf(ticks)]]),
});
const ratesOver = (overMs: number) => ({
  perSecond: new Map([['web/a', 2]]),
  ofServices: new Map([['web', 5]]),
  overMs,
});

describe('a sample', () => {
  it('of a first reading has what is known of the moment, and nothing that is a difference', () => {
    expect(loadBetween(undefined, reading(0, use(1)), now())).toEqual({
      node: 'n1',
      at: 5,
      cores: 4,
      psiCpuSome10: 0.1,
      memoryUsedBytes: 40,
      memoryTotalBytes: 100,
      load1: 1.5,
      instances: { 'web/a': { memoryBytes: 1_000 } },
      newConnections: {},
    });
  });

  it('tells what was used since the reading before, of the node and of its instances', () => {
    const load = loadBetween(reading(0, use(1), 100), reading(2_000, use(3), 150), now());
    expect(load.instances['web/a']).toMatchObject({ cpu: 0.25, cpuCores: 1 });
    expect(
      loadBetween(
        reading(0, use(1), 0),
        {
          ...reading(2_000, use(3)),
          node: { ...reading(0, use(1)).node, processors: { busyTicks: 300, idleTicks: 1_100, cores: 4 } },
        },
        now(),
      ).cpu,
    ).toBe(0.75);
  });

  it('measures an instance against its limit, cut at 1', () => {
    expect(instanceOf(reading(0, use(0)), reading(1_000, use(0.5)), limited(2))?.cpu).toBe(0.25);
    expect(instanceOf(reading(0, use(0)), reading(1_000, use(0.7)), limited(0.5))?.cpu).toBe(1);
  });

  it.each([
    ['the instance was started anew', reading(2_000, use(3, '2'))],
    ['its counter went back', reading(2_000, use(0.5))],
    ['its counter cannot be', reading(2_000, use(90))],
    ['its counter is gone', reading(2_000, use(undefined))],
    ['it is gone', reading(2_000, undefined)],
    ['no time passed', reading(0, use(1))],
    ['time went back', reading(-5_000, use(3))],
    ['the last reading is an hour old', reading(3_600_000, use(3))],
  ])('has no cpu of an instance if %s', (_why, after) => {
    expect(instanceOf(reading(0, use(1)), after)).not.toHaveProperty('cpu');
    expect(instanceOf(reading(0, use(1)), after)).not.toHaveProperty('cpuCores');
  });

  it('takes processes where no group counts', () => {
    expect(instanceOf(reading(0, ofProcesses(100)), reading(1_000, ofProcesses(150)))?.cpuCores).toBe(0.5);
    expect(instanceOf(reading(0, ofProcesses(100)), reading(1_000, ofProcesses(50)))).not.toHaveProperty(
      'cpuCores',
    );
  });

  it('has connections of an instance that nobody here runs, and none where nobody listens', () => {
    const established = new Map([['0a000001', new Map([[80, 3]])]]);
    const waiting = new Map([['0a000001', new Map([[80, 1]])]]);
    const stranger = { instances: [local()] };
    const found = instanceOf(undefined, reading(0, undefined), {
      ...stranger,
      sockets: { established, waiting },
    });
    expect(found).toEqual({ connections: 3, acceptQueue: 1 });
    const sockets = { established, waiting: new Map() };
    expect(instanceOf(undefined, reading(0, undefined), { ...stranger, sockets })).toEqual({});
  });

  it('says over what time new connections are a mean only if that is longer than the beat', () => {
    const [before, after] = [reading(0, use(1)), reading(2_000, use(1))];
    expect(loadBetween(before, after, now({ rates: ratesOver(2_000) }))).not.toHaveProperty(
      'newConnectionsOverMs',
      2_000,
    );
    const long = loadBetween(before, after, now({ rates: ratesOver(8_000) }));
    expect(long).toMatchObject({
      newConnections: { 'web/a': 2 },
      serviceConnections: { web: 5 },
      newConnectionsOverMs: 8_000,
    });
  });

  it('can always be written and read, whatever was read', () => {
    const any = fc.record({
      ms: fc.integer({ min: -1_000_000, max: 1_000_000 }),
      seconds: fc.option(fc.double({ min: 0, max: 1e9, noNaN: true }), { nil: undefined }),
      run: fc.constantFrom('1', '2'),
      busy: fc.nat({ max: 1_000 }),
    });
    fc.assert(
      fc.property(any, any, fc.constantFrom(undefined, 0, 0.5, -1, Number.NaN), (a, b, limitCores) => {
        const load = loadBetween(
          reading(a.ms, use(a.seconds, a.run), a.busy),
          reading(b.ms, use(b.seconds, b.run), b.busy),
          now({ instances: [local({ run: '1', limitCores })] }),
        );
        const { cpu, cpuCores } = decodeLoad('n1', encodeLoad(load)).value.instances['web/a'] ?? {};
        expect((cpu ?? 0) <= 1 && (cpuCores ?? 0) <= 4).toBe(true);
      }),
    );
  });
});
