import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Answering, openAnswering } from '../../src/dataplane/answering.ts';
import { systemClock } from '../../src/host/clock.ts';
import { openPipe } from '../../src/host/pipe.ts';
import { waitUntil } from '../../src/host/wait.ts';
import { openNetns, type Netns } from '../harness/netns.ts';

const ENTRIES = ['10.9.0.100', 'fd09::100'] as const;

/** A machine of the network: 10.9.0.N, fd09::N. */
interface Station {
  readonly netns: Netns;
  readonly mac: string;
}

/** The same for all entries. */
const modes = (mode: 'held' | 'kept' | 'watch'): ReadonlyMap<string, { link: string; mode: typeof mode }> =>
  new Map(ENTRIES.map((ip) => [ip, { link: 'eth0', mode }]));

/** Lays a cable from a station to the hub. @returns the hardware address of its end */
async function plugIn(hub: Netns, netns: Netns, i: number): Promise<string> {
  await hub.script(`ip link add v${i} type veth peer name eth0 netns ${netns.pid}
    ip link set v${i} master br0 up`);
  await netns.script(`ip addr add 10.9.0.${i}/24 dev eth0; ip -6 addr add fd09::${i}/64 dev eth0 nodad; ip link set eth0 up
    for f in ipv4 ipv6; do echo 100 > /proc/sys/net/$f/neigh/eth0/retrans_time_ms; done`);
  return / link\/ether (\S+)/.exec(await netns.script('ip -o link show eth0'))?.[1] ?? '';
}

describe('answering neighbours in a kernel', () => {
  let hub: Netns;
  let stations: readonly Station[] = [];
  let open: Answering[] = [];

  const station = (i: number): Station => {
    const found = stations[i - 1];
    if (found === undefined) throw new Error(`no station ${i}`);
    return found;
  };
  /** Answers from a station; what it hears of others is kept. */
  const answerAt = async (i: number): Promise<{ answering: Answering; heard: string[] }> => {
    const heard: string[] = [];
    const answering = openAnswering({
      openPipe: (file, args, env) => openPipe(...station(i).netns.argv(file, args), env),
      clock: systemClock,
      onHeard: (ip, mac) => void heard.push(`${ip} ${mac}`),
      onState: () => {},
    });
    open.push(answering);
    await waitUntil(() => answering.state().kind === 'ready', {
      what: 'the program to run',
      timeoutMs: 10_000,
      facts: () => JSON.stringify(answering.state()),
    });
    return { answering, heard };
  };
  /** Makes a station ask for an address, and waits for what its kernel remembers: a hardware address, or that nobody answered. */
  const neighbourOf = async (i: number, ip: string): Promise<string> => {
    const { netns } = station(i);
    await netns.script(`ip neigh del ${ip} dev eth0 2>/dev/null || :; ip neigh replace ${ip} dev eth0 use`);
    return await waitUntil(
      async () => {
        const line = await netns.script(`ip neigh show ${ip} dev eth0`);
        return / lladdr (\S+)/.exec(line)?.[1] ?? (/FAILED|^$/.test(line) ? 'nobody' : undefined);
      },
      { what: `an answer for ${ip}`, timeoutMs: 15_000 },
    );
  };
  /** What a station's kernel remembers now. */
  const remembered = async (i: number, ip: string): Promise<string | undefined> =>
    / lladdr (\S+)/.exec(await station(i).netns.script(`ip neigh show ${ip} dev eth0`))?.[1];

  beforeEach(async () => {
    hub = await openNetns();
    await hub.script('ip link add br0 type bridge mcast_snooping 0; ip link set br0 up');
    stations = await Promise.all(
      [1, 2, 3].map(async (i) => {
        const netns = await openNetns(hub);
        await netns.script('for i in all default; do echo 0 > /proc/sys/net/ipv6/conf/$i/accept_dad; done');
        const mac = await plugIn(hub, netns, i);
        return { netns, mac };
      }),
    );
  });
  afterEach(async () => {
    for (const answering of open) answering.close();
    open = [];
    await Promise.all([...stations.map(async ({ netns }) => netns.close()), hub.close()]);
  });

  it('is asked and answers in both families, as long as it is told to, and no longer than its input is open', async () => {
    const { answering, heard } = await answerAt(1);
    for (const ip of ENTRIES) expect(await neighbourOf(3, ip)).toBe('nobody');
    for (const mode of ['held', 'kept'] as const) {
      answering.set(modes(mode));
      for (const ip of ENTRIES) expect(await neighbourOf(3, ip)).toBe(station(1).mac);
    }
    answering.set(modes('watch'));
    for (const ip of ENTRIES) expect(await neighbourOf(3, ip)).toBe('nobody');
    answering.set(modes('held'));
    for (const ip of ENTRIES) expect(await neighbourOf(3, ip)).toBe(station(1).mac);
    answering.close();
    for (const ip of ENTRIES) expect(await neighbourOf(3, ip)).toBe('nobody');
    expect(heard).toEqual([]);
  });

  it('changes what neighbours remember at once when another station announces, which the former one hears', async () => {
    const [one, two] = [await answerAt(1), await answerAt(2)];
    one.answering.set(modes('held'));
    for (const ip of ENTRIES) expect(await neighbourOf(3, ip)).toBe(station(1).mac);
    two.answering.set(modes('held'));
    for (const ip of ENTRIES) two.answering.announce(ip);
    for (const ip of ENTRIES)
      await waitUntil(async () => (await remembered(3, ip)) === station(2).mac, {
        what: `the neighbour to turn to the new station for ${ip}`,
        timeoutMs: 5_000,
      });
    const { mac } = station(2);
    await waitUntil(() => ENTRIES.every((ip) => one.heard.includes(`${ip} ${mac}`)), {
      what: 'the former station to hear it',
      timeoutMs: 5_000,
      facts: () => one.heard.join('\n'),
    });
    expect(two.heard).toEqual([]);
  });

  it('finds out by asking whether another station holds an address; one that only keeps it is not told', async () => {
    const [one, two] = [await answerAt(1), await answerAt(2)];
    two.answering.set(modes('watch'));
    const ask = (): void => {
      for (const ip of ENTRIES) two.answering.probe(ip);
    };
    one.answering.set(modes('kept'));
    ask();
    // What is asked later is answered later.
    for (const ip of ENTRIES) expect(await neighbourOf(3, ip)).toBe(station(1).mac);
    expect(two.heard).toEqual([]);
    one.answering.set(modes('held'));
    for (const ip of ENTRIES) expect(await neighbourOf(3, ip)).toBe(station(1).mac);
    ask();
    const { mac } = station(1);
    await waitUntil(() => ENTRIES.every((ip) => two.heard.includes(`${ip} ${mac}`)), {
      what: 'both answers',
      timeoutMs: 5_000,
      facts: () => two.heard.join('\n'),
    });
  });

  it('goes on when the link was taken away and made anew', async () => {
    const { answering } = await answerAt(1);
    answering.set(modes('held'));
    for (const ip of ENTRIES) expect(await neighbourOf(3, ip)).toBe(station(1).mac);
    await hub.script('ip link del v1');
    const mac = await plugIn(hub, station(1).netns, 1);
    expect(mac).not.toBe(station(1).mac);
    for (const ip of ENTRIES)
      await waitUntil(async () => (await neighbourOf(3, ip)) === mac, {
        what: `an answer from the new link for ${ip}`,
        timeoutMs: 20_000,
      });
  });
});
