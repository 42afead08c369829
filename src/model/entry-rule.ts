/**
 * Owns ranges of entries as a node's policy names them: `10.96.0.0/16`, `10.96.0.10:80`, `10.96.0.0/16:8000-8999`, `fd00::/64`,
 * `[fd00::/64]:443`. Pure.
 */
import { ipBytes } from './address.ts';
import type { Entry } from './entry.ts';
import { isInNetwork } from './network.ts';
import type { PortRange } from './template.ts';

/** Entries of one network, on some ports. */
export interface EntryRule {
  /** As written, for people. */
  readonly text: string;
  /** `ADDRESS[/BITS]` */
  readonly network: string;
  readonly ports: PortRange;
}

const ALL_PORTS: PortRange = { from: 1, to: 65_535 };
/** A network, in brackets where ports follow an IPv6 one; then ports. */
const RULE =
  /^(?:\[([^\]]+)\]|([^:[\]]+)|([^[\]]*:[^[\]]*:[^[\]]*))(?::([1-9]\d{0,4})(?:-([1-9]\d{0,4}))?)?$/;

function isNetwork(network: string): boolean {
  const [base = '', bits, ...rest] = network.split('/');
  const bytes = ipBytes(base);
  if (bytes === undefined || rest.length > 0) return false;
  return bits === undefined || (/^\d{1,3}$/.test(bits) && Number(bits) <= bytes.length * 8);
}

/** Reads a rule; undefined if the text is none. */
export function parseEntryRule(text: string): EntryRule | undefined {
  // Without brackets all of an IPv6 network is network.
  const match = RULE.exec(text);
  const bare = isNetwork(text) ? text : undefined;
  const network = bare ?? match?.[1] ?? match?.[2];
  if (network === undefined || !isNetwork(network)) return undefined;
  if (bare !== undefined || match?.[4] === undefined) return { text, network, ports: ALL_PORTS };
  const from = Number(match[4]);
  const to = Number(match[5] ?? match[4]);
  return from <= to && to <= ALL_PORTS.to ? { text, network, ports: { from, to } } : undefined;
}

/** True if a rule names the entry. */
export const fitsEntryRule = ({ network, ports }: EntryRule, { ip, port }: Entry): boolean =>
  isInNetwork(ip, network) === true && port >= ports.from && port <= ports.to;
