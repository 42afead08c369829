/** Owns the routes that tell how the server itself is. */
import type { InformerState } from '../../store/informer-state.ts';
import type { Route } from '../http/route.ts';
import type { Metrics } from '../metrics.ts';

/** What is told. */
export interface HealthParts {
  readonly state: () => InformerState;
  readonly isStopping: () => boolean;
  readonly metrics: Metrics;
}

const TEXT = 'text/plain; charset=utf-8';

/** Why it should not be asked now; undefined: it is ready. */
function whyNotReady({ state, isStopping }: HealthParts): string | undefined {
  if (isStopping()) return 'it stops';
  const { connected, lists, why } = state();
  if (lists > 0 && connected) return undefined;
  return `it does not follow the store: ${why ?? 'not listed yet'}`;
}

/** The routes. */
export function healthRoutes(parts: HealthParts): readonly Route[] {
  const base = { method: 'GET', query: [] } as const;
  return [
    {
      ...base,
      path: '/healthz',
      isOpen: true,
      handle: async () => Promise.resolve({ kind: 'text', text: 'ok\n', type: TEXT }),
    },
    {
      ...base,
      path: '/readyz',
      isOpen: true,
      handle: async () => {
        const why = whyNotReady(parts);
        await Promise.resolve();
        return why === undefined
          ? { kind: 'text', text: 'ok\n', type: TEXT }
          : { kind: 'text', text: `${why}\n`, type: TEXT, status: 503 };
      },
    },
    {
      ...base,
      path: '/metrics',
      isOpen: false,
      handle: async () => ({ kind: 'text', text: await parts.metrics.text(), type: parts.metrics.type }),
    },
  ];
}
