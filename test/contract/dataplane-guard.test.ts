import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Dataplane } from '../../src/dataplane/dataplane.ts';
import type { AskedLayout } from '../../src/dataplane/layout-choice.ts';
import { openDataplane } from '../../src/dataplane/open.ts';
import { openPipe } from '../../src/host/pipe.ts';
import type { EntryRules } from '../../src/rules/ruleset.ts';
import { isMachineRoot, openNetns, type Netns } from '../harness/netns.ts';
import { rulesetFrom } from '../rules/arbitrary.ts';
import { webRules } from './dataplane-suite.ts';

/** Opens it as a fresh agent process does. */
const openIn = (netns: Netns, asked: AskedLayout = 'iptables'): ReturnType<typeof openDataplane> =>
  openDataplane({
    asked,
    exec: netns.exec,
    openPipe: (file, args, env) => openPipe(...netns.argv(file, args), env),
    node: 'n1',
  });

/** The same namespace as programs see it on a minimal system, which has no list of protocols. */
function withoutProtocols(netns: Netns): Netns {
  const script = '[ ! -e /etc/protocols ] || mount --bind /dev/null /etc/protocols; exec "$0" "$@"';
  const bare = (file: string, args: readonly string[]): readonly string[] => [
    '--mount',
    '--',
    'sh',
    '-euc',
    script,
    file,
    ...args,
  ];
  return {
    ...netns,
    exec: (file, args, options) => netns.exec('unshare', bare(file, args), options),
    argv: (file, args) => netns.argv('unshare', bare(file, args)),
  };
}

const FACTS = { nodeIpv4: '10.0.0.1', nodeIpv6: 'fd01::1' };

/** Instances on the node itself that answer every TCP connection and datagram with their number. */
const SERVERS = `const net = require('node:net'), dgram = require('node:dgram');
  let left = 4; const ready = () => --left || console.log('ready');
  for (const [ip, type] of [['10.200.0.1', 'udp4'], ['fd99::1', 'udp6']]) {
    net.createServer((s) => { s.on('error', () => {}); s.on('data', (d) => s.write(d)); }).listen(8080, ip, ready);
    const u = dgram.createSocket(type); u.on('message', (m, p) => u.send('yes', p.port, p.address)); u.bind(8080, ip, ready); }`;

/** Prints what became of a TCP connection or of a datagram to ARGS: PROTOCOL IP PORT. */
const CLIENT = `const [protocol, ip, port] = process.argv.slice(1);
  const say = (text) => { console.log(text); process.exit(); };
  setTimeout(() => say('silence'), 700);
  if (protocol === 'tcp') { const s = require('node:net').connect(+port, ip, () => say('connected')); s.on('error', (e) => say(e.code)); }
  else { const u = require('node:dgram').createSocket(ip.includes(':') ? 'udp6' : 'udp4');
    u.on('error', (e) => say(e.code)); u.on('message', () => say('answered')); u.connect(+port, ip, () => u.send('?')); }`;

/** Holds a connection to 10.96.0.1:80 and asks at every line of its input; prints `answer` or the error. */
const HELD = `const s = require('node:net').connect(80, '10.96.0.1', () => console.log('answer'));
  s.on('data', () => console.log('answer')); s.on('error', (e) => console.log(e.code)); process.stdin.on('data', () => s.write('x'));`;

describe('the guard in a kernel', () => {
  let netns: Netns;
  let plane: Dataplane;
  const apply = async (...entries: readonly EntryRules[]): ReturnType<Dataplane['apply']> => {
    const report = await plane.apply(rulesetFrom(entries), FACTS);
    expect(report.failures).toEqual([]);
    return report;
  };
  const call = async (protocol: string, ip: string, port = 80): Promise<string> => {
    const { stdout } = await netns.exec(process.execPath, ['-e', CLIENT, protocol, ip, String(port)]);
    return stdout.trim();
  };
  const callAll = async (): Promise<readonly string[]> => [
    await call('tcp', '10.96.0.1'),
    await call('udp', '10.96.0.1'),
    await call('tcp', 'fd00::10'),
    await call('udp', 'fd00::10'),
  ];
  const start = async (code: string): Promise<{ ask: () => Promise<string>; kill: () => void }> => {
    const child = spawn(...netns.argv(process.execPath, ['-e', code]), {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    await once(child.stdout, 'data');
    return {
      ask: async () => {
        child.stdin.write('\n');
        const [said]: unknown[] = await once(child.stdout, 'data');
        return String(said).trim();
      },
      kill: () => void child.kill('SIGKILL'),
    };
  };

  beforeEach(async () => {
    netns = await openNetns();
    await netns.script(`for ip in 10.0.0.1 10.200.0.1; do ip addr add $ip/32 dev lo; done
      for ip in fd01::1 fd99::1; do ip -6 addr add $ip/128 dev lo nodad; done`);
    plane = (await openIn(netns)).dataplane;
  });
  afterEach(async () => netns.close());

  it('refuses at once, in both families and protocols, what has no instance, and serves what has one again', async () => {
    const server = await start(SERVERS);
    const entries = ['10.96.0.1:80', '10.96.0.1:80/udp', '[fd00::10]:80', '[fd00::10]:80/udp'];
    const REFUSED = ['ECONNREFUSED', 'ECONNREFUSED', 'ECONNREFUSED', 'ECONNREFUSED'];
    const SERVED = ['connected', 'answered', 'connected', 'answered'];
    await apply(...entries.map((entry) => webRules(entry, [])));
    expect(await callAll()).toEqual(REFUSED);
    await apply(...entries.map((entry) => webRules(entry, [1])));
    expect(await callAll()).toEqual(SERVED);
    await apply(...entries.map((entry) => webRules(entry, [])));
    expect(await callAll()).toEqual(REFUSED);
    server.kill();
  });

  it('refuses other ports of an entry, and leaves other addresses and the ports of the node alone', async () => {
    const server = await start(SERVERS);
    await plane.apply(rulesetFrom([webRules('10.96.0.1:80', [1]), webRules('10.0.0.1:80', [1])]), FACTS);
    expect(await call('tcp', '10.96.0.1', 81)).toBe('ECONNREFUSED');
    expect(await call('udp', '10.96.0.1', 81)).toBe('ECONNREFUSED');
    expect(await call('tcp', '10.200.0.1', 8080)).toBe('connected');
    await netns.script('ip route add 10.96.0.8 dev lo src 10.0.0.1');
    expect(await call('tcp', '10.96.0.8')).toBe('silence');
    server.kill();
  });

  it('lets no packet of an entry by that nobody translated, and none is remembered', async () => {
    await apply(webRules('10.96.0.1:80', [1]), webRules('10.96.0.1:80/udp', [1]));
    await netns.script('iptables -t nat -F');
    expect(await call('tcp', '10.96.0.1')).toBe('silence');
    expect(await call('udp', '10.96.0.1')).toBe('silence');
    expect(await netns.script('conntrack -L 2>/dev/null')).not.toContain('10.96.0.1');
  });

  it.each([
    ['flushes the nat table', 'iptables -t nat -F'],
    ['deletes it', 'nft delete table ip nat'],
  ])('keeps an established connection translated when somebody %s', async (_title, script) => {
    const server = await start(SERVERS);
    await apply(webRules('10.96.0.1:80', [1]));
    const held = await start(HELD);
    expect(await held.ask()).toBe('answer');
    await netns.script(script);
    expect(await held.ask()).toBe('answer');
    held.kill();
    server.kill();
  });

  it('loses no established connection when everything is flushed and installed again', async () => {
    const server = await start(SERVERS);
    await apply(webRules('10.96.0.1:80', [1]));
    const held = await start(HELD);
    await netns.script('nft flush ruleset');
    const asked = held.ask();
    await plane.adopt();
    expect(await apply(webRules('10.96.0.1:80', [1]))).toMatchObject({ unchanged: false });
    expect(await asked).toBe('answer');
    held.kill();
    server.kill();
  });

  it('is taken over by a fresh agent without a change, and repaired where somebody changed it', async () => {
    const rules = [webRules('10.96.0.1:80', [1]), webRules('[fd00::10]:80', [])];
    expect(await apply(...rules)).toMatchObject({ unchanged: false });
    expect(await apply(...rules)).toMatchObject({ unchanged: true });
    const whole = await plane.dump();
    expect(whole).toContain('refused6 fd00::10 . tcp . 80');
    const fresh = (await openIn(netns)).dataplane;
    await fresh.adopt();
    expect(await fresh.apply(rulesetFrom(rules), FACTS)).toMatchObject({ unchanged: true });
    for (const change of [
      'nft flush chain inet sluice_guard entries',
      'nft insert rule inet sluice_guard output accept',
      "nft delete element inet sluice_guard entries4 '{ 10.96.0.1 . tcp . 80 }'",
      "nft add element inet sluice_guard refused4 '{ 10.96.0.1 . tcp . 80 }'",
      'nft delete table inet sluice_guard',
    ]) {
      await netns.script(change);
      expect(await plane.dump()).not.toBe(whole);
      await plane.adopt();
      expect(await apply(...rules)).toMatchObject({ unchanged: false, rulesWritten: 0 });
      expect(await plane.dump()).toBe(whole);
    }
  });

  it('writes itself whole when an update is refused because somebody removed it', async () => {
    await apply(webRules('10.96.0.1:80', [1]));
    await netns.script('nft delete table inet sluice_guard');
    await apply(webRules('10.96.0.1:80', [1]), webRules('10.96.0.2:80', []));
    expect(await netns.script('nft list table inet sluice_guard')).toMatch(/10\.96\.0\.1 \. (?:tcp|6) \. 80/);
  });

  it('stands beside either layout, and a change of the layout under it breaks no connection', async () => {
    const server = await start(SERVERS);
    const rules = [webRules('10.96.0.1:80', [1]), webRules('10.96.0.2:80', [])];
    await apply(...rules);
    const held = await start(HELD);
    for (const [asked, name, gone] of [
      ['nftables', 'nftables', 'SLUICE-ENTRIES'],
      ['iptables', 'iptables-nft', 'table ip sluice {'],
    ] as const) {
      plane = (await openIn(netns, asked)).dataplane;
      await plane.adopt();
      await apply(...rules);
      expect(plane.name).toBe(name);
      expect(await netns.script('nft list ruleset')).not.toContain(gone);
      expect(await netns.script('ip route show table local proto 115')).toContain('10.96.0.1 dev sluice0');
      expect(await held.ask()).toBe('answer');
      expect(await call('tcp', '10.96.0.1')).toBe('connected');
      expect(await call('tcp', '10.96.0.2')).toBe('ECONNREFUSED');
      await plane.adopt();
      expect(await apply(...rules)).toMatchObject({ unchanged: true });
    }
    held.kill();
    server.kill();
  });

  it('is gone after a clean-up, and tables of others are byte-identical', async () => {
    await netns.script(`nft add table inet stranger; nft add set inet stranger s '{ type ipv4_addr; }'
      iptables -A FORWARD -j ACCEPT`);
    const look = async (): Promise<string> => netns.script('nft list ruleset; ip route show table local');
    const before = await look();
    await apply(webRules('10.96.0.1:80', [1]), webRules('10.96.0.2:80', []));
    await plane.cleanup();
    expect(await look()).toBe(before);
    await plane.cleanup();
    expect(await look()).toBe(before);
  });

  it('says so once where nft is not installed, answers untranslated packets itself, and forwards all the same', async () => {
    const { dataplane, notes } = await openDataplane({
      asked: 'auto',
      exec: async (file, args, options) =>
        netns.exec(file === 'nft' ? 'no-such-program' : file, args, options),
      node: 'n1',
    });
    expect(notes).toEqual([expect.stringMatching(/^nft is not installed/)]);
    const report = await dataplane.apply(rulesetFrom([webRules('10.96.0.1:80', [])]), FACTS);
    expect(report.failures).toEqual([]);
    expect(await call('tcp', '10.96.0.1')).toBe('ECONNREFUSED');
  });

  it.each(['iptables', 'nftables'] as const)(
    'is adopted and changed where the node has no names of protocols, layout %s',
    async (layout) => {
      const bare = withoutProtocols(netns);
      plane = (await openIn(bare, layout)).dataplane;
      const [web, dns] = [webRules('10.96.0.1:80', [1]), webRules('10.96.0.1:53/udp', [])];
      const entries = (): Promise<string> => netns.script('nft list set inet sluice_guard entries4');
      await apply(web, dns);
      expect(await entries()).toMatch(/10\.96\.0\.1 \. (?:udp|17) \. 53/);
      plane = (await openIn(bare, layout)).dataplane;
      await plane.adopt();
      expect(await apply(web, dns)).toMatchObject({ unchanged: true });
      await apply(web);
      expect(await entries()).not.toMatch(/ \. 53/);
    },
  );

  it.skipIf(!isMachineRoot).each(['nft', 'legacy'])(
    'has connections forwarded where FORWARD drops, only those to entries, and takes its rule back (iptables-%s; needs root)',
    async (variant) => {
      const client = await openNetns(netns);
      await netns.script(`sysctl -qw net.ipv4.ip_forward=1
        ip link add eth0 type veth peer name eth0 netns ${client.pid}; ip addr add 10.1.0.1/24 dev eth0; ip link set eth0 up
        iptables-${variant} -P FORWARD DROP; iptables-${variant} -A FORWARD -i docker0 -j ACCEPT`);
      await client.script(`ip addr add 10.1.0.2/24 dev eth0; ip link set eth0 up; ip addr add 10.200.0.9/32 dev lo
        ip route add default via 10.1.0.1`);
      await netns.script('ip route add 10.200.0.9/32 via 10.1.0.2');
      const server = spawn(
        ...client.argv(process.execPath, [
          '-e',
          "require('node:net').createServer((s) => { s.on('error', () => {}); s.end('x'); }).listen(8080, '10.200.0.9', () => console.log('ready'))",
        ]),
        { stdio: ['ignore', 'pipe', 'inherit'] },
      );
      await once(server.stdout, 'data');
      const look = async (): Promise<string> =>
        (await netns.script(`iptables-${variant}-save -t filter`))
          .replaceAll(/^#.*\n/gm, '')
          .replaceAll(/\[\d+:\d+\]/g, '');
      const before = await look();
      plane = (await openIn(netns)).dataplane;
      const web = {
        ...webRules('10.96.0.1:80', []),
        masquerade: true,
        targets: [{ ip: '10.200.0.9', port: 8080, weight: 1 }],
      };
      await apply(web);
      const from = async (ip: string, port: number): Promise<string> =>
        (await client.exec(process.execPath, ['-e', CLIENT, 'tcp', ip, String(port)])).stdout.trim();
      expect(await from('10.96.0.1', 80)).toBe('connected');
      await netns.script(`iptables-${variant} -t nat -A PREROUTING -d 10.99.0.1/32 -p tcp -j DNAT --to-destination 10.200.0.9:8080
        iptables-${variant} -t nat -A POSTROUTING -d 10.200.0.9/32 -j MASQUERADE`);
      expect(await from('10.99.0.1', 80)).toBe('silence');
      const fresh = (await openIn(netns)).dataplane;
      await fresh.adopt();
      expect(await fresh.apply(rulesetFrom([web]), FACTS)).toMatchObject({ unchanged: true });
      await netns.script(`iptables-${variant} -P FORWARD ACCEPT`);
      await fresh.adopt();
      await fresh.apply(rulesetFrom([web]), FACTS);
      expect(await look()).not.toContain('sluice');
      await netns.script(`iptables-${variant} -P FORWARD DROP`);
      await fresh.adopt();
      await fresh.apply(rulesetFrom([web]), FACTS);
      expect(await look()).toContain('sluice');
      await fresh.cleanup();
      expect(await look()).toBe(before);
      server.kill('SIGKILL');
      await client.close();
    },
  );
});
