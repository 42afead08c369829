import { describe, expect, it } from 'vitest';
import { chooseLayout, type LayoutFacts } from '../../src/dataplane/layout-choice.ts';

const BOTH: LayoutFacts = { iptables: 'nft', nftProblem: undefined, installed: [] };
const NO_NFT = 'nft is not installed';

describe('the choice of the layout', () => {
  it.each([
    ['a fresh node with both', BOTH, 'iptables', 'the default where iptables-nft works'],
    [
      'a node that has rules in nftables',
      { ...BOTH, installed: ['nftables'] },
      'nftables',
      'its rules are installed here',
    ],
    [
      'a node that has rules in iptables',
      { ...BOTH, iptables: 'legacy', installed: ['iptables'] },
      'iptables',
      'its rules are installed here',
    ],
    [
      'a change that was broken off',
      { ...BOTH, installed: ['iptables', 'nftables'] },
      'iptables',
      'the default where iptables-nft works',
    ],
    [
      'a node with iptables-legacy',
      { ...BOTH, iptables: 'legacy' },
      'nftables',
      'iptables-legacy, in use here',
    ],
    ['a node without nft', { ...BOTH, nftProblem: NO_NFT }, 'iptables', `nftables: ${NO_NFT}`],
    ['a node without iptables', { ...BOTH, iptables: undefined }, 'nftables', 'iptables is not installed'],
  ] satisfies readonly (readonly [string, LayoutFacts, string, string])[])(
    'of auto on %s has a reason',
    (_title, facts, layout, why) => {
      const choice = chooseLayout('auto', facts);
      expect(choice.layout).toBe(layout);
      expect(choice.why).toContain(why);
    },
  );

  it('is what was asked for, whatever is installed', () => {
    expect(chooseLayout('nftables', { ...BOTH, installed: ['iptables'] })).toEqual({
      layout: 'nftables',
      why: 'asked for',
    });
    expect(chooseLayout('iptables', { ...BOTH, installed: ['nftables'] }).layout).toBe('iptables');
  });

  it.each([
    ['auto', { ...BOTH, iptables: undefined, nftProblem: NO_NFT }],
    ['iptables', { ...BOTH, iptables: undefined }],
    ['nftables', { ...BOTH, nftProblem: NO_NFT }],
  ] satisfies readonly (readonly ['auto' | 'iptables' | 'nftables', LayoutFacts])[])(
    'fails with what to install if %s cannot be',
    (asked, facts) => {
      expect(() => chooseLayout(asked, facts)).toThrow(
        expect.objectContaining({ code: 'config', fix: expect.stringContaining('install') }),
      );
    },
  );
});
