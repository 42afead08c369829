/** Owns which layout a node gets: decided once, when the agent starts, from what is installed and what works there. Pure. */
import { SluiceError } from '../errors.ts';

/** What writes the rules. */
export type Layout = 'iptables' | 'nftables';

/** What was asked for on the command line. */
export type AskedLayout = Layout | 'auto';

/** What was found on the node. */
export interface LayoutFacts {
  /** Which iptables would be used; undefined if none is installed. */
  readonly iptables: 'nft' | 'legacy' | undefined;
  /** Why nftables does not work here; undefined if it does. */
  readonly nftProblem: string | undefined;
  /** Layouts of which rules of ours are installed. */
  readonly installed: readonly Layout[];
}

/** A layout with the reason for it, one line. */
export interface LayoutChoice {
  readonly layout: Layout;
  readonly why: string;
}

const missing = (layout: Layout, why: string): SluiceError =>
  new SluiceError('config', `the data plane ${layout} cannot be used on this node`, {
    why,
    fix: layout === 'iptables' ? 'install the package iptables' : 'install the package nftables',
  });

function chooseAuto({ iptables, nftProblem, installed }: LayoutFacts): LayoutChoice {
  if (iptables === undefined && nftProblem !== undefined) {
    throw new SluiceError('config', 'neither iptables nor nftables can be used on this node', {
      why: `iptables is not installed; nftables: ${nftProblem}`,
      fix: 'install the package iptables or nftables (docs/install.md)',
    });
  }
  if (iptables === undefined) return { layout: 'nftables', why: 'iptables is not installed' };
  if (nftProblem !== undefined) return { layout: 'iptables', why: `nftables: ${nftProblem}` };
  const [only] = installed;
  if (only !== undefined && installed.length === 1)
    return { layout: only, why: 'its rules are installed here' };
  if (iptables === 'legacy') {
    return {
      layout: 'nftables',
      why: 'iptables-legacy, in use here, writes its whole table anew for every change; both work side by side',
    };
  }
  return { layout: 'iptables', why: 'the default where iptables-nft works' };
}

/**
 * Decides. What was asked for is what is used. `auto` stays with the layout whose rules are installed, so that an agent that starts again
 * changes nothing; on a fresh node it takes iptables, but nftables where iptables is missing or legacy.
 * @throws SluiceError `config` if what was asked for, or everything, does not work here
 */
export function chooseLayout(asked: AskedLayout, facts: LayoutFacts): LayoutChoice {
  if (asked === 'auto') return chooseAuto(facts);
  if (asked === 'iptables' && facts.iptables === undefined) throw missing(asked, 'iptables is not installed');
  if (asked === 'nftables' && facts.nftProblem !== undefined) throw missing(asked, facts.nftProblem);
  return { layout: asked, why: 'asked for' };
}
