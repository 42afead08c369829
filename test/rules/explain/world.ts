/** Owns what tests of explain's pure part start from: a first packet, and chances of a chain. */
import type { LiveTable } from '../../../src/rules/explain/live.ts';
import type { Packet } from '../../../src/rules/explain/packet.ts';
import { walkBase } from '../../../src/rules/explain/walk.ts';

/** The first packet of a connection of 10.0.9.7 to 10.96.0.10:80. */
export function packet(changes: Partial<Packet> = {}): Packet {
  return {
    family: 'ipv4',
    protocol: 'tcp',
    source: '10.0.9.7',
    destination: '10.96.0.10',
    port: 80,
    original: { ip: '10.96.0.10', port: 80 },
    inDevice: 'eth0',
    outDevice: '',
    mark: 0,
    tracked: true,
    translated: false,
    masqueraded: false,
    isLocal: (ip) => ip === '10.96.0.10' || ip.startsWith('127.'),
    ...changes,
  };
}

/** Share of each way out of a table's nat PREROUTING, by text, rounded to 9 digits. */
export function ends(table: LiveTable, from: Packet = packet()): Readonly<Record<string, number>> {
  const base = table.bases.find(({ hook }) => hook === 'prerouting');
  if (base === undefined) throw new Error('no base chain');
  const found: Record<string, number> = {};
  for (const { verdict, share } of walkBase({ table, base }, from).ends) {
    const name = verdict.kind === 'dnat' ? verdict.text : verdict.kind;
    found[name] = Number(((found[name] ?? 0) + share).toFixed(9));
  }
  return found;
}
