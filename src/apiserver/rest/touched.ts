/** Owns what a change of keys means to those who watch services, instances and nodes: which of them must be looked at again. Pure. */
import type { StoreEvent } from '../../store/store.ts';

/** What was touched, up to a revision. */
export interface Touched {
  readonly services: ReadonlySet<string>;
  /** Announcers of services may have changed: all of them. */
  readonly allServices: boolean;
  /** Ids of instances by service. */
  readonly instances: ReadonlyMap<string, ReadonlySet<string>>;
  readonly nodes: ReadonlySet<string>;
  readonly leader: boolean;
  /** Records that only ever come: keys below `decision/` and `audit/`. */
  readonly records: readonly string[];
  readonly revision: number;
}

/** Collects what is touched. */
export interface Touching {
  readonly add: (events: readonly StoreEvent[]) => void;
  /** What was touched since the last look; undefined: nothing. */
  readonly take: () => Touched | undefined;
}

const NODE_FAMILIES = ['node', 'node-alive', 'applied'];

interface Open {
  readonly services: Set<string>;
  allServices: boolean;
  readonly instances: Map<string, Set<string>>;
  readonly nodes: Set<string>;
  leader: boolean;
  readonly records: string[];
  revision: number;
}

const empty = (): Open => ({
  services: new Set(),
  allServices: false,
  instances: new Map(),
  nodes: new Set(),
  leader: false,
  records: [],
  revision: 0,
});

function touch(open: Open, event: StoreEvent): boolean {
  const key = event.kind === 'put' ? event.item.key : event.key;
  const [family = '', name = '', ...rest] = key.split('/');
  if (family === 'service') open.services.add(name);
  else if (family === 'instance') {
    open.services.add(name);
    const ids = open.instances.get(name) ?? new Set<string>();
    open.instances.set(name, ids.add(rest.join('/')));
  } else if (NODE_FAMILIES.includes(family)) open.nodes.add(name);
  else if (family === 'holder') open.allServices = true;
  else if (family === 'leader') open.leader = true;
  else if (family === 'decision' || family === 'audit') {
    if (event.kind === 'put') open.records.push(key);
  } else return false;
  return true;
}

/** Nothing is touched yet. */
export function createTouching(): Touching {
  let open: Open | undefined;
  return {
    add: (events) => {
      const next = open ?? empty();
      for (const event of events) {
        if (touch(next, event)) open = next;
        next.revision = event.kind === 'put' ? event.item.modRevision : event.revision;
      }
    },
    take: () => {
      const taken = open;
      open = undefined;
      return taken;
    },
  };
}
