import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { canonicalIp } from '../../../src/model/address.ts';
import { assertRefusalsText } from '../../../src/rules/refusals/refusals-grammar.ts';
import {
  REFUSALS_FRAME,
  REFUSALS_REMOVAL,
  refusalsTable,
} from '../../../src/rules/refusals/refusals-text.ts';

const addresses = fc.array(
  fc.record({
    ip: fc.oneof(fc.ipV4(), fc.ipV6()).map((text) => canonicalIp(text) ?? '10.0.0.1'),
    port: fc.integer({ min: 1, max: 65_535 }),
  }),
);

describe('the table of held refusals', () => {
  it('is written whole, with the addresses of each family in their set, sorted', () => {
    const text = refusalsTable([
      { ip: '10.0.0.2', port: 20_001 },
      { ip: 'fd00::1', port: 80 },
      { ip: '10.0.0.1', port: 20_000 },
    ]);
    expect(text.startsWith('add table inet sluice_refusals\ndelete table inet sluice_refusals\n')).toBe(true);
    expect(text.split('\n').slice(-3)).toEqual([
      'add element inet sluice_refusals instances4 { 10.0.0.1 . 20000, 10.0.0.2 . 20001 }',
      'add element inet sluice_refusals instances6 { fd00::1 . 80 }',
      '',
    ]);
  });

  it('passes its own grammar whatever the addresses, and so does its removal', () => {
    expect(() => assertRefusalsText(REFUSALS_REMOVAL)).not.toThrow();
    fc.assert(
      fc.property(addresses, (all) => {
        expect(() => assertRefusalsText(refusalsTable(all))).not.toThrow();
      }),
    );
  });

  it.each([
    ['nothing', ''],
    ['another table', 'delete table inet sluice_guard\n'],
    ['an end that is missing', refusalsTable([{ ip: '10.0.0.1', port: 80 }]).trimEnd()],
    ['a changed frame', REFUSALS_FRAME.replace('drop', 'accept')],
    ['a further command', `${REFUSALS_FRAME}flush ruleset\n`],
    ['a command in an address', refusalsTable([{ ip: '10.0.0.1 . 80 }; flush ruleset #', port: 80 }])],
    ['a new line in an address', refusalsTable([{ ip: '10.0.0.1 . 80 }\nflush ruleset\n#', port: 80 }])],
    ['an address that is none', refusalsTable([{ ip: '10.0.0.256', port: 80 }])],
    ['an address in another spelling', refusalsTable([{ ip: 'fd00::0:1', port: 80 }])],
    ['a port out of range', refusalsTable([{ ip: '10.0.0.1', port: 65_536 }])],
    ['port 0', refusalsTable([{ ip: '10.0.0.1', port: 0 }])],
    [
      'an address in the set of the other family',
      `${REFUSALS_FRAME}add element inet sluice_refusals instances6 { 10.0.0.1 . 80 }\n`,
    ],
  ])('is not sent with %s', (_, text) => {
    expect(() => assertRefusalsText(text)).toThrow('a line for nft is not known');
  });
});
