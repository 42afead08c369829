import { describe, expect, it } from 'vitest';
import type { Exec } from '../../src/host/exec.ts';
import { SluiceError } from '../../src/errors.ts';
import { guardFrame } from '../../src/rules/guard/guard-text.ts';
import { cluster, type RunOptions, type RunResult } from './run.ts';

const done = (stdout: string): { exitCode: number; stdout: string; stderr: string } => ({
  exitCode: 0,
  stdout,
  stderr: '',
});

/** Answer of a program that fails. */
const MISSING = 'missing';

/** The guard of one entry, as nft lists it. */
const GUARD = ['entries4', 'addresses4'].reduce(
  (text, set) =>
    text.replace(
      new RegExp(`(set ${set} \\{\\n.*\\n)`),
      `$1\t\telements = { 10.96.0.10${set === 'entries4' ? ' . tcp . 80' : ''} }\n`,
    ),
  guardFrame(false),
);

/** A node as its programs show it: rules for the service, or a stranger's before them. */
function nodeWith(rules: string, changes: Readonly<Record<string, string>> = {}): Exec {
  const answers: Readonly<Record<string, string>> = {
    'iptables-nft-save': rules,
    'iptables-nft': '-N SLUICE-POST\n',
    'ip6tables-nft': '',
    'ip6tables-nft-save': '',
    nft: '',
    grep: '/proc/sys/net/ipv4/ip_forward:1\n',
    cat: '',
    unshare: '',
    ...changes,
  };
  return async (file, args, options) => {
    if (file === 'nft' && args.includes('-j'))
      return done('{"nftables":[{"chain":{"family":"inet","table":"sluice_guard","name":"refuse"}}]}');
    if (file === 'nft' && args.includes('sluice_guard') && rules !== '') return done(GUARD);
    if (file === 'ip' && args.includes('-o')) return { ...done(''), exitCode: 1 };
    if (file === 'ip' && args.includes('link')) return done('[{"ifname":"lo"},{"ifname":"eth0"}]');
    if (file === 'ip' && args.includes('-batch')) {
      const lines = (options?.input ?? '').trim().split('\n');
      return done(lines.map((line) => `${routeOf(line.split(' ').at(-1) ?? '')}\n`).join(''));
    }
    if (file === 'ip' && args.includes('-4'))
      return done('local 10.0.0.1 dev eth0 proto kernel \nlocal 10.96.0.10 dev lo proto 115 src 10.0.0.1 \n');
    if (file === 'ip') return done('');
    const answer = answers[file];
    if (answer === MISSING) return { ...done(''), exitCode: 1 };
    if (answer === undefined) throw new SluiceError('config', `cannot run ${file}: it is not installed`);
    return done(answer);
  };
}

const routeOf = (ip: string): string =>
  ip.startsWith('10.96.')
    ? `[{"type":"local","dst":"${ip}","dev":"lo","prefsrc":"10.0.0.1"}]`
    : `[{"dst":"${ip}","dev":"eth0","prefsrc":"10.0.0.1"}]`;

const STRANGER = '[3:180] -A OUTPUT -d 10.96.0.10/32 -p tcp -j DNAT --to-destination 10.9.9.9:99';

/** A cluster with web published, and a way to run a command on a node with these rules. */
async function published(
  stranger = '',
): Promise<(words: string, options?: RunOptions) => Promise<RunResult>> {
  const { sluice } = cluster();
  await sluice('publish web --entry 10.96.0.10:80 --instance 10.0.1.11:8080 --instance 10.0.1.12:8080=3');
  const printed = (await sluice('agent --print-rules')).stdout;
  const rules = printed
    .replaceAll(/^#.*\n/gm, '')
    .replace('*nat\n', '*nat\n:PREROUTING ACCEPT [0:0]\n:OUTPUT ACCEPT [0:0]\n:POSTROUTING ACCEPT [0:0]\n')
    .replace('-I PREROUTING', `${stranger === '' ? '' : `${stranger}\n`}-I PREROUTING`)
    .replaceAll(/^-I (PREROUTING|OUTPUT|POSTROUTING)/gm, '-A $1')
    .replaceAll(/^-A/gm, '[0:0] -A');
  return async (words, options = {}) => sluice(words, { deps: { exec: nodeWith(rules) }, ...options });
}

describe.each([
  ['on a pipe', {}],
  ['on a terminal', { terminal: true, columns: 200 }],
] as const)('%s', (place, options) => {
  it('explain shows the way and the chances', async () => {
    const sluice = await published();
    const { code, stdout, stderr } = await sluice('explain web', options);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toMatch(/^10\.96\.0\.10:80\/tcp from this node, as 10\.0\.0\.1\n/);
    expect(stdout).toMatch(/output +nat \(iptables-nft\) +OUTPUT +100% +0 +-j SLUICE-ENTRIES/);
    expect(stdout).toMatch(/10\.0\.1\.12:8080 +75% +75% +0 +sluice +by eth0/);
    expect(stdout).toMatch(/nothing stands in the way\n$/);
  });

  it('explain names what stands in the way, with a fix, and --check fails', async () => {
    const sluice = await published(STRANGER);
    const shown = await sluice('explain 10.96.0.10:80', options);
    expect(shown.code).toBe(0);
    expect(shown.stdout).toMatch(/error.*takes all connections.*10\.9\.9\.9:99/);
    expect(shown.stdout).toMatch(/fix {2}remove it: iptables-nft -t nat -D OUTPUT -d 10\.96\.0\.10\/32/);
    expect(shown.stdout.includes('\u001b[')).toBe(place === 'on a terminal');
    expect((await sluice('explain web --check -q', options)).code).toBe(3);
  });

  it('verify compares', async () => {
    const { code, stdout } = await (await published())('verify', options);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^SERVICE +CONNECTIONS +P +SPREAD +RULES\n/);
    expect(stdout).toMatch(/web +0 +- +too few to tell +\S*ok/);
  });

  it('doctor lists what it looked at', async () => {
    const { code, stdout, stderr } = await (await published())('doctor', options);
    expect(stdout).toMatch(/^CHECK +RESULT +DETAIL +FIX\n/);
    expect(stdout).toMatch(/program\/nft +\S*ok/);
    expect(code).toBe(3);
    expect(stderr).toMatch(/\[unhealthy\]/);
  });
});

describe('for programs', () => {
  it('explain writes one item an entry', async () => {
    const { code, stdout } = await (await published(STRANGER))('explain web -o json');
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({
      kind: 'ExplanationList',
      version: 1,
      items: [
        {
          service: 'web',
          entry: '10.96.0.10:80/tcp',
          healthy: false,
          origin: { kind: 'node', source: '10.0.0.1' },
          targets: [{ address: '10.9.9.9:99', share: 1, ours: false, connections: 3 }],
          findings: [{ severity: 'error', code: 'foreign-translation' }],
        },
      ],
    });
  });

  it('verify writes one item a service, and tells differing rules by 3, or 2 if asked', async () => {
    const well = await (await published())('verify -o json');
    expect(JSON.parse(well.stdout)).toMatchObject({
      kind: 'VerificationList',
      items: [
        { layout: 'iptables-nft', service: null, rules: 'ok' },
        { service: 'web', rules: 'ok', connections: 0, p: null },
      ],
    });
    const bare = { deps: { exec: nodeWith('', { 'iptables-nft': MISSING }) } };
    const sluice = await published();
    const missing = await sluice('verify web', bare);
    expect(missing.code).toBe(3);
    expect(missing.stderr).toMatch(/why: this machine has no rules of Sluice at all/);
    expect((await sluice('verify web --detailed-exitcode', bare)).code).toBe(2);
    expect((await sluice('verify -q')).stdout).toBe('');
  });

  it('doctor writes one item a check', async () => {
    const { stdout } = await (await published())('doctor -o json');
    expect(JSON.parse(stdout)).toMatchObject({
      kind: 'DoctorReport',
      items: expect.arrayContaining([expect.objectContaining({ check: 'program/iptables', result: 'fail' })]),
    });
  });

  it('names what cannot be explained', async () => {
    const sluice = await published();
    expect((await sluice('explain wbe')).stderr).toMatch(/\[not-found\][\s\S]*did you mean web/);
    expect((await sluice('explain web --from host')).code).toBe(64);
    expect((await sluice('explain web --from 10.0.9.7 --in eth9')).stderr).toMatch(/no device "eth9"/);
    const stranger = await sluice('explain 10.96.0.99:80');
    expect(stranger.stderr).toMatch(/no service in the store has this entry/);
    expect(stranger.stdout).toMatch(/no rule of Sluice on this node forwards 10\.96\.0\.99:80\/tcp/);
  });

  it('publish warns of what is hardly meant, and writes it', async () => {
    const { code, stdout, stderr } = await cluster().sluice('publish web --entry 10.96.0.10:80 --no-wait');
    expect({ code, stdout }).toEqual({ code: 0, stdout: 'service/web created\n' });
    expect(stderr).toMatch(/warning: the service has no instances/);
  });
});
