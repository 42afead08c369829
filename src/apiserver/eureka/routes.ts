/** Owns the routes of the Eureka protocol: where they are, and what each spelling of a path means. Must not know bodies. */
import type { Clock } from '../../host/clock.ts';
import type { Pace } from '../../model/pace.ts';
import type { Answer, Exchange, Route } from '../http/route.ts';
import type { Registry } from '../registry/registry.ts';
import { createAbout } from './about.ts';
import { createFetches } from './fetch.ts';
import { createGroupStatus } from './group.ts';
import { createReplication } from './replication.ts';
import { createWrites } from './write.ts';

/** What the routes need. */
export interface EurekaParts {
  readonly registry: Registry;
  readonly clock: Clock;
  readonly pace: Pace;
}

/** `/eureka` is Spring's, `/eureka/v2` that of the reference server. */
const BASES = ['/eureka', '/eureka/v2'];

type Handle = (exchange: Exchange) => Promise<Answer>;
type Line = readonly [method: Route['method'], path: string, handle: Handle];

/** All routes, under both bases, each with and without a slash at its end: clients write both. */
export function eurekaRoutes(parts: EurekaParts): readonly Route[] {
  const fetches = createFetches(parts);
  const writes = createWrites(parts);
  const about = createAbout(parts);
  const lines: readonly Line[] = [
    ['GET', '/apps', fetches.all],
    ['GET', '/apps/delta', fetches.delta],
    ['GET', '/apps/{app}', fetches.app],
    ['GET', '/apps/{app}/{id}', fetches.instance],
    ['GET', '/instances/{id}', fetches.byId],
    ['GET', '/vips/{vip}', fetches.vip],
    ['GET', '/svips/{vip}', fetches.secureVip],
    ['POST', '/apps/{app}', writes.register],
    ['PUT', '/apps/{app}/{id}', writes.renew],
    ['DELETE', '/apps/{app}/{id}', writes.cancel],
    ['PUT', '/apps/{app}/{id}/status', writes.override],
    ['DELETE', '/apps/{app}/{id}/status', writes.clearOverride],
    ['PUT', '/apps/{app}/{id}/metadata', writes.metadata],
    ['POST', '/peerreplication/batch', createReplication(parts)],
    ['PUT', '/asg/{group}/status', createGroupStatus(parts)],
    ['GET', '/status', about.status],
    ['GET', '/serverinfo/statusoverrides', about.overrides],
  ];
  return BASES.flatMap((base) =>
    lines.flatMap(([method, path, handle]) =>
      ['', '/'].map((end): Route => ({
        method,
        path: `${base}${path}${end}`,
        // Clients add words of their own (regions, lastDirtyTimestamp, …).
        query: 'any',
        isOpen: false,
        isLight: handle === writes.renew,
        handle,
      })),
    ),
  );
}
