/** Owns what doctor says of the kernel: which layouts it takes, by trying the rules of each, and the guard. */
import type { Family } from '../model/address.ts';
import { bad, type DoctorCheck, skipped, well } from './doctor-check.ts';

/** What writes the rules. */
export type Layout = 'iptables' | 'nftables';

/** What came of trying. */
export interface KernelTrial {
  readonly outcome: 'ok' | 'failed' | 'not-tried';
  readonly detail: string;
}

/** What tries rules in a private network namespace. Implemented at the edge (dataplane/live/try-rules.ts). */
export interface KernelTrials {
  readonly tryRules: (layout: Layout, family: Family) => Promise<KernelTrial>;
  readonly tryGuard: () => Promise<KernelTrial>;
}

const LAYOUTS: readonly Layout[] = ['iptables', 'nftables'];
const FAMILIES: readonly Family[] = ['ipv4', 'ipv6'];
const NEEDS: Readonly<Record<Layout, string>> = {
  iptables: 'nf_nat, xt_statistic, xt_conntrack, xt_mark, xt_recent, xt_bpf and MASQUERADE',
  nftables: 'nf_tables, nft_numgen, nft_nat, nft_masq, nft_ct and sets that packets fill',
};

/** The layout that is used must work for IPv4; everything else is good to have. */
async function layoutCheck(
  { tryRules }: KernelTrials,
  used: Layout | undefined,
  { layout, family }: { readonly layout: Layout; readonly family: Family },
): Promise<DoctorCheck> {
  const check = `kernel/${layout}/${family}`;
  const { outcome, detail } = await tryRules(layout, family);
  if (outcome === 'not-tried') return skipped(check, detail);
  if (outcome === 'ok') return well(check, detail);
  const isUsed = layout === used;
  return bad(check, isUsed && family === 'ipv4' ? 'fail' : 'warn', {
    detail: isUsed ? detail : `${detail}; this layout is not used here`,
    fix: `the kernel needs ${NEEDS[layout]}: load the modules, or use the other layout (sluice agent --dataplane)`,
  });
}

async function guardCheck({ tryGuard }: KernelTrials): Promise<DoctorCheck> {
  const { outcome, detail } = await tryGuard();
  if (outcome === 'not-tried') return skipped('kernel/guard', detail);
  if (outcome === 'ok') return well('kernel/guard', detail);
  return bad('kernel/guard', 'warn', {
    detail: `${detail}: connections break when somebody flushes the nat table`,
    fix: 'the kernel needs nf_tables with nft_reject, nft_ct and family inet: load the modules',
  });
}

/**
 * Tries everything.
 * @param used the layout that an agent would take here
 */
export async function kernelChecks(
  trials: KernelTrials,
  used: Layout | undefined,
): Promise<readonly DoctorCheck[]> {
  const each = LAYOUTS.flatMap((layout) => FAMILIES.map((family) => ({ layout, family })));
  return Promise.all([...each.map(async (one) => layoutCheck(trials, used, one)), guardCheck(trials)]);
}
