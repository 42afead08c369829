/**
 * Owns session affinity in the iptables layout: lists of recent clients (xt_recent), one an instance of an entry. Pure.
 *
 * Limits of xt_recent, not ours: a list holds the last 100 clients (module parameter ip_list_tot) and forgets the oldest above that, and it
 * lives as long as a rule refers to it. The nftables layout has 65,535 clients an instance.
 */
import type { Address } from '../../model/address.ts';
import { recentListName } from './chain-names.ts';

const listMatch = (serviceChain: string, instance: Address): string =>
  `--name ${recentListName(serviceChain, instance)}`;

/** Matches that take a client to the instance it had, and note it anew, as iptables-save prints them. */
export function seenMatch(serviceChain: string, instance: Address, options: AffinityText): string {
  return ` -m recent --update --seconds ${options.seconds} --reap ${listMatch(serviceChain, instance)} --mask ${options.mask} --rsource`;
}

/** Matches that note a client as one of the instance's; always true. */
export function noteMatch(serviceChain: string, instance: Address, options: AffinityText): string {
  return ` -m recent --set ${listMatch(serviceChain, instance)} --mask ${options.mask} --rsource`;
}

/** What the text of an entry's affinity depends on. */
export interface AffinityText {
  readonly seconds: number;
  /** All bits of the family's addresses. */
  readonly mask: string;
}

/** The text's parts for an entry; undefined without affinity. */
export function affinityText(ip: string, seconds: number | undefined): AffinityText | undefined {
  if (seconds === undefined) return undefined;
  const mask = ip.includes(':') ? 'ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff' : '255.255.255.255';
  return { seconds, mask };
}
