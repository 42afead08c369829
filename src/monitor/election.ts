/**
 * Owns becoming the leader and ceasing to be: the key `leader` under a lease, created only where there is none. Its create revision is the
 * fence: every write of a leader compares it, so that one that was paused writes nothing any more once another leads.
 */
import { SluiceError } from '../errors.ts';
import type { Leader } from '../model/decision.ts';
import { encodeLeader } from '../model/records-leader.ts';
import { LEADER_KEY } from '../store/keys.ts';
import type { Compare, Lease, Store } from '../store/store.ts';

/**
 * How long a leader that has died is still taken for one: with the store's half second and the next one's election less than 5 s. One
 * that cannot renew for 0.7 of it steps down, and only has to watch again.
 */
const LEADER_TTL_SECONDS = 4;

/** The lead. */
export interface Lead {
  /** Create revision of the key: the fence. */
  readonly revision: number;
  /** What the key says besides who decides. @throws SluiceError of the store */
  readonly say: (protection: Leader['protection']) => Promise<void>;
  /** Aborted when it must be taken as lost; the lease's keeper does so well before another can have it. */
  readonly lost: AbortSignal;
  /** Gives it up at once; bounded by 1 s, never throws. */
  readonly giveUp: () => Promise<void>;
}

/** Holds while this lead is the one in the store. */
export const fence = (lead: Pick<Lead, 'revision'>): Compare => ({
  kind: 'create-revision',
  key: LEADER_KEY,
  equals: lead.revision,
});

/** Create revision of the key if it was written; undefined if another has it. */
async function writeKey(store: Store, lease: Lease, leader: Leader): Promise<number | undefined> {
  try {
    const answer = await store.transact({
      compares: [{ kind: 'create-revision', key: LEADER_KEY, equals: 0 }],
      operations: [{ kind: 'put', key: LEADER_KEY, value: encodeLeader(leader), lease: lease.id }],
    });
    return answer.kind === 'done' ? answer.revision : undefined;
  } catch (error) {
    if (!(error instanceof SluiceError && error.code === 'unknown')) throw error;
    // The lease says whose it is: nobody else has it.
    const { item } = await store.get(LEADER_KEY);
    return item?.lease === lease.id ? item.createRevision : undefined;
  }
}

/**
 * Tries to become the leader.
 * @returns undefined if another is
 * @throws SluiceError of the store; nothing is held then: the lease is given up, and with it a key that may still arrive
 */
export async function campaign(store: Store, leader: Leader): Promise<Lead | undefined> {
  const lease = await store.grantLease(LEADER_TTL_SECONDS);
  let revision: number | undefined;
  try {
    revision = await writeKey(store, lease, leader);
  } finally {
    if (revision === undefined) await lease.revoke();
  }
  if (revision === undefined) return undefined;
  const lead = { revision, lost: lease.lost, giveUp: lease.revoke };
  return {
    ...lead,
    // Refused if another leads: then it is not ours to say.
    say: async (protection) => {
      const value = encodeLeader({ ...leader, protection });
      const put = { kind: 'put', key: LEADER_KEY, value, lease: lease.id } as const;
      await store.transact({ compares: [fence(lead)], operations: [put] });
    },
  };
}
