import { describe, expect, it } from 'vitest';
import { keepLease } from '../../src/store/lease-keeper.ts';
import { createVirtualClock } from '../harness/virtual-clock.ts';

/** A lease of 10 s whose server answers as told. */
function createWorld() {
  const clock = createVirtualClock();
  const renewals: number[] = [];
  const server: { renew: () => Promise<'renewed' | 'gone'>; revoked: number } = {
    renew: () => Promise.resolve('renewed'),
    revoked: 0,
  };
  const closing = new AbortController();
  const lease = keepLease({
    clock,
    id: '1',
    ttlSeconds: 10,
    grantedAtMs: clock.monotonicMs(),
    renew: () => {
      renewals.push(clock.monotonicMs());
      return server.renew();
    },
    revoke: () => {
      server.revoked += 1;
      return Promise.resolve();
    },
    closed: closing.signal,
  });
  const lostAt = async (): Promise<number> => {
    for (let ms = 0; ms < 60_000 && !lease.lost.aborted; ms += 100) await clock.advance(100);
    return clock.monotonicMs();
  };
  return { clock, renewals, server, lease, closing, lostAt };
}

describe('a kept lease', () => {
  it('is renewed every third of its time and is never lost', async () => {
    const { clock, renewals, lease } = createWorld();
    await clock.advance(61_000);
    expect(renewals).toHaveLength(18);
    expect(lease.lost.aborted).toBe(false);
  });

  it('is lost 0.7 of its time after the last renewal that was acknowledged', async () => {
    const { clock, renewals, server, lostAt } = createWorld();
    await clock.advance(20_100);
    const last = renewals.at(-1) ?? 0;
    server.renew = () => Promise.reject(new Error('away'));
    const at = await lostAt();
    expect(at - last).toBeGreaterThanOrEqual(7_000);
    expect(at - last).toBeLessThanOrEqual(7_200);
  });

  it('is lost in time though a renewal hangs, and counts from when it was sent', async () => {
    const { server, lostAt } = createWorld();
    server.renew = () => new Promise(() => undefined);
    const at = await lostAt();
    expect(at).toBeGreaterThanOrEqual(7_000);
    expect(at).toBeLessThanOrEqual(7_100);
  });

  it('is lost at once when the server no longer knows it, and is not asked for again', async () => {
    const { clock, renewals, server, lostAt } = createWorld();
    server.renew = () => Promise.resolve('gone');
    expect(await lostAt()).toBeLessThan(3_500);
    const asked = renewals.length;
    await clock.advance(60_000);
    expect(renewals).toHaveLength(asked);
  });

  it('survives failures in between', async () => {
    const { clock, server, lease } = createWorld();
    let calls = 0;
    server.renew = () =>
      (calls += 1) % 3 === 0 ? Promise.resolve('renewed') : Promise.reject(new Error('away'));
    await clock.advance(120_000);
    expect(lease.lost.aborted).toBe(false);
  });

  it('is revoked once, within a second, whatever the server does', async () => {
    const { clock, server, lease } = createWorld();
    await Promise.all([lease.revoke(), lease.revoke()]);
    expect(server.revoked).toBe(1);
    expect(lease.lost.aborted).toBe(true);
    const hanging = createWorld();
    const closed = keepLease({
      clock,
      id: '2',
      ttlSeconds: 10,
      grantedAtMs: 0,
      renew: () => Promise.resolve('renewed'),
      revoke: () => new Promise(() => undefined),
      closed: hanging.closing.signal,
    });
    const revoking = closed.revoke();
    await clock.advance(1_000);
    await revoking;
    expect(closed.lost.aborted).toBe(true);
  });

  it('ends with its store', () => {
    const { lease, closing } = createWorld();
    closing.abort();
    expect(lease.lost.aborted).toBe(true);
  });
});
