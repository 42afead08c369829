/** Owns the servers of an etcd store: which one is asked, which one is passed over for a while. Must not know calls. */
import { SluiceError } from '../../errors.ts';
import type { Clock } from '../../host/clock.ts';
import type { EtcdClient, EtcdTarget } from './etcd3.ts';
import { createLine, type Line } from './line.ts';

/** How long a server that failed is passed over while there are others. */
const BAD_MS = 3_000;

/** One server. */
export interface Endpoint {
  readonly name: string;
  /** Client for calls. */
  readonly client: () => Promise<EtcdClient>;
  /** Shared by all watches at this server. */
  readonly line: Line;
  readonly markBad: () => void;
  readonly isBad: () => boolean;
}

/** All servers; asks one until it fails. */
export interface Endpoints {
  readonly all: readonly Endpoint[];
  readonly pick: () => Endpoint;
  readonly close: () => void;
}

/** What endpoints are made of. */
export interface EndpointsOptions {
  readonly targets: readonly EtcdTarget[];
  readonly clock: Clock;
  readonly random: () => number;
}

/** Connects nothing yet: etcd3 is loaded with the first call. */
export function createEndpoints({ targets, clock, random }: EndpointsOptions): Endpoints {
  const closers: (() => void)[] = [];
  const all = targets.map((target): Endpoint => {
    const unary = lazyClient(target);
    const watching = lazyClient(target);
    closers.push(unary.close, watching.close);
    let badUntilMs = -Infinity;
    const markBad = (): void => {
      badUntilMs = clock.monotonicMs() + BAD_MS;
    };
    return {
      name: target.endpoint,
      client: unary.get,
      line: createLine({ client: watching.get, clock, markBad }),
      markBad,
      isBad: () => badUntilMs > clock.monotonicMs(),
    };
  });
  let current = Math.floor(random() * all.length);
  const at = (index: number): Endpoint => {
    const endpoint = all[index % all.length];
    if (endpoint === undefined) throw new SluiceError('internal', 'an etcd store without endpoints');
    return endpoint;
  };
  return {
    all,
    pick: () => {
      const good = all.findIndex((_, offset) => !at(current + offset).isBad());
      current = (current + (good < 0 ? 1 : good)) % all.length;
      return at(current);
    },
    close: () => {
      for (const close of closers) close();
    },
  };
}

function lazyClient(target: EtcdTarget): { get: () => Promise<EtcdClient>; close: () => void } {
  let client: Promise<EtcdClient> | undefined;
  let closed = false;
  const connect = async (): Promise<EtcdClient> => {
    const { connectEtcd3 } = await import('./etcd3.ts');
    const made = connectEtcd3(target);
    if (closed) made.close();
    return made;
  };
  return {
    get: () => (client ??= connect()),
    close: () => {
      closed = true;
      void client?.then((made) => made.close());
    },
  };
}
