/** Owns entries: the virtual IP:port/proto that clients dial. Pure. */
import { SluiceError } from '../errors.ts';
import { type Address, compareAddresses, formatAddress, parseAddress, type Protocol } from './address.ts';
import { quoteValue } from './text.ts';

/** One entry of a service. Canonical text: `10.96.0.10:80/tcp`, `[fd00::10]:53/udp`. */
export interface Entry extends Address {
  readonly protocol: Protocol;
}

/** Canonical text of an entry; also the tail of its claim key. */
export function formatEntry(entry: Entry): string {
  return `${formatAddress(entry)}/${entry.protocol}`;
}

/**
 * Parses `IP:PORT[/tcp|udp]`; the protocol is tcp where it is not said.
 * @throws SluiceError `invalid-spec`
 */
export function parseEntry(text: string, field = 'entry'): Entry {
  const slash = text.lastIndexOf('/');
  const protocol = slash < 0 ? 'tcp' : text.slice(slash + 1);
  if (protocol !== 'tcp' && protocol !== 'udp') {
    throw new SluiceError('invalid-spec', `${field}: ${quoteValue(text)} is not an entry`, {
      why: `the protocol after the slash must be tcp or udp, not ${quoteValue(protocol)}`,
      fix: 'write for example 10.96.0.10:80/tcp',
      details: { field, value: text, allowed: 'IP:PORT[/tcp|udp]' },
    });
  }
  const address = parseAddress(slash < 0 ? text : text.slice(0, slash), field);
  return { ...address, protocol };
}

/** Order of entries: by address, then tcp before udp. */
export function compareEntries(a: Entry, b: Entry): number {
  return compareAddresses(a, b) || (a.protocol < b.protocol ? -1 : a.protocol > b.protocol ? 1 : 0);
}
