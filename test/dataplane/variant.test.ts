import { describe, expect, it } from 'vitest';
import { SluiceError } from '../../src/errors.ts';
import type { Exec } from '../../src/host/exec.ts';
import { chooseVariant, detectTools, type VariantFacts } from '../../src/dataplane/iptables/variant.ts';

const EMPTY = '*nat\n:PREROUTING ACCEPT [0:0]\nCOMMIT\n';
const FOREIGN = '*filter\n:INPUT ACCEPT [0:0]\n-A INPUT -j ACCEPT\nCOMMIT\n';
const OURS = '*nat\n:SLUICE-POST - [0:0]\nCOMMIT\n';

describe('the variant', () => {
  it.each([
    ['holds our rules', OURS, FOREIGN, 'legacy', 'nft'],
    ['holds our rules', FOREIGN, OURS, 'nft', 'legacy'],
    ['is the default if both hold ours', OURS, OURS, 'legacy', 'legacy'],
    ['is the only one in use', FOREIGN, EMPTY, 'legacy', 'nft'],
    ['is the only one in use', EMPTY, FOREIGN, 'nft', 'legacy'],
    ['is the default if both are in use', FOREIGN, FOREIGN, 'nft', 'nft'],
    ['is the default if none is in use', EMPTY, '', 'legacy', 'legacy'],
    ['is the one that is there', undefined, '', undefined, 'legacy'],
    ['is the one that works', '', undefined, 'legacy', 'nft'],
    ['is the default also if that has no name of its own', undefined, undefined, 'legacy', 'legacy'],
    ['is none if none is there', undefined, undefined, undefined, undefined],
  ] as const)('%s (nft %j, legacy %j, default %s): %s', (_why, nft, legacy, systemDefault, expected) => {
    const facts: VariantFacts = { listings: { nft, legacy }, systemDefault };
    expect(chooseVariant(facts)).toBe(expected);
  });
});

/** Programs by command line; everything else is not installed. */
const machine =
  (programs: Readonly<Record<string, string>>): Exec =>
  async (file, args) => {
    const stdout = programs[[file, ...args].join(' ')];
    if (stdout === undefined) throw new SluiceError('config', `cannot run ${file}: it is not installed`);
    return { exitCode: 0, stdout, stderr: '' };
  };

describe('detection', () => {
  it('keeps full names, so that switching the default later changes nothing', async () => {
    const tools = await detectTools(
      machine({
        'iptables --version': 'iptables v1.8.9 (nf_tables)\n',
        'iptables-nft-save': '',
        'iptables-legacy-save': '',
      }),
    );
    expect(tools.variant).toBe('nft');
    expect([tools.program('ipv4', 'restore'), tools.program('ipv6', 'save'), tools.program('ipv4')]).toEqual([
      'iptables-nft-restore',
      'ip6tables-nft-save',
      'iptables-nft',
    ]);
  });

  it('asks nothing more once our chain is found in iptables-nft', async () => {
    const tools = await detectTools(
      machine({ 'iptables-nft -w 5 -t nat -S SLUICE-POST': '-N SLUICE-POST\n' }),
    );
    expect([tools.variant, tools.program('ipv4', 'save')]).toEqual(['nft', 'iptables-nft-save']);
  });

  it('uses the plain names of an old iptables, which is legacy', async () => {
    const tools = await detectTools(machine({ 'iptables --version': 'iptables v1.6.1\n' }));
    expect([tools.variant, tools.program('ipv6', 'restore')]).toEqual(['legacy', 'ip6tables-restore']);
  });

  it('says what to install where there is no iptables', async () => {
    await expect(detectTools(machine({}))).rejects.toMatchObject({ code: 'config' });
  });
});
