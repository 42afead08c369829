/**
 * Owns the connection that all watches to one server share with their heartbeat. When a heartbeat fails, etcd3 replaces the
 * connection for new calls, and the streams of the old one may hang for ever; therefore all of them end together.
 */
import type { Clock } from '../../host/clock.ts';
import { classify } from './grpc-error.ts';
import type { EtcdClient } from './etcd3.ts';

/** A heartbeat is a linearizable read: it fails on a dead connection, a stopped server and in a minority partition. */
const HEARTBEAT_MS = 1_500;

/** A watch on the line. */
export interface LineMember {
  /** A key that the watch may read; the heartbeat reads it. */
  readonly key: Buffer;
  readonly fail: (why: string) => void;
}

/** The connection of one server's watches. */
export interface Line {
  readonly client: () => Promise<EtcdClient>;
  /** Puts a watch under the heartbeat; returns how to take it out. */
  readonly join: (member: LineMember) => () => void;
  /** Ends all watches of the line and passes the server over for a while. */
  readonly fail: (why: string) => void;
}

/** What a line is made of. */
export interface LineOptions {
  readonly client: () => Promise<EtcdClient>;
  readonly clock: Clock;
  readonly markBad: () => void;
}

/** A line without watches; it is silent until one joins. */
export function createLine({ client, clock, markBad }: LineOptions): Line {
  const members = new Set<LineMember>();
  let stop: AbortController | undefined;

  const fail = (why: string): void => {
    markBad();
    const failed = [...members];
    members.clear();
    stop?.abort();
    stop = undefined;
    for (const member of failed) member.fail(why);
  };
  const beat = async (signal: AbortSignal): Promise<void> => {
    const connected = await client();
    for (;;) {
      await clock.sleep(HEARTBEAT_MS, signal);
      const [member] = members;
      if (signal.aborted || member === undefined) return;
      try {
        await connected.kv.range(
          { key: member.key, limit: 1, count_only: true },
          { deadline: Date.now() + HEARTBEAT_MS },
        );
      } catch (error) {
        if (!signal.aborted) fail(`no heartbeat: ${classify(error).text}`);
        return;
      }
    }
  };
  return {
    client,
    fail,
    join: (member) => {
      members.add(member);
      if (stop === undefined) {
        stop = new AbortController();
        void beat(stop.signal);
      }
      return () => {
        members.delete(member);
        if (members.size > 0) return;
        stop?.abort();
        stop = undefined;
      };
    },
  };
}
