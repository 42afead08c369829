/** Owns the servers of an etcd store: which one is asked, which one is passed over for a while. Must not know calls. */
import type { Clock } from '../../host/clock.ts';
import { createHealth, createPicker, type ServerHealth } from '../rotation.ts';
import type { EtcdClient, EtcdTarget } from './etcd3.ts';
import { createLine, type Line } from './line.ts';

/** One server. */
export interface Endpoint extends ServerHealth {
  readonly name: string;
  /** Client for calls. */
  readonly client: () => Promise<EtcdClient>;
  /** Shared by all watches at this server. */
  readonly line: Line;
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
    const health = createHealth(clock);
    return {
      name: target.endpoint,
      client: unary.get,
      line: createLine({ client: watching.get, clock, markBad: health.markBad }),
      ...health,
    };
  });
  return {
    all,
    pick: createPicker(all, random),
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
