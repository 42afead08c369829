import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Layout } from '../../src/dataplane/layout-choice.ts';
import { nftRefusals } from '../../src/dataplane/refusals.ts';
import type { ExplainOptions } from '../../src/ops/explain.ts';
import type { EntryRules } from '../../src/rules/ruleset.ts';
import { answered } from '../../src/dev/load/outcome.ts';
import { connections, entryRules, explained, install, script, startInstance } from './explain-world.ts';
import { useLab } from './harness/use-lab.ts';

const CLIENT = '10.78.1.2';
/** Faults that do not concern a layout, in both of them; otherwise in one. */
const IN_BOTH = process.env['EXPLAIN_FAULTS'] === 'both';
const RESET = `
  nft flush ruleset
  for t in $(cat /proc/net/ip_tables_names 2>/dev/null); do
    iptables-legacy -t $t -F; iptables-legacy -t $t -X
    for c in INPUT FORWARD OUTPUT; do iptables-legacy -t $t -P $c ACCEPT 2>/dev/null || true; done
  done
  ip route flush table local proto 115; ip link del sluice0 2>/dev/null || true; ip route del unreachable 10.200.0.9 2>/dev/null || true
  ip addr del 10.79.0.1/24 dev lo 2>/dev/null || true
  echo 1 >/proc/sys/net/ipv4/ip_forward
  for f in /proc/sys/net/ipv4/conf/*/rp_filter; do echo 0 >$f; done`;

/** A fault, and how explain must name it. */
interface Fault {
  readonly kind: string;
  /** Shell on the node; of each layout where they differ, none where the fault does not concern a layout. */
  readonly seed: string | Partial<Readonly<Record<Layout, string>>>;
  /** Whose connections. */
  readonly from: 'node' | 'client';
  readonly options?: ExplainOptions;
  readonly rules?: EntryRules;
  readonly wanted?: EntryRules;
  readonly code: string;
  /** Default: error. */
  readonly severity?: 'warn';
  readonly says: RegExp;
  readonly fix: RegExp;
  /** Whether the connections of `from` really fail, or reach somebody else. */
  readonly breaks: boolean;
}

const TO = '10.96.0.10/32 -p tcp --dport 80';
const FAULTS: readonly Fault[] = [
  {
    kind: 'a foreign DNAT before ours',
    seed: { iptables: `iptables-nft -t nat -I PREROUTING -d ${TO} -j DNAT --to-destination 10.77.0.2:9999` },
    from: 'client',
    code: 'foreign-translation',
    says: /10\.77\.0\.2:9999/,
    fix: /iptables-nft -t nat -D PREROUTING .*--to-destination 10\.77\.0\.2:9999/,
    breaks: true,
  },
  {
    kind: 'a foreign REDIRECT before ours, in a chain of its own, for the node itself',
    seed: {
      iptables: `iptables-nft -t nat -N PROXY; iptables-nft -t nat -A PROXY -p tcp -j REDIRECT --to-ports 9999
      iptables-nft -t nat -I OUTPUT -d ${TO} -j PROXY`,
    },
    from: 'node',
    code: 'foreign-translation',
    says: /PROXY.*127\.0\.0\.1:9999/,
    fix: /-D PROXY/,
    breaks: true,
  },
  {
    kind: 'a foreign ACCEPT in nat before our hook',
    seed: { iptables: 'iptables-nft -t nat -I PREROUTING -d 10.96.0.0/16 -j ACCEPT' },
    from: 'client',
    code: 'foreign-verdict',
    says: /-d 10\.96\.0\.0\/16 -j ACCEPT/,
    fix: /-D PREROUTING -d 10\.96\.0\.0\/16 -j ACCEPT/,
    breaks: true,
  },
  {
    kind: 'a foreign RETURN in nat before our hook',
    seed: { iptables: 'iptables-nft -t nat -I OUTPUT -p tcp -j RETURN' },
    from: 'node',
    code: 'foreign-verdict',
    says: /-j RETURN/,
    fix: /-D OUTPUT -p tcp -j RETURN/,
    breaks: true,
  },
  {
    kind: 'a DROP of the instance in filter FORWARD',
    seed: 'iptables-nft -A FORWARD -d 10.77.0.2 -p tcp --dport 8080 -j DROP',
    from: 'client',
    code: 'blocked',
    says: /FORWARD.*drops.*10\.77\.0\.2:8080/,
    fix: /iptables-nft -t filter -D FORWARD/,
    breaks: true,
  },
  {
    kind: 'a policy DROP of FORWARD',
    seed: 'iptables-nft -P FORWARD DROP',
    from: 'client',
    code: 'blocked',
    says: /policy of FORWARD/,
    fix: /--ctstate DNAT -j ACCEPT/,
    breaks: true,
  },
  {
    kind: 'a REJECT in OUTPUT for the node itself',
    seed: 'iptables-nft -A OUTPUT -d 10.77.0.2 -p tcp -j REJECT',
    from: 'node',
    code: 'blocked',
    says: /OUTPUT.*refuses/,
    fix: /-D OUTPUT/,
    breaks: true,
  },
  {
    kind: 'a DROP of the entry in raw',
    seed: `iptables-nft -t raw -A PREROUTING -d ${TO} -j DROP`,
    from: 'client',
    code: 'blocked',
    says: /raw \(iptables-nft\) drops all connections to 10\.96\.0\.10:80/,
    fix: /-t raw -D PREROUTING/,
    breaks: true,
  },
  {
    kind: 'a native nftables table that drops before us',
    seed: `nft add table inet fw; nft 'add chain inet fw in { type filter hook prerouting priority -250; }'
      nft 'add set inet fw bad { type ipv4_addr; flags interval; elements = { 10.96.0.0/24 } }'
      nft add rule inet fw in ip daddr @bad tcp dport 80-90 counter drop`,
    from: 'client',
    code: 'blocked',
    says: /inet fw \(nft\) drops/,
    fix: /nft delete rule inet fw in handle \d+/,
    breaks: true,
  },
  {
    kind: 'a native nftables DNAT of earlier priority',
    seed: `nft add table ip lb; nft 'add chain ip lb pre { type nat hook prerouting priority -120; }'
      nft 'add map ip lb to { type ipv4_addr . inet_service : verdict; }'; nft add chain ip lb web
      nft add element ip lb to '{ 10.96.0.10 . 80 : goto web }'
      nft add rule ip lb web tcp dport 80 dnat to 10.77.0.2:9998
      nft add rule ip lb pre ip daddr . tcp dport vmap @to`,
    from: 'client',
    code: 'foreign-translation',
    says: /ip lb \(nft\) takes all connections.*10\.77\.0\.2:9998/,
    fix: /nft delete rule ip lb web handle \d+/,
    breaks: true,
  },
  {
    kind: 'a missing hook',
    seed: {
      iptables: 'iptables-nft -t nat -D OUTPUT -j SLUICE-ENTRIES',
      nftables: 'nft flush chain ip sluice output',
    },
    from: 'node',
    code: 'missing-hook',
    says: /output.*hook is missing; the guard drops/i,
    fix: /SIGHUP/,
    breaks: true,
  },
  {
    kind: 'no rules of ours at all',
    seed: 'nft flush ruleset',
    from: 'node',
    code: 'no-rules',
    says: /no rules of Sluice/,
    fix: /sluice agent --once/,
    breaks: true,
  },
  {
    kind: 'no rules, with the guard standing',
    seed: {
      iptables: 'iptables-nft -t nat -F; iptables-nft -t nat -X',
      nftables: 'nft delete table ip sluice',
    },
    from: 'client',
    code: 'no-rules',
    says: /no rules of Sluice; the guard drops what is not translated/,
    fix: /sluice agent --once/,
    breaks: true,
  },
  {
    kind: 'an entry that the map forgot',
    seed: { nftables: "nft delete element ip sluice entries '{ 10.96.0.10 . tcp . 80 }'" },
    from: 'node',
    code: 'no-entry-rule',
    says: /no rule of Sluice on this node forwards/,
    fix: /SIGHUP/,
    breaks: true,
  },
  {
    kind: 'a missing guard',
    seed: 'nft delete table inet sluice_guard',
    from: 'client',
    code: 'guard-missing',
    severity: 'warn',
    says: /the guard is missing \(table inet sluice_guard\)/,
    fix: /SIGHUP/,
    breaks: false,
  },
  {
    kind: 'a guard that somebody let drop',
    seed: 'nft insert rule inet sluice_guard forward tcp dport 8080 counter drop',
    from: 'client',
    code: 'guard-blocks',
    says: /inet sluice_guard \(nft\) drops.*10\.77\.0\.2:8080: somebody changed the guard/,
    fix: /SIGHUP/,
    breaks: true,
  },
  {
    kind: 'NOTRACK in raw',
    seed: `iptables-nft -t raw -A PREROUTING -d ${TO} -j CT --notrack`,
    from: 'client',
    code: 'notrack',
    says: /out of connection tracking/,
    fix: /-t raw -D PREROUTING .*--notrack/,
    breaks: true,
  },
  {
    kind: 'ip_forward 0',
    seed: 'echo 0 >/proc/sys/net/ipv4/ip_forward',
    from: 'client',
    code: 'no-forwarding',
    says: /ip_forward is 0/,
    fix: /sysctl -w net\.ipv4\.ip_forward=1/,
    breaks: true,
  },
  {
    kind: 'strict rp_filter where the way back is by another device',
    seed: 'for f in /proc/sys/net/ipv4/conf/*/rp_filter; do echo 1 >$f; done; ip addr add 10.79.0.1/24 dev lo; ip route replace 10.78.1.2/32 via 10.77.0.2',
    from: 'client',
    code: 'reverse-path',
    says: /strict and drops packets of 10\.78\.1\.2: the route back to it is by/,
    fix: /rp_filter=2/,
    breaks: true,
  },
  {
    kind: 'no route to the entry',
    seed: 'ip route del 10.96.0.10 table local',
    from: 'node',
    code: 'entry-route',
    says: /no route to the entry 10\.96\.0\.10/,
    fix: /sluice agent --once/,
    breaks: true,
  },
  {
    kind: 'a local route to the entry without a source',
    seed: 'ip route replace local 10.96.0.10 dev lo table local proto 115',
    from: 'node',
    code: 'entry-route',
    says: /would carry 10\.96\.0\.10 itself as their source/,
    fix: /sluice agent --once/,
    breaks: true,
  },
  {
    kind: 'no route to an instance',
    seed: 'ip route add unreachable 10.200.0.9',
    rules: entryRules(['10.200.0.9:8080=1']),
    from: 'node',
    code: 'no-route',
    says: /no route to instance 10\.200\.0\.9:8080/,
    fix: /ip route add/,
    breaks: true,
  },
  {
    kind: 'an instance on loopback for a client elsewhere',
    seed: 'true',
    rules: entryRules(['127.0.0.1:8080=1']),
    from: 'client',
    code: 'route-localnet',
    says: /127\.0\.0\.1:8080 is on loopback/,
    fix: /route_localnet=1/,
    breaks: true,
  },
  {
    kind: 'client and instance on one link',
    seed: 'true',
    from: 'client',
    options: { from: '10.77.0.3' },
    code: 'return-path',
    says: /10\.77\.0\.3 and 10\.77\.0\.2:8080 are on one link/,
    fix: /--masquerade/,
    breaks: false,
  },
  {
    kind: 'rules in both variants',
    seed: { iptables: 'iptables-legacy -A INPUT -p tcp --dport 23 -j DROP' },
    from: 'node',
    code: 'both-variants',
    says: /iptables-legacy \(1 rules\)/,
    fix: /iptables-legacy-save/,
    breaks: false,
  },
  {
    kind: 'an instance of the store without a rule',
    seed: 'true',
    wanted: entryRules(['10.77.0.2:8080=1', '10.77.0.2:8081=1']),
    from: 'node',
    code: 'missing-instance',
    says: /10\.77\.0\.2:8081 is in the store/,
    fix: /SIGHUP/,
    breaks: false,
  },
  {
    kind: 'a rule without an instance in the store',
    seed: 'true',
    rules: entryRules(['10.77.0.2:8080=1', '10.77.0.2:9997=1']),
    wanted: entryRules(['10.77.0.2:8080=1']),
    from: 'node',
    code: 'stale-instance',
    says: /leads to 10\.77\.0\.2:9997/,
    fix: /SIGHUP/,
    breaks: false,
  },
  {
    kind: 'a rule whose chance was changed by hand',
    seed: {
      iptables: `c=$(iptables-nft-save -t nat | sed -n 's/^-A \\(SLUICE-S-[^ ]*\\) .*probability.*/\\1/p')
      iptables-nft -t nat -R $c 1 -p tcp -m statistic --mode random --probability 0.9 -j DNAT --to-destination 10.77.0.2:8081`,
      nftables: `h=$(nft -a list chain ip sluice tcp-10.96.0.10-80 | sed -n 's/.*numgen.*handle //p')
      nft replace rule ip sluice tcp-10.96.0.10-80 handle $h numgen inc mod 10 0-8 meta l4proto tcp dnat to 10.77.0.2:8081`,
    },
    rules: entryRules(['10.77.0.2:8080=1', '10.77.0.2:8081=1']),
    from: 'node',
    code: 'wrong-share',
    says: /10\.77\.0\.2:8080 gets 10%.*asks for 50%/,
    fix: /SIGHUP/,
    breaks: false,
  },
  {
    kind: 'a service without instances',
    seed: 'true',
    rules: entryRules([]),
    from: 'node',
    code: 'no-instances',
    says: /no usable instance/,
    fix: /instance add/,
    breaks: true,
  },
];

describe.each(['iptables', 'nftables'] as const)('explain on a real kernel, layout %s', (layout) => {
  const lab = useLab({ nodes: 2, clients: 1 });
  const healthy = entryRules(['10.77.0.2:8080=1']);

  beforeAll(async () => {
    await startInstance(lab().node(2), 'a', 8080);
    await startInstance(lab().node(2), 'b', 8081);
  });
  beforeEach(async () => {
    await script(lab().node(1), RESET);
    await script(lab().node(1), 'ip route del 10.78.1.2/32 2>/dev/null || true');
  });

  it.each([
    ['the node', undefined],
    ['a client', CLIENT],
  ])('finds nothing where nothing is wrong, for %s', async (who, from) => {
    const node = lab().node(1);
    await install(node, healthy, layout);
    await nftRefusals(node.ns.exec).hold([{ ip: '10.77.0.1', port: 8080 }]);
    const found = await explained(node, healthy, { from });
    expect(found.findings).toEqual([]);
    expect(found.targets).toMatchObject([
      { address: '10.77.0.2:8080', share: 1, arriving: 1, expected: 1, ours: true },
    ]);
    const result = await connections(who === 'the node' ? node : lab().client(1), 10);
    expect(answered(result)).toBe(10);
    expect((await explained(node, healthy, { from })).targets).toMatchObject([{ connections: 10 }]);
  });

  const faults = FAULTS.flatMap((fault) => {
    const isOfBoth = typeof fault.seed === 'string';
    if (isOfBoth && layout !== 'iptables' && !IN_BOTH) return [];
    const seed = isOfBoth ? fault.seed : fault.seed[layout];
    return seed === undefined ? [] : [{ ...fault, seed }];
  });

  it.each(faults)('names $kind, with its fix', async (fault) => {
    const node = lab().node(1);
    const rules = fault.rules ?? healthy;
    await install(node, rules, layout);
    const device = (await script(node, `ip -o route get ${CLIENT}`)).match(/ dev (\S+)/)?.[1];
    await script(node, fault.seed);
    const options =
      fault.from === 'node'
        ? {}
        : (fault.options ?? { from: CLIENT, device: fault.code === 'reverse-path' ? device : undefined });
    const found = await explained(node, fault.wanted ?? rules, options);
    const [first] = found.findings;
    expect(first).toMatchObject({
      code: fault.code,
      ...(fault.severity === undefined ? {} : { severity: fault.severity }),
    });
    expect(first?.text).toMatch(fault.says);
    expect(first?.fix).toMatch(fault.fix);
    const errors = found.findings.filter(({ severity }) => severity === 'error');
    expect(errors.map(({ code }) => code)).toEqual(errors.map(() => fault.code));
    if (!fault.breaks) return;
    const from = fault.from === 'node' ? node : lab().client(1);
    const result = await connections(from, 3, { timeoutMs: 400, at: 3 });
    expect(answered(result)).toBe(0);
  });

  it('finds nothing where FORWARD drops and the agent accepts what the guard marked', async () => {
    const node = lab().node(1);
    await script(node, 'iptables-nft -P FORWARD DROP');
    await install(node, healthy, layout);
    expect((await explained(node, healthy, { from: CLIENT })).findings).toEqual([]);
    expect(answered(await connections(lab().client(1), 3))).toBe(3);
  });

  it('says so where a match cannot be evaluated', async () => {
    const node = lab().node(1);
    await install(node, healthy, layout);
    // The only user that a user namespace knows for sure.
    await script(node, 'iptables-nft -t filter -A OUTPUT -m owner --uid-owner 0 -p tcp -j DROP');
    const { findings, targets } = await explained(node, healthy);
    expect(findings).toMatchObject([{ severity: 'warn', code: 'may-block' }]);
    expect(findings[0]?.text).toMatch(/--uid-owner 0 cannot be evaluated/);
    expect(targets).toMatchObject([{ arriving: 1 }]);
  });
});
