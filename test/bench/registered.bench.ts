/** Owns measuring how soon a registration is in the rules of 10 nodes: over HTTP to an API server (in this process), 3 etcd members, iptables. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { systemClock } from '../../src/host/clock.ts';
import { waitUntil } from '../../src/host/wait.ts';
import { publish } from '../../src/ops/publish.ts';
import { instancesOf } from '../../src/store/keys.ts';
import { type ApiServer, startApiServer } from '../../src/apiserver/start.ts';
import { type LabStore, openLabStore, startAgent } from '../cluster/harness/control.ts';
import { useLab } from '../cluster/harness/use-lab.ts';
import { instanceBody } from '../contract/registry-world.ts';
import { silentLog } from '../harness/log.ts';
import { recordFigures } from './figures.ts';
import { median, percentile } from './paired.ts';
import { watchApplied } from './watch-applied.ts';

const REGISTRATIONS = Number(process.env['REGISTRATIONS'] ?? 100);
const WARM_UP = 5;
const NODES = 10;

describe('a registration', () => {
  const lab = useLab({ nodes: NODES, etcd: 3 });
  let control: LabStore;
  let server: ApiServer;
  beforeAll(async () => {
    control = await openLabStore(lab());
    const { random, newId } = control.deps;
    server = await startApiServer({
      store: control.store,
      clock: systemClock,
      random,
      newId,
      log: silentLog,
      host: '127.0.0.1',
      port: 0,
      tls: undefined,
      anonymous: 'registry',
    });
    await server.synced(20_000);
    await Promise.all(lab().nodes.map(async (one) => await startAgent(lab(), one)));
  });
  afterAll(async () => {
    await server.close();
    await control.close();
  });

  it(`is in the rules of ${NODES} nodes`, async () => {
    const entries = [{ ip: '10.96.0.10', port: 80, protocol: 'tcp' as const }];
    await publish(control.deps, [
      { name: 'web', entries, instances: [], masquerade: false, registry: 'WEB' },
    ]);
    const watch = await watchApplied(control.store);
    const times: number[] = [];
    for (let round = 0; round < REGISTRATIONS + WARM_UP; round += 1) {
      const fields = { ipAddr: `10.78.0.${round + 1}` };
      const startedMs = systemClock.monotonicMs();
      const answer = await fetch(`http://127.0.0.1:${server.port}/eureka/apps/WEB`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(instanceBody('WEB', `i-${round}`, fields)),
      });
      expect(answer.status).toBe(204);
      const revision = await waitUntil(
        async () => {
          const { items } = await control.store.list(instancesOf('web'));
          return items.find(({ key }) => key.includes(fields.ipAddr))?.modRevision;
        },
        { what: 'the instance', timeoutMs: 10_000, everyMs: 2 },
      );
      await watch.until(NODES, revision);
      if (round >= WARM_UP) times.push(systemClock.monotonicMs() - startedMs);
    }
    await watch.close();
    const [p50, p99] = [median(times), percentile(times, 0.99)];
    const missed = recordFigures(`Registration → rules in the kernels of ${NODES} nodes, 3 etcd members`, [
      { what: `p50 of ${REGISTRATIONS}`, measured: `${p50.toFixed(0)} ms`, target: '-', met: true },
      { what: 'p99', measured: `${p99.toFixed(0)} ms`, target: '≤ 300 ms', met: p99 <= 300 },
    ]);
    expect(missed).toEqual([]);
  });
});
