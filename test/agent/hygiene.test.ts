import { describe, expect, it } from 'vitest';
import { GRACE_MS, HANDSHAKE_MS, type Hygiene, startHygiene } from '../../src/agent/hygiene.ts';
import { SluiceError } from '../../src/errors.ts';
import { formatEntry, parseEntry } from '../../src/model/entry.ts';
import type { Forwarding } from '../../src/rules/gone.ts';
import { createVirtualClock, type VirtualClock } from '../harness/virtual-clock.ts';
import { keptLog } from './world.ts';

/** An entry of one service with these ports on 10.0.0.9, all of weight 1. */
function forwarding(entry: string, ports: readonly number[]): Forwarding {
  const targets = ports.map((port) => ({ ip: '10.0.0.9', port, weight: 1 }));
  return {
    ruleset: { entries: [{ entry: parseEntry(entry), service: 'web', masquerade: false, targets }] },
    snapshot: { revision: 1, services: new Map(), instances: new Map() },
  };
}

/** Hygiene over a table of connections that only notes what is asked of it. */
function start(fail?: SluiceError): {
  readonly clock: VirtualClock;
  readonly log: ReturnType<typeof keptLog>;
  readonly forgotten: readonly string[];
  readonly hygiene: Hygiene;
} {
  const clock = createVirtualClock();
  const log = keptLog();
  const forgotten: string[] = [];
  const hygiene = startHygiene({
    clock,
    log,
    conntrack: {
      forget: async (stale) => {
        if (fail !== undefined) throw fail;
        for (const { entry, answeredBy, unanswered } of stale)
          forgotten.push(`${formatEntry(entry)} ${answeredBy.port}${unanswered ? ' unanswered' : ''}`);
        return stale.length;
      },
    },
  });
  return { clock, log, forgotten, hygiene };
}

describe('hygiene', () => {
  it('forgets what was never translated at the first apply, and after a repair', async () => {
    const { clock, forgotten, hygiene } = start();
    hygiene.applied(forwarding('10.96.0.1:80', [1]), false);
    await clock.advance(0);
    hygiene.applied(forwarding('10.96.0.1:80', [1]), true);
    await clock.advance(60_000);
    expect(forgotten).toEqual(['10.96.0.1:80/tcp 80 unanswered', '10.96.0.1:80/tcp 80 unanswered']);
  });

  it('of an instance that is gone forgets TCP that waits soon, established TCP after the grace, UDP at once', async () => {
    const { clock, forgotten, hygiene } = start();
    hygiene.startFrom(forwarding('10.96.0.1:80', [1, 2]));
    hygiene.applied(forwarding('10.96.0.1:80', [1]), false);
    await clock.advance(HANDSHAKE_MS - 1);
    expect(forgotten).toEqual([]);
    await clock.advance(1);
    expect(forgotten).toEqual(['10.96.0.1:80/tcp 2 unanswered']);
    await clock.advance(GRACE_MS);
    expect(forgotten).toEqual(['10.96.0.1:80/tcp 2 unanswered', '10.96.0.1:80/tcp 2']);

    const udp = start();
    udp.hygiene.startFrom(forwarding('10.96.0.1:53/udp', [1, 2]));
    udp.hygiene.applied(forwarding('10.96.0.1:53/udp', [1]), false);
    await udp.clock.advance(0);
    expect(udp.forgotten).toEqual(['10.96.0.1:53/udp 2']);
  });

  it('spares the connections of an instance that comes back in time', async () => {
    const { clock, forgotten, hygiene } = start();
    hygiene.startFrom(forwarding('10.96.0.1:80', [1, 2]));
    hygiene.applied(forwarding('10.96.0.1:80', [1]), false);
    hygiene.applied(forwarding('10.96.0.1:80', [1, 2]), false);
    await clock.advance(60_000);
    expect(forgotten).toEqual([]);
  });

  it('counts the grace from the last time that an instance went', async () => {
    const { clock, forgotten, hygiene } = start();
    hygiene.startFrom(forwarding('10.96.0.1:80', [1, 2]));
    for (let round = 0; round < 40; round += 1) {
      hygiene.applied(forwarding('10.96.0.1:80', [1]), false);
      await clock.advance(150);
      hygiene.applied(forwarding('10.96.0.1:80', [1, 2]), false);
      await clock.advance(150);
    }
    hygiene.applied(forwarding('10.96.0.1:80', [1]), false);
    await clock.advance(GRACE_MS - 1);
    expect(forgotten).toEqual(['10.96.0.1:80/tcp 2 unanswered']);
    await clock.advance(1);
    expect(forgotten).toEqual(['10.96.0.1:80/tcp 2 unanswered', '10.96.0.1:80/tcp 2']);
  });

  it('forgets nothing more once it is closed', async () => {
    const { clock, forgotten, hygiene } = start();
    hygiene.startFrom(forwarding('10.96.0.1:80', [1, 2]));
    hygiene.applied(forwarding('10.96.0.1:80', [1]), false);
    await hygiene.close();
    await clock.advance(60_000);
    expect(forgotten).toEqual([]);
  });

  it('says once that the tool is missing', async () => {
    const { clock, log, hygiene } = start(
      new SluiceError('config', 'cannot run conntrack: it is not installed'),
    );
    for (const ports of [[1], [2], [1], [2]]) {
      hygiene.applied(forwarding('10.96.0.1:80', ports), false);
      await clock.advance(10_000);
    }
    expect(log.lines.filter((line) => line.includes('not installed'))).toHaveLength(1);
  });
});
