import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { nftRefusals } from '../../src/dataplane/refusals.ts';
import type { Workplace } from '../../src/dev/machine.ts';
import { waitConverged } from '../../src/ops/converge.ts';
import { publish } from '../../src/ops/publish.ts';
import { type LabStore, openLabStore, sluice, specOf, startAgent } from './harness/control.ts';
import { useLab } from './harness/use-lab.ts';

/** What a stranger has set up before us: rules in three tables, chains of his own, and a native nftables table. */
const FOREIGN: readonly (readonly string[])[] = [
  ['iptables-nft', '-t', 'nat', '-N', 'STRANGER'],
  [
    'iptables-nft',
    '-t',
    'nat',
    '-A',
    'STRANGER',
    '-d',
    '203.0.113.7/32',
    '-p',
    'tcp',
    '-j',
    'DNAT',
    '--to-destination',
    '10.77.0.2:99',
  ],
  ['iptables-nft', '-t', 'nat', '-A', 'PREROUTING', '-j', 'STRANGER'],
  ['iptables-nft', '-t', 'nat', '-A', 'POSTROUTING', '-s', '10.200.0.0/16', '-j', 'MASQUERADE'],
  ['iptables-nft', '-A', 'INPUT', '-p', 'tcp', '--dport', '23', '-j', 'REJECT'],
  ['ip6tables-nft', '-A', 'INPUT', '-p', 'tcp', '--dport', '23', '-j', 'DROP'],
  ['nft', 'add table inet stranger'],
  ['nft', 'add chain inet stranger seen { type filter hook input priority 5; policy accept; }'],
  ['nft', 'add rule inet stranger seen tcp dport 2222 counter accept'],
];

/** Counters of our own rules go on while anything connects. */
const withoutOwnCounters = (text: string): string =>
  text.replaceAll(/counter packets \d+ bytes \d+(?=.*SLUICE)/g, 'counter');

/** Everything of the firewall and of the local routes, as its tools print it. Lines that hold a date are left out. */
async function traces(node: Workplace): Promise<string> {
  const commands = [
    ['iptables-nft-save'],
    ['ip6tables-nft-save'],
    ['nft', 'list', 'ruleset'],
    ['ip', 'route', 'show', 'table', 'all'],
    ['ip', '-6', 'route', 'show', 'table', 'all'],
  ];
  const texts = [];
  for (const argv of commands) {
    const { stdout, exitCode } = await node.run(argv);
    expect(exitCode).toBe(0);
    texts.push(`$ ${argv.join(' ')}\n${stdout.replaceAll(/^# (Generated|Completed).*\n/gm, '')}`);
  }
  return withoutOwnCounters(texts.join('\n').replaceAll(/ expires \d+sec/g, ''));
}

describe('agent cleanup', () => {
  const lab = useLab({ nodes: 2, etcd: 1 });
  let control: LabStore;

  beforeAll(async () => {
    control = await openLabStore(lab());
  });
  afterAll(async () => {
    await control.close();
  });

  it.each([
    ['on a node with rules of strangers', 1, FOREIGN],
    ['on a node that has no rules at all', 2, []],
  ] as const)('leaves every table byte-identical to before the agent ran, %s', async (_, number, foreign) => {
    const node = lab().node(number);
    for (const argv of foreign) expect((await node.run(argv)).stderr).toBe('');
    const before = await traces(node);
    const agent = await startAgent(lab(), node);
    const specs = [
      specOf('web', '10.96.0.10:80', ['10.77.0.2:8080', '10.77.0.2:8081=3']),
      { ...specOf('api', '10.96.0.11:80', ['10.77.0.2:8082']), masquerade: true },
      {
        name: 'six',
        entries: [{ ip: 'fd96::10', port: 80, protocol: 'tcp' as const }],
        instances: [{ ip: 'fd77::2', port: 8080, weight: 1 }],
        masquerade: false,
      },
    ];
    const report = await publish(control.deps, specs);
    expect(report.failures).toEqual([]);
    expect(await waitConverged(control.deps, report.revision, { timeoutMs: 20_000 })).toMatchObject({
      outcome: 'converged',
    });
    const during = await traces(node);
    for (const part of ['10.77.0.2:8081', 'fd77::2', 'SLUICE-', 'MASQUERADE']) expect(during).toContain(part);

    const refused = await sluice(lab(), node, ['agent', 'cleanup']);
    expect(refused.exitCode).toBe(75);
    expect(await traces(node)).toBe(during);

    await agent.stop('SIGTERM');
    expect(await traces(node)).toBe(during);
    // As an agent leaves it that was killed.
    await nftRefusals(node.ns.exec).hold([{ ip: '10.77.0.1', port: 20_000 }]);
    const cleaned = await sluice(lab(), node, ['agent', 'cleanup']);
    expect({ exitCode: cleaned.exitCode, stderr: cleaned.stderr }).toMatchObject({ exitCode: 0 });
    expect(await traces(node)).toBe(before);
    const again = await sluice(lab(), node, ['agent', 'cleanup']);
    expect(again.exitCode).toBe(0);
    expect(await traces(node)).toBe(before);
  });
});
