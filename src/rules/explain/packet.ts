/** Owns the packet that is walked through live rules: the first packet of a new connection, as far as it can be known. Pure. */
import type { Family, Protocol } from '../../model/address.ts';

/** Whether a match holds for the packet: `maybe` where it cannot be told from here. */
export type Certainty = 'yes' | 'no' | 'maybe';

/** A first packet at one point of its way. Undefined = not known. */
export interface Packet {
  readonly family: Family;
  readonly protocol: Protocol;
  readonly source: string | undefined;
  readonly destination: string;
  readonly port: number;
  /** Where it was sent to before any translation. */
  readonly original: { readonly ip: string; readonly port: number };
  readonly inDevice: string | undefined;
  readonly outDevice: string | undefined;
  /** Packet mark; 0 before any rule. */
  readonly mark: number;
  /** False once a rule said NOTRACK. */
  readonly tracked: boolean;
  /** The destination was rewritten. */
  readonly translated: boolean;
  /** The source will be rewritten. */
  readonly masqueraded: boolean;
  /** True for addresses that are local to the node (its local routes, those of entries included). */
  readonly isLocal: (ip: string) => boolean;
}

/** The opposite; what is not known stays so. */
export function not(certainty: Certainty): Certainty {
  return certainty === 'maybe' ? 'maybe' : certainty === 'yes' ? 'no' : 'yes';
}

/** Both hold: a sure no wins over a maybe. */
export function both(a: Certainty, b: Certainty): Certainty {
  if (a === 'no' || b === 'no') return 'no';
  return a === 'maybe' || b === 'maybe' ? 'maybe' : 'yes';
}

/** At least one holds. */
export const either = (a: Certainty, b: Certainty): Certainty => not(both(not(a), not(b)));

/** A fact as a certainty. */
export const sure = (holds: boolean): Certainty => (holds ? 'yes' : 'no');

/** States of packets that may follow one another must be told apart by these only. */
export function stateKey(packet: Packet): string {
  const { destination, port, mark, tracked, translated, masqueraded } = packet;
  return [destination, port, mark, tracked, translated, masqueraded].join(' ');
}
