/** Whole services on the drivers that are not built in: published, under load, measured, scaled, drained. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startLoad } from '../../src/dev/load/start-load.ts';
import { waitUntil } from '../../src/host/wait.ts';
import { decodeInstance } from '../../src/model/records-service.ts';
import type { Instance } from '../../src/model/service.ts';
import { instancesOf } from '../../src/store/keys.ts';
import { type LabStore, openLabStore, sluice, startAgent, startMonitor } from '../cluster/harness/control.ts';
import { programArgv } from '../cluster/harness/programs.ts';
import { useLab } from '../cluster/harness/use-lab.ts';
import { agentOf, measured, specFile } from './driver-service.ts';
import { openPodmanMachine } from './podman-machine.ts';

const PER_SECOND = 30;
const UP_MS = 60_000;

describe('a service', () => {
  let closePodman: () => void;
  beforeAll(async () => {
    closePodman = await openPodmanMachine();
  });
  // The last of all ends: agents of the lab ask podman until they are gone.
  afterAll(() => closePodman());
  const lab = useLab({ nodes: 2, etcd: 1 });
  let control: LabStore;
  beforeAll(async () => {
    control = await openLabStore(lab());
    for (const node of lab().nodes) {
      await startAgent(lab(), node, await agentOf(node));
      await startMonitor(lab(), node);
    }
  }, UP_MS);
  afterAll(async () => {
    await control?.close();
  });

  const ok = async (...argv: readonly string[]): Promise<string> => {
    const { exitCode, stdout, stderr } = await sluice(lab(), lab().node(1), argv);
    if (exitCode !== 0) throw new Error(`${argv.join(' ')}: ${stderr}`);
    return stdout;
  };
  const instances = async (name: string): Promise<readonly Instance[]> => {
    const { items } = await control.store.list(instancesOf(name), { timeoutMs: 20_000 });
    return items.map(({ key, value }) => decodeInstance(name, key.split('/').at(-1) ?? '', value).value);
  };
  const settled = async (name: string, count: number): Promise<readonly Instance[]> => {
    let seen: readonly Instance[] = [];
    return await waitUntil(
      async () => {
        seen = await instances(name);
        return seen.length === count && seen.every(({ state }) => state === 'ready') ? seen : undefined;
      },
      { what: `${count} ready instances of ${name}`, timeoutMs: UP_MS, facts: () => JSON.stringify(seen) },
    );
  };

  it.each([
    ['exec', '10.96.0.11'],
    ['systemd', '10.96.0.12'],
    ['podman', '10.96.0.13'],
  ] as const)(
    'on driver %s is published, measured, scaled and drained, and loses nothing',
    async (driver, ip) => {
      const name = `web-${driver}`;
      const file = await specFile(lab().node(1).folder, { name, entry: `${ip}:80/tcp`, driver });
      await ok('publish', '-f', file, '--wait', '--timeout', '55s');
      const pace = { kind: 'rate', perSecond: PER_SECOND } as const;
      const load = await startLoad(
        { host: ip, port: 80, pace, count: 100_000, durationMs: 300_000, timeoutMs: 20_000, slowMs: 20_000 },
        { worker: programArgv('load'), ns: lab().node(2).ns },
      );
      const before = await settled(name, 2);
      let seen = '';
      await waitUntil(
        async () => {
          const loads = await measured(control, name);
          seen = JSON.stringify([...loads]);
          return before.every(({ id }) => {
            const { cpuCores = 0, memoryBytes = 0, connections } = loads.get(id) ?? {};
            return cpuCores > 0.005 && memoryBytes > 500_000 && connections !== undefined;
          });
        },
        { what: 'its use of processor, memory and connections', timeoutMs: UP_MS, facts: () => seen },
      );
      await ok('scale', name, '4', '--timeout', '55s');
      const [first] = await settled(name, 4);
      await ok('drain', `${name}/${first?.id}`, '--timeout', '55s');
      expect((await settled(name, 4)).map(({ id }) => id)).not.toContain(first?.id);
      await ok('scale', name, '1', '--timeout', '55s');
      await settled(name, 1);
      const { attempts, outcomes, failures } = await load.stop();
      expect(failures).toEqual([]);
      expect(outcomes.ok).toBe(attempts);
      expect(attempts).toBeGreaterThan(PER_SECOND);
      await ok('unpublish', name, '--yes');
      await waitUntil(async () => (await instances(name)).length === 0, {
        what: `no instances of ${name}`,
        timeoutMs: UP_MS,
      });
    },
  );
});
