import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { nftRefusals } from '../../src/dataplane/refusals.ts';
import { waitUntil } from '../../src/host/wait.ts';
import { type Address, formatAddress } from '../../src/model/address.ts';
import { REFUSALS_SECONDS, refusalsTable } from '../../src/rules/refusals/refusals-text.ts';
import { openNetns, type Netns } from '../harness/netns.ts';

const ENTRY: Address = { ip: '10.96.0.1', port: 80 };
/** An instance whose program has ended, in both families, and one that lives, on another address of the same node. */
const DEAD: Address = { ip: '10.1.0.1', port: 8080 };
const DEAD6: Address = { ip: 'fd01::1', port: 8080 };
const ALIVE: Address = { ip: '10.1.0.9', port: 8080 };

/** Prints what became of one connection to ARGS: IP PORT MS; `silence` if there was no answer within so many ms. */
const CLIENT = `const [ip, port, ms] = process.argv.slice(1); const say = (text) => { console.log(text); process.exit(); };
  setTimeout(() => say('silence'), +ms); const s = require('node:net').connect(+port, ip, () => say('connected')); s.on('error', (e) => say(e.code));`;

/** Listens on ARGS: IP PORT; says \`taken\` of a connection, and never reads what it says. */
const SERVER = `const [ip, port] = process.argv.slice(1); require('node:net').createServer({ pauseOnConnect: true }, () => console.log('taken'))
  .listen(+port, ip, () => console.log('ready'));`;

/** Connects to ARGS: IP PORT, says something, and then how it ended. */
const HELD = `const [ip, port] = process.argv.slice(1); const s = require('node:net').connect(+port, ip, () => s.write('x'));
  s.on('error', (e) => console.log(e.code)); s.on('end', () => console.log('end'));`;

/** Rules that lead the entry to an instance, as those of a node. */
const forwardTo = ({ ip, port }: Address): string => `nft -f - <<'EOF'
add table ip forward
delete table ip forward
table ip forward {
	chain output {
		type nat hook output priority -100; policy accept;
		ip daddr ${ENTRY.ip} tcp dport ${ENTRY.port} dnat to ${ip}:${port}
	}
}
EOF`;

/** What became of one connection. */
const call = async (from: Netns, { ip, port }: Address, withinMs = 20_000): Promise<string> => {
  const { stdout } = await from.exec(process.execPath, ['-e', CLIENT, ip, String(port), String(withinMs)], {
    timeoutMs: 30_000,
  });
  return stdout.trim();
};

/** What a program says next. */
const said = async ({ stdout }: ReturnType<typeof spawn>): Promise<string> => {
  if (stdout === null) throw new Error('it cannot say anything');
  const [text]: unknown[] = await once(stdout, 'data');
  return String(text).trim();
};

/** Waits for a connection that nobody has answered. */
const unanswered = async (from: Netns, { ip, port }: Address): Promise<void> => {
  const args = ['-Htn', 'state', 'syn-sent', 'dst', formatAddress({ ip, port })];
  await waitUntil(async () => (await from.exec('ss', args)).stdout !== '', {
    what: `a connection from ${from.pid} to wait`,
    timeoutMs: 15_000,
  });
};

describe('held refusals in a kernel', () => {
  let node: Netns;
  let client: Netns;

  beforeAll(async () => {
    node = await openNetns();
    client = await openNetns(node);
    await node.script(`ip link add eth0 type veth peer name eth0 netns ${client.pid}; ip link set eth0 up
      ip addr add 10.1.0.1/24 dev eth0; ip -6 addr add fd01::1/64 dev eth0 nodad; ip addr add ${ALIVE.ip}/32 dev lo
      ip route add local ${ENTRY.ip}/32 dev lo src 10.1.0.1`);
    await client.script(`ip link set eth0 up; ip addr add 10.1.0.2/24 dev eth0; ip -6 addr add fd01::2/64 dev eth0 nodad
      ip route add local ${ENTRY.ip}/32 dev lo src 10.1.0.2`);
    await Promise.all([node, client].map(async (netns) => await netns.script(forwardTo(DEAD))));
  });
  afterAll(async () => {
    await client.close();
    await node.close();
  });

  const start = (code: string, { ip, port }: Address, netns = node): ReturnType<typeof spawn> =>
    spawn(...netns.argv(process.execPath, ['-e', code, ip, String(port)]), {
      stdio: ['ignore', 'pipe', 'inherit'],
    });

  it('leave a connection through an entry waiting, which finds a living instance once the rules are new, from elsewhere and on the node itself', async () => {
    await nftRefusals(node.exec).hold([DEAD, DEAD6]);
    const server = start(SERVER, ALIVE);
    expect(await said(server)).toBe('ready');
    const calls = [client, node].map(async (netns) => await call(netns, ENTRY));
    await Promise.all(
      [client, node].map(async (netns) => {
        await unanswered(netns, ENTRY);
        await netns.script(forwardTo(ALIVE));
      }),
    );
    // As the agent does; on the instance's own node conntrack has forgotten it by itself.
    await client.script('conntrack -D -p tcp --state SYN_SENT');
    expect(await Promise.all(calls)).toEqual(['connected', 'connected']);
    server.kill('SIGKILL');
    await Promise.all([node, client].map(async (netns) => await netns.script(forwardTo(DEAD))));
  });

  it('are held over IPv6 too: a connection waits until somebody listens', async () => {
    await nftRefusals(node.exec).hold([DEAD, DEAD6]);
    const waiting = call(client, DEAD6);
    await unanswered(client, DEAD6);
    const server = start(SERVER, DEAD6);
    expect(await said(server)).toBe('ready');
    expect(await waiting).toBe('connected');
    server.kill('SIGKILL');
  });

  it('are those of the instances alone, and not those that programs of the node get that ask them directly', async () => {
    await nftRefusals(node.exec).hold([DEAD, DEAD6]);
    const answers = [call(client, { ...DEAD, port: 8081 }), call(node, DEAD), call(node, DEAD6)];
    expect(await Promise.all(answers)).toEqual(['ECONNREFUSED', 'ECONNREFUSED', 'ECONNREFUSED']);
  });

  it('are no resets of established connections, of which each client hears at once', async () => {
    await nftRefusals(node.exec).hold([DEAD, DEAD6]);
    const server = start(SERVER, DEAD);
    expect(await said(server)).toBe('ready');
    const held = start(HELD, ENTRY, client);
    expect(await said(server)).toBe('taken');
    await waitUntil(
      async () => /^\S+ +[1-9]/m.test((await node.exec('ss', ['-Htn', 'sport', '= :8080'])).stdout),
      { what: 'something that was not read', timeoutMs: 15_000 },
    );
    server.kill('SIGKILL');
    expect(await said(held)).toBe('ECONNRESET');
  });

  it('are let through again when nobody has renewed them for a while, and when nothing is held', async () => {
    const refusals = nftRefusals(node.exec);
    const refused = async (): Promise<void> =>
      await waitUntil(async () => (await call(client, DEAD, 300)) === 'ECONNREFUSED', {
        what: 'a refusal',
        timeoutMs: 20_000,
      }).then(() => undefined);
    const short = refusalsTable([DEAD]).replaceAll(`timeout ${REFUSALS_SECONDS}s`, 'timeout 1s');
    await node.script(`nft -f - <<'EOF'\n${short}EOF`);
    await refused();
    expect(await node.script('nft list table inet sluice_refusals')).not.toContain('elements');
    await refusals.hold([DEAD]);
    expect(await node.script('nft list table inet sluice_refusals')).toMatch(
      /timeout 2m[^}]*10\.1\.0\.1 \. 8080/,
    );
    expect(await call(client, DEAD, 500)).toBe('silence');
    await refusals.hold([]);
    expect(await node.script('nft list tables')).not.toContain('sluice_refusals');
    expect(await call(client, DEAD)).toBe('ECONNREFUSED');
    await refusals.hold([]);
  });

  it('fail with the words of nft', async () => {
    const refusals = nftRefusals(
      async (file, args, options) => await node.exec(file, [...args, '--no-such'], options),
    );
    await expect(refusals.hold([DEAD])).rejects.toMatchObject({
      code: 'failed',
      message: 'nft refused the table of held refusals',
      why: expect.stringContaining('no-such') as unknown,
    });
  });
});
