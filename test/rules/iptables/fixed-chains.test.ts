import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ipBytes } from '../../../src/model/address.ts';
import { hairpinBytecode } from '../../../src/rules/iptables/fixed-chains.ts';

/** Runs classic BPF of xt_bpf's text form over a packet; only the four instructions that are used. */
function run(bytecode: string, packet: Uint8Array): number {
  const [length, ...code] = bytecode.split(',').map((part) => part.split(' ').map(Number));
  expect(length).toEqual([code.length]);
  const view = new DataView(packet.buffer);
  let [a, x] = [0, 0];
  for (let at = 0; at < code.length; at += 1) {
    const [operation, ifTrue = 0, ifFalse = 0, operand = 0] = code[at] ?? [];
    if (operation === 0x20) a = view.getUint32(operand);
    else if (operation === 0x07) x = a;
    else if (operation === 0x1d) at += a === x ? ifTrue : ifFalse;
    else if (operation === 0x06) return operand;
    else throw new Error(`unknown instruction ${operation}`);
  }
  throw new Error('ran past the end');
}

function ipv4Packet(source: string, destination: string): Uint8Array {
  return Uint8Array.from([
    0x45,
    ...Array.from({ length: 11 }, () => 0),
    ...(ipBytes(source) ?? []),
    ...(ipBytes(destination) ?? []),
  ]);
}

const address = fc.uint8Array({ minLength: 16, maxLength: 16 });

describe('the hairpin bytecode', () => {
  it('finds IPv4 packets whose source is their destination', () => {
    expect(run(hairpinBytecode('ipv4'), ipv4Packet('10.0.0.1', '10.0.0.1'))).toBe(65_535);
    expect(run(hairpinBytecode('ipv4'), ipv4Packet('10.0.0.1', '10.0.0.2'))).toBe(0);
    expect(run(hairpinBytecode('ipv4'), ipv4Packet('11.0.0.1', '10.0.0.1'))).toBe(0);
  });

  it('compares all 128 bits of IPv6 addresses', () => {
    fc.assert(
      fc.property(address, fc.integer({ min: 0, max: 127 }), (source, bit) => {
        const other = source.map((byte, at) => (at === bit >> 3 ? byte ^ (1 << (bit & 7)) : byte));
        const header = [0x60, 0, 0, 0, 0, 0, 6, 64];
        expect(run(hairpinBytecode('ipv6'), Uint8Array.from([...header, ...source, ...source]))).toBe(65_535);
        expect(run(hairpinBytecode('ipv6'), Uint8Array.from([...header, ...source, ...other]))).toBe(0);
      }),
      { seed: 31 },
    );
  });

  it('is the text that was measured to come back unchanged', () => {
    expect(hairpinBytecode('ipv4')).toBe('6,32 0 0 12,7 0 0 0,32 0 0 16,29 0 1 0,6 0 0 65535,6 0 0 0');
  });
});
