import { parseXml } from '@rgrove/parse-xml';
import { describe, expect, it } from 'vitest';
import type { LineFile } from '../../src/host/line-file.ts';
import { encodeLoad } from '../../src/model/load.ts';
import { readRecording } from '../../src/model/recording.ts';
import { encodeService } from '../../src/model/records-service.ts';
import type { Service } from '../../src/model/service.ts';
import { plotOf } from '../../src/monitor/recording/plot.ts';
import { record, type Recorded } from '../../src/monitor/recording/recorder.ts';
import { replay, type ReplayOptions } from '../../src/monitor/recording/replay.ts';
import { summaries } from '../../src/monitor/recording/summary.ts';
import { loadKey, serviceKey } from '../../src/store/keys.ts';
import { template } from '../schedule/world.ts';
import { createMonitorWorld } from './world.ts';

const AT = '2026-01-01T00:00:00.000Z';
const SCALING = {
  min: 1,
  max: 20,
  metrics: [{ kind: 'cpu', name: 'cpu', target: 0.7 }],
  mode: 'act',
  downAfterSeconds: 60,
  cooldownUpSeconds: 0,
  cooldownDownSeconds: 0,
} as const;
const SAME: ReplayOptions = { policyOf: () => undefined, startMs: 10_000 };
const log = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };

/** A file in memory. */
function memoryFile(maxBytes = 1e9) {
  let text = '';
  const file: LineFile = {
    write: async (line) => {
      const fits = text.length + line.length <= maxBytes;
      if (fits) text += line;
      return Promise.resolve(fits);
    },
    bytes: () => text.length,
    close: async () => Promise.resolve(),
  };
  return { file, text: () => text };
}

/** A service of two instances, a monitor, and load: so many instances' worth of work in all at each second. */
async function recorded(
  work: (second: number) => number,
  seconds: number,
  options: { maxBytes?: number; mode?: 'act' | 'recommend' } = {},
) {
  const world = createMonitorWorld(2);
  await world.open();
  const entries = [{ ip: '10.96.0.1', port: 80, protocol: 'tcp' }] as const;
  const rest = { entries, masquerade: false, createdAt: AT, template: template('one') } as const;
  const policy = { scaling: { ...SCALING, mode: options.mode ?? ('act' as const) } };
  const web: Service = { name: 'web', origin: 'managed', replicas: 2, policy, ...rest };
  await world.write(
    { kind: 'put', key: serviceKey('web'), value: encodeService(web) },
    {
      kind: 'put',
      key: serviceKey('other'),
      value: encodeService({ ...web, name: 'other', origin: 'static', policy: {} }),
    },
  );
  const monitor = world.start('n1');
  await world.live(16);
  const { file, text } = memoryFile(options.maxBytes);
  const store = world.client();
  const ended: { value?: Recorded } = {};
  const stop = new AbortController();
  const running = (async () => {
    const common = {
      store,
      clock: world.clock,
      random: () => 0,
      log,
      readMetric: async () => Promise.resolve(1),
    };
    ended.value = await record({
      ...common,
      file,
      services: undefined,
      everyMs: 2_000,
      forMs: 1_000 * seconds,
      signal: stop.signal,
      onLook: () => {},
    });
  })();
  for (let second = 0; second < seconds + 4; second += 2) {
    const on = (await world.assigned()).filter((one) => one.stop === undefined);
    const ready = [...(await world.states('web')).values()].filter((state) => state === 'ready').length;
    for (const node of ['n1', 'n2']) {
      const cpu = Math.min(1, work(second) / Math.max(1, ready));
      const own = on.filter((one) => one.node === node).map(({ id }) => [`web/${id}`, { cpu }] as const);
      const load = {
        node,
        at: world.clock.now().getTime(),
        cores: 4,
        cpu,
        instances: Object.fromEntries(own),
      };
      await world.write({
        kind: 'put',
        key: loadKey(node),
        value: encodeLoad({ ...load, newConnections: {} }),
      });
    }
    await world.live(2);
  }
  stop.abort();
  await world.clock.advance(100);
  await running;
  const why = await world.decisions('web');
  await monitor.stop();
  return { text: text(), ended: ended.value, why };
}

function replayed(text: string, options: ReplayOptions = SAME) {
  const all = [
    ...replay(
      readRecording('a', text, () => {}),
      options,
    ),
  ];
  const points = all.flatMap((one) => one.points);
  const weights = all.flatMap((one) => one.weights);
  return { points, weights, summary: summaries(points, weights) };
}

describe('what is recorded', () => {
  it('leads to the decisions of the leader that decided from it, and to the same ones every time', async () => {
    const { text, why, ended } = await recorded((second) => (second < 20 ? 1 : 1.8), 80, {
      mode: 'recommend',
    });
    expect(ended).toMatchObject({ looks: 40, end: 'time', bytes: text.length });
    expect(text.trimEnd().split('\n')).toHaveLength(41);
    expect(text).not.toContain('service/other');
    const { points, summary } = replayed(text);
    expect(replayed(text).points).toEqual(points);
    // What was carried out is in the recording; what was only recommended is decided again.
    const advice = why.flatMap((line) => /(\d+) → (\d+) instances/.exec(line)?.[2] ?? []);
    expect(advice.length).toBeGreaterThan(0);
    expect(points.at(-1)?.outcome).toMatchObject({
      from: 2,
      final: Number(advice.at(-1)),
      mode: 'recommend',
    });
    expect(summary).toEqual([expect.objectContaining({ service: 'web', seconds: 78, looks: 40 })]);
    expect(summary[0]?.recorded).toEqual({ mean: 2, min: 2, max: 2, changes: 0 });
  });

  it('can be decided anew with another policy, on the load that it was', async () => {
    const { text } = await recorded((second) => (second < 20 ? 1 : 3), 120);
    const tried = (target: number, max = 20) =>
      replayed(text, {
        ...SAME,
        policyOf: () => ({ ...SCALING, max, metrics: [{ kind: 'cpu', name: 'cpu', target }] }),
      }).summary[0]?.replayed;
    // Three instances' worth of work: five at 70 %, ten at 30 %; at most as many as allowed.
    expect(tried(0.7)?.max).toBe(5);
    expect(tried(0.3)?.max).toBe(10);
    expect(tried(0.3, 3)?.max).toBe(3);
    const lazy = replayed(text, { startMs: 60_000, policyOf: () => SCALING }).summary[0];
    const quick = replayed(text, { startMs: 2_000, policyOf: () => SCALING }).summary[0];
    expect(lazy?.fullSeconds).toBeGreaterThan((quick?.fullSeconds ?? 0) + 30);
  });

  it('ends with the last whole line that fits', async () => {
    const { text, ended } = await recorded(() => 1, 60, { maxBytes: 12_000 });
    expect(ended?.end).toBe('size');
    expect(text.length).toBeLessThanOrEqual(12_000);
    expect(text.endsWith('\n')).toBe(true);
    expect(replayed(text).points).toHaveLength(ended?.looks ?? -1);
  });

  it('is drawn as SVG: a panel a service, whatever the names are', async () => {
    const { text } = await recorded((second) => (second < 20 ? 1 : 3), 60);
    const { points } = replayed(text);
    const two = [...points, ...points.map((point) => ({ ...point, service: '<a>&"b"' }))];
    const svg = plotOf(two);
    const { root } = parseXml(svg);
    expect(root?.name).toBe('svg');
    const texts = [...svg.matchAll(/<text[^>]*>([^<]*)<\/text>/g)].map(([, words]) => words);
    expect(texts).toEqual(expect.arrayContaining(['web', '&lt;a&gt;&amp;&quot;b&quot;', points[0]?.at]));
    const most = Math.max(
      ...points.map(({ outcome, recorded: count }) => Math.max(outcome.want, outcome.final, count)),
    );
    expect(texts.filter((words) => words === String(most))).toHaveLength(2);
    for (const [, number] of svg.matchAll(/[MHVL ](-?\d+(?:\.\d+)?)/g))
      expect(Number(number)).toBeGreaterThanOrEqual(0);
    expect(parseXml(plotOf([])).root?.name).toBe('svg');
  });
});
