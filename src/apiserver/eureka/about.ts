/** Owns what a server of the protocol says of itself: its status, and what people said of instances. */
import type { Tree } from '../../eureka/instance-tree.ts';
import { xmlElement } from '../../eureka/xml-text.ts';
import type { Answer, Exchange } from '../http/route.ts';
import type { EurekaParts } from './routes.ts';

/** The handlers. */
export interface About {
  readonly status: (exchange: Exchange) => Promise<Answer>;
  readonly overrides: (exchange: Exchange) => Promise<Answer>;
}

/** A tree in the form that is asked for. */
function answerOf(name: string, tree: Tree, { headers }: Exchange): Answer {
  if ((headers.accept ?? '').toLowerCase().includes('json')) return { kind: 'json', value: tree };
  return { kind: 'text', text: xmlElement(name, tree), type: 'application/xml' };
}

/** Makes them. */
export function createAbout({ registry }: EurekaParts): About {
  const { catalog } = registry.copy;
  return {
    status: async (exchange) => {
      const applicationStats = {
        'registered-instances': String(catalog.size()),
        'registered-apps': String(catalog.apps().length),
        'renewing-here': String(registry.renewing()),
        ...Object.fromEntries([...catalog.counts()].map(([status, count]) => [status, String(count)])),
      };
      const tree = { generalStats: {}, applicationStats, isHealthy: registry.isListed() };
      return Promise.resolve(answerOf('status', tree, exchange));
    },
    overrides: async (exchange) => {
      const said = catalog
        .apps()
        .flatMap(({ instances }) => instances)
        .flatMap(({ registration: { id, override } }) => (override === undefined ? [] : [[id, override]]));
      return Promise.resolve(answerOf('statusoverrides', Object.fromEntries(said), exchange));
    },
  };
}
