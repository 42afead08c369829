/**
 * Owns the text of the guard, a table of its own for `nft -f`. Pure. It does this, for every layout alike:
 *
 * - it keeps conntrack hooked (the `ct` rules) and NAT hooked (an empty chain of type nat), so that established connections are translated
 *   on when somebody flushes or deletes the table in which our rules are;
 * - a packet that still carries an entry after NAT is dropped, so that no connection without NAT is remembered: the client sends it again;
 * - if the entry has no usable instance it is refused at once (TCP reset, ICMP port unreachable); so are other ports of an
 *   entry's address, which would leave by a device behind which there is nothing;
 * - where it is needed, forwarded packets of translated connections to entries get a mark, by which a firewall's own table can accept them
 *   (forward-accept.ts);
 * - established connections, translated or not, and everything that is for no entry, pass.
 *
 * A translated packet passes whatever the sets say. So the sets may be changed before the rules are, in one transaction.
 */
import { ENTRY_DEVICE } from '../entry-device.ts';
import { emptySets, GUARD_SETS, type GuardSet, type GuardState, type SetDelta } from './guard-state.ts';

/** Family and name of the guard's table. */
export const GUARD_TABLE = 'inet sluice_guard';

const ENTRY4 = 'ipv4_addr . inet_proto . inet_service';
const ENTRY6 = 'ipv6_addr . inet_proto . inet_service';
const TYPES: Readonly<Record<GuardSet, string>> = {
  entries4: ENTRY4,
  entries6: ENTRY6,
  refused4: ENTRY4,
  refused6: ENTRY6,
  addresses4: 'ipv4_addr',
  addresses6: 'ipv6_addr',
};

/** Packet mark (one bit) of forwarded packets of our connections, for a rule that accepts them; in the form of xtables and of nft. */
export const FORWARDED_MARK = '0x200000';
const FORWARDED_MARK_NFT = '0x00200000';

/** Elements in one command: nft takes 10,000 entries in commands of 100 in 330 ms, in commands of thousands in 220 (medians of 3). */
const ELEMENTS_PER_LINE = 2_000;

const filterChain = (hook: 'input' | 'forward' | 'output'): string => `	chain ${hook} {
		type filter hook ${hook} priority filter + 10; policy accept;
		ct state established,related accept
		ct status dnat accept
		goto entries
	}
`;

const FORWARDED_CHAIN = `	chain forwarded {
		type filter hook forward priority filter - 10; policy accept;
		ct status dnat ct original ip daddr @addresses4 meta mark set meta mark | ${FORWARDED_MARK_NFT}
		ct status dnat ct original ip6 daddr @addresses6 meta mark set meta mark | ${FORWARDED_MARK_NFT}
	}

`;

/**
 * The chains as `nft -s list table` prints them; what does not depend on any service. A packet that is for no entry is asked about one
 * set only, and connections that are known about none.
 */
export const guardChains = (marks: boolean): string => `	chain entries {
		ip daddr @addresses4 goto entry
		ip6 daddr @addresses6 goto entry
		oifname "${ENTRY_DEVICE}" goto refuse
	}

	chain entry {
		ip daddr . meta l4proto . th dport @refused4 goto refuse
		ip6 daddr . meta l4proto . th dport @refused6 goto refuse
		ip daddr . meta l4proto . th dport @entries4 drop
		ip6 daddr . meta l4proto . th dport @entries6 drop
		oifname "${ENTRY_DEVICE}" goto refuse
	}

	chain refuse {
		meta l4proto tcp reject with tcp reset
		reject
	}

${(['input', 'forward', 'output'] as const).map(filterChain).join('\n')}
${marks ? FORWARDED_CHAIN : ''}	chain nat {
		type nat hook input priority 300; policy accept;
	}
`;

const setText = (set: GuardSet): string => `	set ${set} {
		type ${TYPES[set]}
	}
`;

function elementLines(verb: 'add' | 'delete', set: GuardSet, elements: readonly string[]): readonly string[] {
  const lines: string[] = [];
  for (let start = 0; start < elements.length; start += ELEMENTS_PER_LINE) {
    const some = elements.slice(start, start + ELEMENTS_PER_LINE).join(', ');
    lines.push(`${verb} element ${GUARD_TABLE} ${set} { ${some} }`);
  }
  return lines;
}

/** The whole guard in one transaction, in place of whatever stands in its table. */
export function guardTable(state: GuardState, marks: boolean): string {
  return [
    `add table ${GUARD_TABLE}`,
    `delete table ${GUARD_TABLE}`,
    `table ${GUARD_TABLE} {`,
    `${GUARD_SETS.map(setText).join('\n')}\n${guardChains(marks)}}`,
    ...GUARD_SETS.flatMap((set) => elementLines('add', set, [...state[set]].toSorted())),
    '',
  ].join('\n');
}

/** The frame of a guard (all but elements) in the words of the nft that its text was written for; others may print it differently. */
export const guardFrame = (marks: boolean): string =>
  guardTable(emptySets(), marks).split('\n').slice(2).join('\n');

/** Changes of sets in one transaction. */
export function guardUpdate(deltas: readonly SetDelta[]): string {
  const lines = deltas.flatMap(({ set, add, remove }) => [
    ...elementLines('delete', set, remove),
    ...elementLines('add', set, add),
  ]);
  return `${lines.join('\n')}\n`;
}

/** Removes the guard. */
export const GUARD_REMOVAL = `delete table ${GUARD_TABLE}\n`;
