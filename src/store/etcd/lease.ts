/** Owns leases on etcd: grant, one renewal, revoke. When to renew and when to take it as lost is the lease keeper's. */
import { keepLease } from '../lease-keeper.ts';
import type { CallOptions, Lease } from '../store.ts';
import { ask, type EtcdParts, startBudget } from './calls.ts';
import type { EtcdClient } from './etcd3.ts';

/**
 * Takes a lease and keeps it. A grant whose answer is lost is asked again: the first one runs out by itself.
 * @throws SluiceError
 */
export async function grantLease(
  ttlSeconds: number,
  parts: EtcdParts,
  options?: CallOptions,
): Promise<Lease> {
  const grantedAtMs = parts.clock.monotonicMs();
  const granted = await ask(parts, startBudget(parts, options), (client, deadline) =>
    client.leaseClient.leaseGrant({ TTL: ttlSeconds, ID: '0' }, { deadline }),
  );
  const id = granted.ID;
  const within = (timeoutMs: number) => startBudget(parts, { timeoutMs });
  return keepLease({
    clock: parts.clock,
    id,
    // etcd raises a TTL below its minimum of about 2 s.
    ttlSeconds: Number(granted.TTL),
    grantedAtMs,
    renew: (timeoutMs) =>
      ask(parts, within(timeoutMs), (client, deadline) => renewOnce(client, id, deadline)),
    revoke: async () => {
      await ask(parts, within(1_000), (client, deadline) =>
        client.leaseClient.leaseRevoke({ ID: id }, { deadline }),
      );
    },
    closed: parts.closed,
  });
}

/** One renewal on an own short stream, so that it goes to whichever server is well. */
async function renewOnce(client: EtcdClient, id: string, deadline: number): Promise<'renewed' | 'gone'> {
  const stream = await client.leaseClient.leaseKeepAlive({ deadline });
  try {
    return await new Promise((resolve, reject) => {
      stream.on('data', (answer) => resolve(answer.TTL === '0' ? 'gone' : 'renewed'));
      stream.on('error', reject);
      stream.on('end', () => reject(new Error('14 UNAVAILABLE: the server ended the stream')));
      stream.write({ ID: id });
    });
  } finally {
    stream.end();
  }
}
