/**
 * Owns measuring one API server that 500 agents watch: how many watches etcd sees, and how long a publish takes to reach all of them. The
 * watchers are light: connections, all in this process, that look for the service and parse nothing.
 */
import { readFileSync } from 'node:fs';
import { type ClientRequest, get } from 'node:http';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Child } from '../../src/dev/child.ts';
import { randomId, systemClock } from '../../src/host/clock.ts';
import { waitUntil } from '../../src/host/wait.ts';
import { publish } from '../../src/ops/publish.ts';
import { rangeQuery, STORE_PATH } from '../../src/store/api/wire.ts';
import { AGENT_RANGE } from '../../src/store/keys.ts';
import { openStore } from '../../src/store/open.ts';
import type { Store } from '../../src/store/store.ts';
import { specOf } from '../cluster/harness/control.ts';
import { type EtcdCluster, startEtcd } from '../harness/etcd.ts';
import { recordFigures } from './figures.ts';
import { median, percentile } from './paired.ts';
import { startServed } from './served.ts';

/** Fewer, to try something out. */
const WATCHERS = Number(process.env['API_WATCHERS'] ?? 500);
const PUBLISHES = Number(process.env['API_PUBLISHES'] ?? 50);
const WARM_UP = 5;

/** CPU time of a process in milliseconds; 100 ticks a second on all Linux machines that matter (proc(5)). */
function cpuMs(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
    .replace(/^.*\) /, '')
    .split(' ');
  return (Number(fields[11]) + Number(fields[12])) * 10;
}

const memoryMb = (pid: number): number =>
  Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0) / 1024;

async function watchesOf(endpoint: string): Promise<number> {
  const text = await (await fetch(`${endpoint}/metrics`)).text();
  return Number(/^etcd_debugging_mvcc_watcher_total (\d+)$/m.exec(text)?.[1] ?? Number.NaN);
}

/** The record of the published service in a line of a watch. */
const SERVICE_WEB = /"key":"service\/web","value":"(?:[^"\\]|\\.)*","createRevision":\d+,"modRevision":(\d+)/;

/** Reads and understands nothing but what is measured: 500 real agents have 500 machines to read on. */
function lightWatcher(target: string, onText: (text: string) => void): ClientRequest {
  return get(target, { agent: false }, (response) => {
    response.setEncoding('utf8');
    let rest = '';
    response.on('data', (text: string) => {
      rest += text;
      if (!rest.endsWith('\n')) return;
      onText(rest);
      rest = '';
    });
    response.on('error', () => undefined);
  });
}

describe(`one API server and ${WATCHERS} watchers`, () => {
  let etcd: EtcdCluster;
  let server: Child;
  let direct: Store;
  let url = '';
  beforeAll(async () => {
    etcd = await startEtcd();
    ({ child: server, url } = await startServed(etcd.endpoints, 'viewer'));
    direct = await openStore({ endpoints: etcd.endpoints });
  });
  afterAll(async () => {
    await direct.close();
    await server.stop();
    await etcd.close();
  });

  it('a publish reaches all', async () => {
    const deps = {
      store: direct,
      clock: systemClock,
      newId: randomId,
      random: Math.random,
      origin: { actor: 'bench', host: 'bench', command: 'bench' },
    };
    const start = (await direct.count(AGENT_RANGE, { timeoutMs: 20_000 })).revision;
    const arrived = new Map<number, number[]>();
    let ready = 0;
    const requests = Array.from({ length: WATCHERS }, () =>
      lightWatcher(`${url}${STORE_PATH}/watch?${rangeQuery(AGENT_RANGE)}&after=${start}`, (text) => {
        const atMs = systemClock.monotonicMs();
        if (text.includes('"ready"')) ready += 1;
        const revision = Number(SERVICE_WEB.exec(text)?.[1] ?? 0);
        const times = arrived.get(revision);
        if (times === undefined) arrived.set(revision, [atMs]);
        else times.push(atMs);
      }),
    );
    await waitUntil(() => ready === WATCHERS, { what: 'all watches', timeoutMs: 60_000 });
    const watches = await watchesOf(etcd.endpoints[0] ?? '');
    const times: number[] = [];
    let cpuBefore = 0;
    for (let round = 0; round < PUBLISHES + WARM_UP; round += 1) {
      if (round === WARM_UP) cpuBefore = cpuMs(server.pid);
      const sentAtMs = systemClock.monotonicMs();
      const instances = [1, 2, 3, 4].map((at) => `10.0.0.${at}:8080=${1 + ((round + at) % 5)}`);
      const { revision } = await publish(deps, [specOf('web', '10.96.0.10:80', instances)]);
      await waitUntil(() => arrived.get(revision)?.length === WATCHERS, {
        what: `revision ${revision} at all watchers`,
        timeoutMs: 20_000,
      });
      if (round >= WARM_UP) times.push(...(arrived.get(revision) ?? []).map((atMs) => atMs - sentAtMs));
    }
    const cpu = (cpuMs(server.pid) - cpuBefore) / PUBLISHES;
    const [p50, p99] = [median(times), percentile(times, 0.99)];
    const memory = memoryMb(server.pid);
    for (const request of requests) request.destroy();
    const missed = recordFigures(`One API server, ${WATCHERS} watchers`, [
      { what: 'watches that etcd sees', measured: String(watches), target: '≤ 20', met: watches <= 20 },
      {
        what: `publish (as a command does it) → at a watcher, p50 of ${PUBLISHES} × ${WATCHERS}`,
        measured: `${p50.toFixed(0)} ms`,
        target: '-',
        met: true,
      },
      { what: 'the same, p99', measured: `${p99.toFixed(0)} ms`, target: '≤ 250 ms', met: p99 <= 250 },
      {
        what: 'processor time of the server for one publish',
        measured: `${cpu.toFixed(0)} ms`,
        target: '-',
        met: true,
      },
      { what: 'its memory', measured: `${memory.toFixed(0)} MB`, target: '-', met: true },
    ]);
    expect(missed).toEqual([]);
  });
});
