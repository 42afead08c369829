/**
 * Owns what a follower of another Eureka server knows of it: taken over in full, then by what changed, and checked by the hash code after each
 * (Applications.getReconcileHashCode). Pure: a state and an answer in, a state out.
 */
import type { RegistrationRequest } from '../registry/lifecycle.ts';
import type { Fetched, FetchedInstance } from './read-applications.ts';

/** One instance of that server; without a request it could not be read, and counts in the hash code only. */
export interface FollowedInstance {
  readonly status: string;
  readonly request: RegistrationRequest | undefined;
}

/** All of that server's instances by `<app>/<id>`. */
export type Followed = ReadonlyMap<string, FollowedInstance>;

const instanceOf = ({ status, read }: FetchedInstance): FollowedInstance => ({
  status,
  request: read.kind === 'instance' ? read.request : undefined,
});

function hashOf(followed: Followed): string {
  const counts = new Map<string, number>();
  for (const { status } of followed.values()) counts.set(status, (counts.get(status) ?? 0) + 1);
  return [...counts]
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([status, count]) => `${status}_${count}_`)
    .join('');
}

/** What an answer to a fetch of all says; nothing of what was known before counts. */
export function followedInFull({ instances }: Fetched): Followed {
  return new Map(instances.map((one) => [one.key, instanceOf(one)]));
}

/** What is known after an answer to a fetch of changes; undefined: something was missed, and all must be fetched. */
export function followedAfter(before: Followed, { instances, hashCode }: Fetched): Followed | undefined {
  const after = new Map(before);
  for (const one of instances) {
    if (one.action === 'DELETED') after.delete(one.key);
    else after.set(one.key, instanceOf(one));
  }
  return hashCode === undefined || hashOf(after) === hashCode ? after : undefined;
}
