/**
 * Owns measuring the registry: two API servers that 20,000 registered instances renew at, what that costs them and etcd, how long a fetch of all
 * takes, and how soon a registration is seen at the other server.
 */
import { readFileSync } from 'node:fs';
import { Agent, request } from 'node:http';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Child } from '../../src/dev/child.ts';
import { systemClock } from '../../src/host/clock.ts';
import { waitUntil } from '../../src/host/wait.ts';
import { encodeRegistration } from '../../src/model/records-registration.ts';
import { prefixRange, REGISTRY, registrationKey } from '../../src/store/keys.ts';
import { openStore } from '../../src/store/open.ts';
import type { Store } from '../../src/store/store.ts';
import { instanceBody } from '../contract/registry-world.ts';
import { type EtcdCluster, startEtcd } from '../harness/etcd.ts';
import { registrationOf } from '../registry/registration.ts';
import { recordFigures } from './figures.ts';
import { median, percentile } from './paired.ts';
import { startServed } from './served.ts';

/** Fewer, to try something out. */
const INSTANCES = Number(process.env['REGISTRY_INSTANCES'] ?? 20_000);
const APPS = 200;
const RENEW_SECONDS = 30;
/** Below the limit of one caller (500 a second at each server). */
const WARM_UP_PER_SECOND = 900;
const MEASURED_SECONDS = 15;
const FETCHES = 100;
const REGISTRATIONS = 200;
const PACE_MS = 20;

/** CPU time of a process in milliseconds; 100 ticks a second on all Linux machines that matter (proc(5)). */
function cpuMs(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
    .replace(/^.*\) /, '')
    .split(' ');
  return (Number(fields[11]) + Number(fields[12])) * 10;
}

const agent = new Agent({ keepAlive: true, maxSockets: 64 });

/** Status and length of an answer whose body nobody reads. */
function ask(
  url: string,
  method: string,
  {
    headers = {},
    body,
  }: { readonly headers?: Readonly<Record<string, string>>; readonly body?: string } = {},
): Promise<{ readonly status: number; readonly length: number }> {
  return new Promise((resolve, reject) => {
    const type = body === undefined ? {} : { 'content-type': 'application/json' };
    const sent = request(url, { method, agent, headers: { ...type, ...headers } }, (answer) => {
      let length = 0;
      answer.on('data', (chunk: Buffer) => (length += chunk.length));
      answer.on('end', () => resolve({ status: answer.statusCode ?? 0, length }));
    });
    sent.on('error', reject);
    sent.end(body);
  });
}

const appOf = (index: number): string => `APP-${index % APPS}`;
const ipOf = (index: number): string => `10.${1 + (index >> 16)}.${(index >> 8) & 255}.${index & 255}`;

describe(`two API servers and ${INSTANCES} registered instances`, () => {
  let etcd: EtcdCluster;
  const servers: Child[] = [];
  const urls: string[] = [];
  let direct: Store;

  const startServer = async (): Promise<void> => {
    const { child, url } = await startServed(etcd.endpoints, 'registry');
    servers.push(child);
    urls.push(url);
  };
  beforeAll(async () => {
    etcd = await startEtcd();
    direct = await openStore({ endpoints: etcd.endpoints });
    for (let from = 0; from < INSTANCES; from += 100) {
      const operations = Array.from({ length: Math.min(100, INSTANCES - from) }, (_, at) => {
        const [app, id] = [appOf(from + at), `i-${from + at}`];
        const registration = registrationOf({
          app,
          id,
          ip: ipOf(from + at),
          vip: app,
          renewSeconds: RENEW_SECONDS,
        });
        return {
          kind: 'put' as const,
          key: registrationKey(app, id),
          value: encodeRegistration(registration),
        };
      });
      await direct.transact({ compares: [], operations });
    }
    await startServer();
    await startServer();
  });
  afterAll(async () => {
    agent.destroy();
    await direct.close();
    await Promise.all(servers.map((server) => server.stop()));
    await etcd.close();
  });

  /** Heartbeats in order, evenly, each instance always at its server. @returns times of the answers */
  const beat = async (count: number, perSecond: number): Promise<readonly number[]> => {
    const startedMs = systemClock.monotonicMs();
    const times: number[] = [];
    const pending: Promise<void>[] = [];
    const one = async (index: number): Promise<void> => {
      const sentMs = systemClock.monotonicMs();
      const url = `${urls[index % 2] ?? ''}/eureka/apps/${appOf(index)}/i-${index}?status=UP`;
      expect((await ask(url, 'PUT')).status).toBe(200);
      times.push(systemClock.monotonicMs() - sentMs);
    };
    for (let sent = 0; sent < count;) {
      const due = Math.min(count, Math.floor(((systemClock.monotonicMs() - startedMs) / 1_000) * perSecond));
      for (; sent < due; sent += 1) pending.push(one(sent % INSTANCES));
      await systemClock.sleep(PACE_MS);
    }
    await Promise.all(pending);
    return times;
  };

  it('renewals, fetches and what is seen elsewhere', async () => {
    await beat(INSTANCES, WARM_UP_PER_SECOND);
    await waitUntil(async () => (await direct.count(prefixRange('alive/'))).count === INSTANCES, {
      what: 'all marks',
      timeoutMs: 30_000,
    });
    const [cpuBefore, revisionBefore] = [
      servers.map(({ pid }) => cpuMs(pid)),
      (await direct.count(REGISTRY)).revision,
    ];
    const perSecond = INSTANCES / RENEW_SECONDS;
    const beats = await beat(Math.floor(perSecond * MEASURED_SECONDS), perSecond);
    const shares = servers.map(({ pid }, at) => (cpuMs(pid) - (cpuBefore[at] ?? 0)) / MEASURED_SECONDS / 10);
    const writes = (await direct.count(REGISTRY)).revision - revisionBefore;

    const fetches: number[] = [];
    let length = 0;
    for (let round = 0; round < FETCHES; round += 1) {
      const sentMs = systemClock.monotonicMs();
      const headers = { accept: 'application/json', 'accept-encoding': 'gzip' };
      ({ length } = await ask(`${urls[0] ?? ''}/eureka/apps`, 'GET', { headers }));
      fetches.push(systemClock.monotonicMs() - sentMs);
    }
    const seen: number[] = [];
    for (let round = 0; round < REGISTRATIONS; round += 1) {
      const body = JSON.stringify(instanceBody('SEEN', `s-${round}`));
      const sentMs = systemClock.monotonicMs();
      expect((await ask(`${urls[0] ?? ''}/eureka/apps/SEEN`, 'POST', { body })).status).toBe(204);
      const path = `${urls[1] ?? ''}/eureka/apps/SEEN/s-${round}`;
      while ((await ask(path, 'GET')).status !== 200)
        expect(systemClock.monotonicMs() - sentMs).toBeLessThan(5_000);
      seen.push(systemClock.monotonicMs() - sentMs);
    }
    const [cpu, beatP99] = [Math.max(...shares), percentile(beats, 0.99)];
    const [fetchP50, fetchP99, seenP99] = [
      median(fetches),
      percentile(fetches, 0.99),
      percentile(seen, 0.99),
    ];
    const firstMs = Math.max(...fetches.slice(0, 1));
    const missed = recordFigures(`The registry, ${INSTANCES} instances at ${RENEW_SECONDS} s`, [
      {
        what: `processor of a server for ${(perSecond / 2).toFixed(0)} heartbeats a second`,
        measured: `${cpu.toFixed(1)} % of a core`,
        target: '≤ 15 %',
        met: cpu <= 15,
      },
      {
        what: `writes to etcd in ${MEASURED_SECONDS} s of heartbeats`,
        measured: String(writes),
        target: '0',
        met: writes === 0,
      },
      { what: 'a heartbeat, p99', measured: `${beatP99.toFixed(1)} ms`, target: '-', met: true },
      {
        what: `fetch of all, gzip, ${(length / 1_024).toFixed(0)} KiB, p99 of ${FETCHES}`,
        measured: `${fetchP99.toFixed(0)} ms (median ${fetchP50.toFixed(0)} ms, the first ${firstMs.toFixed(0)} ms)`,
        target: '≤ 50 ms',
        met: fetchP99 <= 50,
      },
      {
        what: `registered at one server → seen at the other, p99 of ${REGISTRATIONS}`,
        measured: `${seenP99.toFixed(0)} ms`,
        target: '≤ 100 ms',
        met: seenP99 <= 100,
      },
    ]);
    expect(missed).toEqual([]);
  });
});
