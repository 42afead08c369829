/**
 * Owns measuring the REST API beside many services: what a list costs, how long it keeps the server from everything else, and how soon
 * those who watch are told of a publish. In one process, on a store in memory: what is measured is the API, not etcd.
 */
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { randomId, systemClock } from '../../src/host/clock.ts';
import { waitUntil } from '../../src/host/wait.ts';
import { encodeInstance, encodeService } from '../../src/model/records-service.ts';
import { publish } from '../../src/ops/publish.ts';
import { admin, putRaw, spec } from '../ops/world.ts';
import { type ApiWorld, startApiWorld } from '../apiserver/world.ts';
import { recordFigures } from './figures.ts';
import { median, percentile } from './paired.ts';

const SERVICES = Number(process.env['REST_SERVICES'] ?? 10_000);
const WATCHERS = 10;
const LISTS = 10;
const PUBLISHES = 30;
const CHUNK = 1_000;
const AT = '2026-01-01T00:00:00.000Z';

const entryOf = (index: number) => ({
  ip: `10.96.${index >> 8}.${index & 255}`,
  port: 80,
  protocol: 'tcp' as const,
});

/** Records of one service with three instances. */
function records(index: number): readonly (readonly [string, string])[] {
  const name = `s${index}`;
  const shared = { origin: 'static' as const, createdAt: AT };
  const service = encodeService({ ...shared, name, entries: [entryOf(index)], masquerade: false });
  const instances = [1, 2, 3].map((host) => {
    const ip = `10.${host}.${index >> 8}.${index & 255}`;
    const one = {
      ...shared,
      service: name,
      id: `${ip}:80`,
      ip,
      port: 80,
      weight: 1,
      state: 'ready' as const,
    };
    return [`instance/${name}/${one.id}`, encodeInstance(one)] as const;
  });
  return [[`service/${name}`, service], ...instances];
}

const figure = (what: string, measured: string) => ({ what, measured, target: '-', met: true });

/** How long nothing else was answered. Half of it may be the reader's work: it is in the same process. */
const longest = (what: string, ms: number) => ({
  what,
  measured: `${ms.toFixed(0)} ms`,
  target: '≤ 50 ms',
  met: ms <= 50,
});

let world: ApiWorld;
beforeAll(async () => {
  world = await startApiWorld();
  for (let from = 0; from < SERVICES; from += CHUNK) {
    const part = Array.from({ length: Math.min(CHUNK, SERVICES - from) }, (_, index) =>
      records(from + index),
    );
    await putRaw(world.backend, Object.fromEntries(part.flat()));
  }
});
afterAll(async () => {
  await world.close();
});

/** Reads a watch; tells when each revision's bookmark, and each service, came. */
async function watcher(signal: AbortSignal, heard: (text: string) => void): Promise<void> {
  const headers = { authorization: `Bearer ${world.tokens.get('viewer') ?? ''}` };
  const { body } = await fetch(`${world.url}/v1/watch`, { headers, signal });
  const decoder = new TextDecoder();
  let rest = '';
  try {
    for await (const chunk of body ?? []) {
      const blocks = (rest + decoder.decode(chunk, { stream: true })).split('\n\n');
      rest = blocks.pop() ?? '';
      for (const block of blocks) heard(block);
    }
  } catch (error) {
    if (!signal.aborted) throw error;
    return;
  }
  if (!signal.aborted) throw new Error(`the server ended a watch: ${rest.slice(0, 200)}`);
}

describe(`the REST API beside ${SERVICES} services`, () => {
  it('lists and tells', async () => {
    const token = world.tokens.get('viewer');
    const lists: number[] = [];
    let bytes = 0;
    const delay = monitorEventLoopDelay({ resolution: 5 });
    delay.enable();
    for (let round = 0; round < LISTS; round += 1) {
      const startedMs = systemClock.monotonicMs();
      const { text } = await world.ask({ target: '/v1/services', token });
      lists.push(systemClock.monotonicMs() - startedMs);
      bytes = text.length;
    }
    const blockedMs = delay.max / 1e6;
    const stop = new AbortController();
    const waiting = new Map<string, () => void>();
    let begun = 0;
    delay.reset();
    const startedMs = systemClock.monotonicMs();
    const all = Array.from({ length: WATCHERS }, async (_, index) => {
      let isBegun = false;
      await watcher(stop.signal, (text) => {
        if (!isBegun && text.includes('event: bookmark')) {
          isBegun = true;
          begun += 1;
        }
        if (text.includes('"service/fresh"')) waiting.get(String(index))?.();
      });
    });
    const ended = Promise.all(all);
    await Promise.race([
      ended,
      waitUntil(() => begun === WATCHERS, { what: 'all watchers', timeoutMs: 120_000 }),
    ]);
    const listingMs = delay.max / 1e6;
    const begunMs = systemClock.monotonicMs() - startedMs;
    delay.reset();
    const deps = admin(world.backend, 'ann', { newId: randomId, clock: systemClock });
    const told: number[] = [];
    for (let round = 0; round < PUBLISHES; round += 1) {
      const sentMs = systemClock.monotonicMs();
      const heard = Array.from({ length: WATCHERS }, async (_, index) => {
        await new Promise<void>((resolve) => waiting.set(String(index), resolve));
        told.push(systemClock.monotonicMs() - sentMs);
      });
      await publish(deps, [spec('fresh', '10.200.0.1:80', `10.0.0.1:80=${round + 1} 10.0.0.2:80`)]);
      await Promise.race([Promise.all(heard), ended]);
    }
    const tellingMs = delay.max / 1e6;
    stop.abort();
    await ended;
    const p99 = percentile(told, 0.99);
    const missed = recordFigures(`The REST API beside ${SERVICES} services with 3 instances each`, [
      figure(
        `GET /v1/services (${(bytes / 1e6).toFixed(1)} MB), p50 of ${LISTS}`,
        `${median(lists).toFixed(0)} ms`,
      ),
      longest('the longest that it kept the server from everything else', blockedMs),
      figure(`${WATCHERS} watches told of everything`, `${begunMs.toFixed(0)} ms`),
      longest('the longest that this kept the server from everything else', listingMs),
      figure(
        `publish → told, p50 of ${PUBLISHES} × ${WATCHERS} (100 ms are waited for more)`,
        `${median(told).toFixed(0)} ms`,
      ),
      { what: 'the same, p99', measured: `${p99.toFixed(0)} ms`, target: '≤ 500 ms', met: p99 <= 500 },
      longest('the longest that telling kept the server from everything else', tellingMs),
    ]);
    expect(missed).toEqual([]);
  });
});
