/** Owns what doctor holds against a machine: from what was read to checks. Pure. */
import type { LocalAgent } from '../host/agent-status.ts';
import type { NodeProbe } from '../host/node-probe.ts';
import type { Instance } from '../model/service.ts';
import { ENTRY_DEVICE } from '../rules/entry-device.ts';
import { bad, type DoctorCheck, skipped, well } from './doctor-check.ts';

/** What each program is for, and whether nothing works without it. */
const NEEDED: Readonly<Record<string, { readonly why: string; readonly result: 'warn' | 'fail' }>> = {
  ip: { why: 'no routes to entries can be made (package iproute2)', result: 'fail' },
  iptables: { why: 'no rules can be made (package iptables)', result: 'fail' },
  ip6tables: { why: 'no IPv6 rules can be made (package iptables)', result: 'warn' },
  nft: {
    why: 'connections break when somebody flushes the nat table, clean-up leaves empty tables, and native tables cannot be read (package nftables)',
    result: 'warn',
  },
  conntrack: {
    why: 'connections to instances that are gone cannot be ended (package conntrack)',
    result: 'warn',
  },
  perl: {
    why: 'foreign changes of rules are found by looking now and then, and neighbours cannot be answered for entries published with --announce (package perl-base)',
    result: 'warn',
  },
};

/** Programs with their versions. */
export function programChecks({ programs }: NodeProbe): readonly DoctorCheck[] {
  return programs.map(({ name, version }) => {
    const check = `program/${name}`;
    if (version !== undefined) return well(check, version);
    const { why = 'not installed', result = 'warn' } = NEEDED[name] ?? {};
    return bad(check, result, {
      detail: `not installed: ${why}`,
      fix: 'install the package (docs/install.md)',
    });
  });
}

/** Rules by variant. */
export function variantCheck(counts: { readonly nft: number; readonly legacy: number }): DoctorCheck {
  const check = 'iptables/variants';
  const { nft, legacy } = counts;
  if (nft === 0 || legacy === 0)
    return well(check, nft + legacy === 0 ? 'no rules yet' : `all rules in ${nft > 0 ? 'nft' : 'legacy'}`);
  return bad(check, 'warn', {
    detail: `${nft} rules in iptables-nft and ${legacy} in iptables-legacy: each tool shows its own only`,
    fix: 'move all to one of them: iptables-legacy-save shows those of legacy',
  });
}

function forwarding(settings: NodeProbe['settings'], file: string, key: string): DoctorCheck {
  const value = settings.get(file);
  const check = `sysctl/${key}`;
  if (value === undefined) return skipped(check, 'the kernel has no such setting');
  if (value !== '0') return well(check, value);
  return bad(check, 'warn', {
    detail: '0: connections of other machines that come through this node are not forwarded',
    fix: `sysctl -w ${key}=1, and write it into /etc/sysctl.d/ (not needed if only programs on this node use entries)`,
  });
}

function reversePath(settings: NodeProbe['settings']): DoctorCheck {
  const all = Number(settings.get('net/ipv4/conf/all/rp_filter') ?? 0);
  const strict = [...settings].flatMap(([file, value]) => {
    const name = /^net\/ipv4\/conf\/(.+)\/rp_filter$/.exec(file)?.[1];
    const isStrict = Math.max(Number(value), all) === 1;
    const isNoDevice = name === undefined || ['all', 'lo', ENTRY_DEVICE].includes(name);
    return isNoDevice || !isStrict ? [] : [name];
  });
  const check = 'sysctl/rp_filter';
  if (strict.length < 2)
    return well(check, strict.length === 0 ? 'not strict' : `strict on ${strict.join()}, the only device`);
  return bad(check, 'warn', {
    detail: `strict on ${strict.join(', ')}: packets of clients whose way back is by another device are dropped`,
    fix: 'sysctl -w net.ipv4.conf.all.rp_filter=2, if clients can come in by several devices',
  });
}

/** Kernel settings. */
export function settingChecks({ settings }: NodeProbe): readonly DoctorCheck[] {
  return [
    forwarding(settings, 'net/ipv4/ip_forward', 'net.ipv4.ip_forward'),
    forwarding(settings, 'net/ipv6/conf/all/forwarding', 'net.ipv6.conf.all.forwarding'),
    reversePath(settings),
    conntrackCheck(settings),
  ];
}

/** A full table drops every new connection of the node. */
const FULL = 0.95;
const FILLING = 0.7;

function conntrackCheck(settings: NodeProbe['settings']): DoctorCheck {
  const check = 'conntrack/fill';
  const [count, max] = ['count', 'max'].map((name) => settings.get(`net/netfilter/nf_conntrack_${name}`));
  if (count === undefined || max === undefined || Number(max) === 0)
    return skipped(check, 'connection tracking is not in use yet, or cannot be read');
  const fill = Number(count) / Number(max);
  const detail = `${count} of ${max} entries (${Math.round(fill * 100)}%)`;
  if (fill < FILLING) return well(check, detail);
  const fix = `sysctl -w net.netfilter.nf_conntrack_max=${Number(max) * 2}`;
  return bad(check, fill < FULL ? 'warn' : 'fail', {
    detail: `${detail}: when it is full, new connections are dropped`,
    fix,
  });
}

function isReserved(reserved: string, port: number): boolean {
  return reserved.split(',').some((part) => {
    const [first = '', last = first] = part.split('-');
    return first !== '' && port >= Number(first) && port <= Number(last);
  });
}

/** Ports of this machine's instances that its own outgoing connections may take first. */
export function portCheck(
  { settings }: NodeProbe,
  instances: readonly Instance[] | undefined,
  ownIps: ReadonlySet<string>,
): DoctorCheck {
  const check = 'ports/local-range';
  const [first, last] = (settings.get('net/ipv4/ip_local_port_range') ?? '').split(/\s+/).map(Number);
  if (first === undefined || last === undefined || !(first > 0)) return skipped(check, 'cannot be read');
  const reserved = settings.get('net/ipv4/ip_local_reserved_ports') ?? '';
  const taken = (instances ?? [])
    .filter(({ ip, port }) => ownIps.has(ip) && port >= first && port <= last && !isReserved(reserved, port))
    .map(({ port }) => port);
  const ports = [...new Set(taken)]
    .toSorted((a, b) => a - b)
    .slice(0, 5)
    .join(',');
  if (ports === '') return well(check, `${first}-${last}`);
  return bad(check, 'warn', {
    detail: `instances here listen on ${ports}, which outgoing connections of this machine may take (${first}-${last})`,
    fix: `sysctl -w net.ipv4.ip_local_reserved_ports=${ports}`,
  });
}

/** The agent's disk. */
const LEAST_BYTES = 16 * 2 ** 20;
const SPARE_BYTES = 256 * 2 ** 20;

/** Whether the agent can keep its snapshot. */
export function stateDirCheck({ stateDir }: NodeProbe): DoctorCheck {
  const { path, exists, writable, freeBytes = 0 } = stateDir;
  const check = 'state-dir';
  if (!exists) return skipped(check, `${path} is not there: no agent ran here with this directory`);
  const room = `${path}, ${Math.round(freeBytes / 2 ** 20)} MiB free`;
  if (freeBytes < LEAST_BYTES)
    return bad(check, 'fail', { detail: `${room}: the snapshot cannot be saved`, fix: 'free some space' });
  if (!writable)
    return bad(check, 'warn', {
      detail: `${path} cannot be written by this user`,
      fix: 'run doctor as the user of the agent',
    });
  return freeBytes < SPARE_BYTES
    ? bad(check, 'warn', { detail: room, fix: 'free some space' })
    : well(check, room);
}

/** Whether times in records can be compared with those of other nodes. */
export function clockCheck({ clockSynchronized: synchronized }: NodeProbe): DoctorCheck {
  const check = 'clock';
  if (synchronized === undefined)
    return skipped(check, 'whether it follows a time server cannot be read (no timedatectl)');
  if (synchronized) return well(check, 'follows a time server');
  return bad(check, 'warn', {
    detail: 'does not follow a time server: ages and the audit trail may mislead',
    fix: 'timedatectl set-ntp true, or install chrony',
  });
}

/** The agent on this machine. */
export function agentCheck(local: LocalAgent | undefined): DoctorCheck {
  const check = 'agent';
  if (local === undefined) return skipped(check, 'no agent ran here with this state directory');
  const start = 'start the agent: systemctl start sluice-agent, or sluice agent';
  if (!local.running)
    return bad(check, 'fail', {
      detail: `not running; last applied revision ${local.revision} at ${local.appliedAt}`,
      fix: start,
    });
  if (local.failures.length > 0)
    return bad(check, 'fail', {
      detail: local.failures.slice(0, 3).join('; '),
      fix: 'sluice status shows all of it',
    });
  if (!local.connected) {
    const since = local.staleSince ?? local.appliedAt;
    return bad(check, 'warn', {
      detail: `its view is stale since ${since}; forwarding goes on`,
      fix: 'see the checks of the store',
    });
  }
  return well(check, `node/${local.node} at revision ${local.revision}, pid ${local.pid}`);
}
