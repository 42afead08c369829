import { describe, expect, it } from 'vitest';
import { addressesOf, parseNetwork } from '../../src/model/entry-range.ts';
import { failureOf } from './failure.ts';

describe('addresses of a range', () => {
  it.each([
    ['10.96.128.0/30', 2, '10.96.128.1', '10.96.128.2'],
    ['10.96.128.4/32', 1, '10.96.128.4', '10.96.128.4'],
    ['10.96.128.4/31', 2, '10.96.128.4', '10.96.128.5'],
    ['10.96.0.0/16', 65_534, '10.96.0.1', '10.96.255.254'],
    ['10.0.0.0/8', 65_535, '10.0.0.1', '10.0.255.255'],
    ['fd00::/112', 65_536, 'fd00::', 'fd00::ffff'],
    ['fd00:1::/64', 65_536, 'fd00:1::', 'fd00:1::ffff'],
  ])('of %s are %i from %s to %s', (network, size, first, last) => {
    const addresses = addressesOf(network);
    expect([addresses?.size, addresses?.at(0), addresses?.at(size - 1)]).toEqual([size, first, last]);
  });

  it.each([
    '',
    '10.0.0.1',
    '10.0.0.1/24',
    '10.0.0.0/33',
    '10.0.0.0/08',
    '127.0.0.0/8',
    '0.0.0.0/0',
    '224.0.0.0/8',
    'x/8',
    '010.0.0.0/8',
    'fd00::1/64',
    '10.0.0.0/8/8',
  ])('of %j are none', async (network) => {
    expect(addressesOf(network)).toBeUndefined();
    expect(await failureOf(() => parseNetwork(network, '--network'))).toMatchObject({ code: 'invalid-spec' });
  });
});
