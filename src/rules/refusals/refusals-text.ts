/**
 * Owns the text of the table that holds refusals back, for `nft -f`. Pure. A program's sockets are closed before any node's rules are without it;
 * until then its node answers a SYN with a reset, and the client's connection has failed. Without that answer the client's kernel sends its SYN
 * again after a second, and its node, which has forgotten the unanswered connection meanwhile, leads that one to a living instance.
 *
 * - A refusal is what Linux answers to a SYN without a listener: RST and ACK with the sequence number 0 (RFC 9293, 3.10.7.1). Resets of established
 *   connections have others, and pass.
 * - Conntrack, asked before, has forgotten by then the connection that is refused: on the instance's own node the next SYN is translated anew.
 * - The source is still the instance: answers are translated back after this hook.
 * - Connections of the node itself that our rules did not translate, such as probes, are refused as ever.
 * - Elements end by themselves, so that after the death of an agent clients are refused again by instances that nobody looks after.
 */
import type { Address } from '../../model/address.ts';

/** Family and name of the table. */
export const REFUSALS_TABLE = 'inet sluice_refusals';

/** An element ends so long after it was written, in seconds. */
export const REFUSALS_SECONDS = 120;

/** Takes the table away, if it is there. */
export const REFUSALS_REMOVAL = `add table ${REFUSALS_TABLE}
delete table ${REFUSALS_TABLE}
`;

/** The table without elements, in place of whatever stands there. */
export const REFUSALS_FRAME = `${REFUSALS_REMOVAL}table ${REFUSALS_TABLE} {
	set instances4 {
		type ipv4_addr . inet_service
		timeout ${REFUSALS_SECONDS}s
	}

	set instances6 {
		type ipv6_addr . inet_service
		timeout ${REFUSALS_SECONDS}s
	}

	chain output {
		type filter hook output priority filter; policy accept;
		tcp flags & (fin | syn | rst | ack) == rst | ack tcp sequence 0 goto refusal
	}

	chain refusal {
		ip saddr . tcp sport @instances4 goto held
		ip6 saddr . tcp sport @instances6 goto held
	}

	chain held {
		oifname != "lo" drop
		ct status dnat drop
	}
}
`;

function elementLines(set: string, addresses: readonly Address[]): readonly string[] {
  if (addresses.length === 0) return [];
  const elements = addresses.map(({ ip, port }) => `${ip} . ${port}`).toSorted();
  return [`add element ${REFUSALS_TABLE} ${set} { ${elements.join(', ')} }\n`];
}

const isIpv6 = ({ ip }: Address): boolean => ip.includes(':');

/** The whole table in one transaction. @param addresses of instances, each once */
export function refusalsTable(addresses: readonly Address[]): string {
  return [
    REFUSALS_FRAME,
    ...elementLines(
      'instances4',
      addresses.filter((address) => !isIpv6(address)),
    ),
    ...elementLines('instances6', addresses.filter(isIpv6)),
  ].join('');
}
