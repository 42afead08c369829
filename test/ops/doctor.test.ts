import { describe, expect, it } from 'vitest';
import type { LocalAgent } from '../../src/host/agent-status.ts';
import type { NodeProbe } from '../../src/host/node-probe.ts';
import { doctor, type DoctorDeps } from '../../src/ops/doctor.ts';
import { isSoundVersion } from '../../src/ops/doctor-store.ts';
import { publish } from '../../src/ops/publish.ts';
import { SluiceError } from '../../src/errors.ts';
import { spec, START, world } from './world.ts';

const SETTINGS: Readonly<Record<string, string>> = {
  'net/ipv4/ip_forward': '1',
  'net/ipv6/conf/all/forwarding': '1',
  'net/netfilter/nf_conntrack_max': '1000',
  'net/netfilter/nf_conntrack_count': '10',
  'net/ipv4/ip_local_port_range': '32768\t60999',
  'net/ipv4/ip_local_reserved_ports': '',
  'net/ipv4/conf/all/rp_filter': '0',
  'net/ipv4/conf/eth0/rp_filter': '0',
  'net/ipv4/conf/eth1/rp_filter': '0',
};
const AGENT: LocalAgent = {
  node: 'n1',
  revision: 7,
  appliedAt: START,
  rulesHash: 'ab',
  connected: true,
  entries: 1,
  instances: 1,
  failures: [],
  pid: 1,
  running: true,
};

interface Machine {
  readonly settings?: Readonly<Record<string, string>>;
  readonly probe?: Partial<NodeProbe>;
  readonly deps?: Partial<DoctorDeps>;
}

async function checks(machine: Machine = {}): Promise<ReadonlyMap<string, string>> {
  const { store, ann } = world();
  await publish(ann, [spec('web', '10.96.0.10:80', '10.0.0.1:40000 10.0.0.2:40001')]);
  const probe: NodeProbe = {
    programs: ['ip', 'iptables', 'nft'].map((name) => ({ name, version: '1' })),
    stateDir: { path: '/s', exists: true, writable: true, freeBytes: 1e9 },
    clockSynchronized: true,
    settings: new Map(Object.entries({ ...SETTINGS, ...machine.settings })),
    ...machine.probe,
  };
  const report = await doctor({
    store,
    ownIps: [],
    readLocal: async () => AGENT,
    probe: async () => probe,
    countRules: async () => ({ nft: 3, legacy: 0 }),
    tryRules: async () => ({ outcome: 'ok', detail: 'all taken' }),
    tryGuard: async () => ({ outcome: 'ok', detail: 'all taken' }),
    autoLayout: async () => ({ layout: 'iptables', why: 'the default' }),
    ...machine.deps,
  });
  for (const { result, fix } of report.checks)
    expect(fix === null).toBe(result === 'ok' || result === 'skipped');
  return new Map(report.checks.map(({ check, result }) => [check, result]));
}

describe('doctor', () => {
  it('finds a well node well', async () => {
    const found = await checks();
    expect([...found.values()].filter((result) => result !== 'ok')).toEqual([]);
    expect(found.size).toBeGreaterThan(12);
  });

  const AWAY = new SluiceError('failed', 'status.json is damaged');
  it.each<readonly [string, string, string, Machine]>([
    [
      'no iptables',
      'program/iptables',
      'fail',
      { probe: { programs: [{ name: 'iptables', version: undefined }] } },
    ],
    [
      'no conntrack',
      'program/conntrack',
      'warn',
      { probe: { programs: [{ name: 'conntrack', version: undefined }] } },
    ],
    [
      'a kernel that refuses',
      'kernel/iptables/ipv4',
      'fail',
      { deps: { tryRules: async () => ({ outcome: 'failed', detail: 'x' }) } },
    ],
    [
      'a kernel that cannot be tried',
      'kernel/iptables/ipv6',
      'skipped',
      { deps: { tryRules: async () => ({ outcome: 'not-tried', detail: 'x' }) } },
    ],
    [
      'a kernel that refuses the layout that is not used',
      'kernel/nftables/ipv4',
      'warn',
      { deps: { tryRules: async () => ({ outcome: 'failed', detail: 'x' }) } },
    ],
    [
      'a kernel that refuses the guard',
      'kernel/guard',
      'warn',
      { deps: { tryGuard: async () => ({ outcome: 'failed', detail: 'x' }) } },
    ],
    [
      'a machine on which no layout works',
      'dataplane/auto',
      'fail',
      {
        deps: {
          autoLayout: async () => {
            throw new SluiceError('config', 'neither iptables nor nftables can be used on this node');
          },
        },
      },
    ],
    [
      'both variants',
      'iptables/variants',
      'warn',
      { deps: { countRules: async () => ({ nft: 1, legacy: 1 }) } },
    ],
    ['no forwarding', 'sysctl/net.ipv4.ip_forward', 'warn', { settings: { 'net/ipv4/ip_forward': '0' } }],
    [
      'strict rp_filter on two devices',
      'sysctl/rp_filter',
      'warn',
      { settings: { 'net/ipv4/conf/all/rp_filter': '1' } },
    ],
    [
      'a filling conntrack table',
      'conntrack/fill',
      'warn',
      { settings: { 'net/netfilter/nf_conntrack_count': '800' } },
    ],
    [
      'a full conntrack table',
      'conntrack/fill',
      'fail',
      { settings: { 'net/netfilter/nf_conntrack_count': '990' } },
    ],
    ['an instance in the ephemeral range', 'ports/local-range', 'warn', { deps: { ownIps: ['10.0.0.1'] } }],
    ['a clock by itself', 'clock', 'warn', { probe: { clockSynchronized: false } }],
    ['an unknown clock', 'clock', 'skipped', { probe: { clockSynchronized: undefined } }],
    [
      'a full disk',
      'state-dir',
      'fail',
      { probe: { stateDir: { path: '/s', exists: true, writable: true, freeBytes: 9 } } },
    ],
    [
      'no state',
      'state-dir',
      'skipped',
      { probe: { stateDir: { path: '/s', exists: false, writable: false, freeBytes: undefined } } },
    ],
    ['a dead agent', 'agent', 'fail', { deps: { readLocal: async () => ({ ...AGENT, running: false }) } }],
    ['a stale agent', 'agent', 'warn', { deps: { readLocal: async () => ({ ...AGENT, connected: false }) } }],
    ['no agent', 'agent', 'skipped', { deps: { readLocal: async () => undefined } }],
    ['a damaged status', 'agent', 'warn', { deps: { readLocal: async () => Promise.reject(AWAY) } }],
  ])('calls %s by its name', async (_title, check, result, machine) => {
    expect((await checks(machine)).get(check)).toBe(result);
  });

  it('takes reserved ports for safe', async () => {
    const settings = { 'net/ipv4/ip_local_reserved_ports': '1000,39000-40000' };
    expect((await checks({ settings, deps: { ownIps: ['10.0.0.1'] } })).get('ports/local-range')).toBe('ok');
  });

  it.each([
    ['3.4.23', false],
    ['3.4.44', true],
    ['3.5.16', false],
    ['3.5.30', true],
    ['3.6.10', false],
    ['3.6.11', true],
    ['3.7.0', undefined],
    ['x', undefined],
  ])('knows etcd %s', (version, sound) => {
    expect(isSoundVersion(version)).toBe(sound);
  });
});
