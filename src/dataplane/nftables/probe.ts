/** Owns finding out, without changing anything, whether nftables works on this node and whether rules of ours are in it. */
import type { Exec, ExecResult } from '../../host/exec.ts';
import { ifInstalled } from '../../host/if-installed.ts';
import { TABLE } from '../../rules/nftables/names.ts';

/** One of each thing that the layout needs; only checked (`nft -c`), by the kernel too, and never committed. */
const PROBE = `add table ip sluice_probe
add map ip sluice_probe m { type ipv4_addr . inet_proto . inet_service : verdict; }
add set ip sluice_probe s { type ipv4_addr; size 65535; flags dynamic,timeout; }
add chain ip sluice_probe c
add chain ip sluice_probe b { type nat hook prerouting priority -110; policy accept; }
add rule ip sluice_probe c update @s { ip saddr timeout 60s }
add rule ip sluice_probe c numgen inc mod 3 1-2 meta l4proto tcp dnat to 192.0.2.1:80
add rule ip sluice_probe c numgen inc mod 3 != 1 meta l4proto tcp dnat to 192.0.2.1:80
add rule ip sluice_probe b ip daddr . meta l4proto . th dport vmap @m
add element ip sluice_probe m { 192.0.2.1 . tcp . 80 : goto c }
`;

async function nft(exec: Exec, args: readonly string[]): Promise<ExecResult | undefined> {
  return ifInstalled(async () => exec('nft', args, { timeoutMs: 30_000 }));
}

/** Why the layout cannot be used here, one line; undefined if it can. */
export async function nftProblem(exec: Exec): Promise<string | undefined> {
  const result = await nft(exec, ['-c', '--', PROBE]);
  if (result === undefined) return 'nft is not installed';
  if (result.exitCode === 0) return undefined;
  const [first = ''] = result.stderr.trim().split('\n');
  return `nft or the kernel refuses what is needed: ${first.slice(0, 200)}`;
}

/** True if a table of ours is there. Lists chains only: that costs 60 ms beside 10,000 services, tables 10 s (nft 1.0.6). */
export async function hasOurTable(exec: Exec): Promise<boolean> {
  const result = await nft(exec, ['list', 'chains']);
  return result !== undefined && new RegExp(`^table ip6? ${TABLE} \\{$`, 'm').test(result.stdout);
}
