/** Owns the calls of leases on etcd: grant, one renewal, revoke. When to renew and when to take it as lost is the lease keeper's. */
import { startBudget } from '../budget.ts';
import type { LeaseCalls } from '../lease-calls.ts';
import { ask, type EtcdParts } from './calls.ts';
import type { EtcdClient } from './etcd3.ts';

/** The calls on these servers. */
export function etcdLeaseCalls(parts: EtcdParts): LeaseCalls {
  return {
    grant: async (ttlSeconds, options) => {
      const granted = await ask(parts, startBudget(parts, options), (client, deadline) =>
        client.leaseClient.leaseGrant({ TTL: ttlSeconds, ID: '0' }, { deadline }),
      );
      return { id: granted.ID, ttlSeconds: Number(granted.TTL) };
    },
    renew: (lease, options) =>
      ask(parts, startBudget(parts, options), (client, deadline) => renewOnce(client, lease, deadline)),
    revoke: async (lease, options) => {
      await ask(parts, startBudget(parts, options), (client, deadline) =>
        client.leaseClient.leaseRevoke({ ID: lease }, { deadline }),
      );
    },
  };
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
