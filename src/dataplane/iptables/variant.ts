/**
 * Owns the choice between iptables-nft and iptables-legacy: made once, when the data plane is opened, and kept. After that the other
 * variant is never called, since rules in both would translate packets twice.
 */
import { SluiceError } from '../../errors.ts';
import type { Family } from '../../model/address.ts';
import type { Exec } from '../../host/exec.ts';
import { ifInstalled } from '../../host/if-installed.ts';
import { POST_CHAIN } from '../../rules/iptables/chain-names.ts';

/** Which kernel interface the iptables programs speak to. */
export type Variant = 'nft' | 'legacy';

/** The chosen variant with the names of its programs. */
export interface Tools {
  readonly variant: Variant;
  /** Name of a program, e.g. ('ipv6', 'restore') → 'ip6tables-nft-restore'; without an action 'iptables-nft'. */
  readonly program: (family: Family, action?: 'save' | 'restore') => string;
}

/** What was found of each variant: its whole listing, or undefined if its programs are not there or fail. */
export interface VariantFacts {
  readonly listings: Readonly<Record<Variant, string | undefined>>;
  /** What plain `iptables` is; undefined if there is none. */
  readonly systemDefault: Variant | undefined;
}

/**
 * The variant that holds rules of ours; else the only one that holds rules at all; else what plain `iptables` is, if it works; else
 * the other. Undefined if there is none. (In a user namespace legacy cannot list its tables, so there it is nft.)
 */
export function chooseVariant({ listings, systemDefault }: VariantFacts): Variant | undefined {
  const variants = ['nft', 'legacy'] as const;
  const order = variants.toSorted((a, b) => Number(b === systemDefault) - Number(a === systemDefault));
  const ours = order.find((variant) => /^:SLUICE-/m.test(listings[variant] ?? ''));
  if (ours !== undefined) return ours;
  const inUse = order.filter((variant) => /^-A /m.test(listings[variant] ?? ''));
  if (inUse.length === 1) return inUse[0];
  return order.find((variant) => listings[variant] !== undefined) ?? systemDefault;
}

/** Output of a program, or undefined if it is not installed or fails (legacy without its kernel modules does). */
async function outputOf(exec: Exec, file: string, args: readonly string[]): Promise<string | undefined> {
  const result = await ifInstalled(async () => exec(file, args, { timeoutMs: 60_000 }));
  return result?.exitCode === 0 ? result.stdout : undefined;
}

function variantOfVersion(version: string | undefined): Variant | undefined {
  if (version === undefined) return undefined;
  return version.includes('(nf_tables)') ? 'nft' : 'legacy';
}

/** The full name is kept where there is one: plain `iptables` may be switched to the other variant later (update-alternatives). */
function toolsOf(variant: Variant, hasOwnName: boolean): Tools {
  const middle = hasOwnName ? `-${variant}` : '';
  return {
    variant,
    program: (family, action) =>
      `${family === 'ipv4' ? 'iptables' : 'ip6tables'}${middle}${action === undefined ? '' : `-${action}`}`,
  };
}

/** True if chains of ours are there; 3 ms at any number of rules with the nft variant. */
export async function hasOurChains(exec: Exec, tools: Tools): Promise<boolean> {
  if (tools.variant === 'nft') {
    const args = ['-w', '5', '-t', 'nat', '-S', POST_CHAIN];
    return (await outputOf(exec, tools.program('ipv4'), args)) !== undefined;
  }
  return /^:SLUICE-/m.test((await outputOf(exec, tools.program('ipv4', 'save'), [])) ?? '');
}

/**
 * Looks once which variant to use. If our permanent chain is in iptables-nft that is known in 3 ms at any number of rules; else whole
 * listings tell. A full `-save` is a pure reading: unlike legacy's `-t nat` it makes no table where there is none.
 * @throws SluiceError `config` if no iptables is installed
 */
export async function detectTools(exec: Exec): Promise<Tools> {
  if ((await outputOf(exec, 'iptables-nft', ['-w', '5', '-t', 'nat', '-S', POST_CHAIN])) !== undefined) {
    return toolsOf('nft', true);
  }
  const [version, nft, legacy] = await Promise.all([
    outputOf(exec, 'iptables', ['--version']),
    outputOf(exec, 'iptables-nft-save', []),
    outputOf(exec, 'iptables-legacy-save', []),
  ]);
  const listings = { nft, legacy };
  const variant = chooseVariant({ listings, systemDefault: variantOfVersion(version) });
  if (variant === undefined) {
    throw new SluiceError('config', 'iptables is not installed', {
      why: 'none of iptables, iptables-nft-save and iptables-legacy-save can be run',
      fix: 'install the package iptables (docs/install.md)',
    });
  }
  return toolsOf(variant, listings[variant] !== undefined);
}
