/** Owns what clients of the Eureka protocol fetch: from memory, in the form and encoding that they ask for. Must not write. */
import type { IncomingHttpHeaders } from 'node:http';
import { promisify } from 'node:util';
import { constants, gzip } from 'node:zlib';
import { type BodyForm, createBodies } from '../../eureka/bodies.ts';
import { appNameOf, type Registration, type RegisteredStatus, statusOf } from '../../model/registration.ts';
import type { App } from '../../registry/catalog.ts';
import { unavailable } from '../../store/failure.ts';
import type { Answer, Exchange } from '../http/route.ts';
import type { EurekaParts } from './routes.ts';

const gzipped = promisify(gzip);

/** Below this compressing costs more than it saves. */
const SMALL_BYTES = 1_024;
/** What changed lately also changes by time alone: what was written of it serves for so long. */
const DELTA_SERVES_MS = 1_000;

type Handle = (exchange: Exchange) => Promise<Answer>;

/** What is fetched, by name. */
export interface Fetches {
  readonly all: Handle;
  readonly delta: Handle;
  readonly app: Handle;
  readonly instance: Handle;
  readonly byId: Handle;
  readonly vip: Handle;
  readonly secureVip: Handle;
}

/** JSON for whoever takes it, XML for all others, as the reference server does. */
const formOf = ({ accept }: IncomingHttpHeaders): BodyForm =>
  (accept ?? '').toLowerCase().includes('json') ? 'json' : 'xml';

const takesGzip = (headers: IncomingHttpHeaders): boolean =>
  (headers['accept-encoding'] ?? '')
    .toLowerCase()
    .split(',')
    .some((one) => /^\s*(gzip|\*)\s*(;\s*q=(?!0(\.0*)?\s*$)|$)/.test(one));

/** A body with its compressed form, which is made when somebody asks for it first. */
interface Body {
  readonly plain: Buffer;
  compressed: Promise<Buffer> | undefined;
}

async function answerOf(body: Body, { headers }: Exchange): Promise<Answer> {
  const type = `application/${formOf(headers)}`;
  if (body.plain.length < SMALL_BYTES || !takesGzip(headers)) {
    return { kind: 'bytes', bytes: body.plain, type, encoding: undefined };
  }
  // Level 1: a list of 20,000 instances takes a third of the time of the default, and is 3 % of its length instead of 2 %.
  body.compressed ??= gzipped(body.plain, { level: constants.Z_BEST_SPEED });
  return { kind: 'bytes', bytes: await body.compressed, type, encoding: 'gzip' };
}

const bodyOf = (text: string): Body => ({ plain: Buffer.from(text), compressed: undefined });

/** What was not found: without a body, as clients expect it. */
const NOT_FOUND: Answer = { kind: 'empty', status: 404 };

/** Bodies that are the same for everybody, kept while they are right. */
function createKept(): (name: string, stamp: string, make: () => string) => Body {
  const kept = new Map<string, { readonly stamp: string; readonly body: Body }>();
  return (name, stamp, make) => {
    const known = kept.get(name);
    if (known?.stamp === stamp) return known.body;
    const body = bodyOf(make());
    kept.set(name, { stamp, body });
    return body;
  };
}

function countsOf(apps: readonly App[]): ReadonlyMap<RegisteredStatus, number> {
  const counts = new Map<RegisteredStatus, number>();
  for (const { registration } of apps.flatMap(({ instances }) => instances)) {
    const status = statusOf(registration);
    counts.set(status, (counts.get(status) ?? 0) + 1);
  }
  return counts;
}

/** Apps with those of their instances that have a name among the ones that they list with commas. */
function appsWith(
  apps: readonly App[],
  name: string,
  namesOf: (registration: Registration) => string | undefined,
): readonly App[] {
  return apps.flatMap((app) => {
    const instances = app.instances.filter(({ registration }) =>
      (namesOf(registration) ?? '').split(',').some((one) => one.trim() === name),
    );
    return instances.length === 0 ? [] : [{ name: app.name, instances }];
  });
}

/** The handlers. */
export function createFetches({ registry, clock }: EurekaParts): Fetches {
  const { catalog, recent } = registry.copy;
  const bodies = createBodies();
  const keep = createKept();
  const listed =
    (handle: (exchange: Exchange) => Body | undefined): Handle =>
    async (exchange) => {
      // An empty answer would be taken for the truth.
      if (!registry.isListed())
        throw unavailable('the API server has not listed it yet', { store: 'registry' });
      const body = handle(exchange);
      return body === undefined ? NOT_FOUND : answerOf(body, exchange);
    };
  const byVip = (namesOf: (registration: Registration) => string | undefined): Handle =>
    listed(({ params, headers }) => {
      const apps = appsWith(catalog.apps(), params.get('vip') ?? '', namesOf);
      return bodyOf(bodies[formOf(headers)].applications(apps, countsOf(apps)));
    });
  const instanceBody = (registration: Registration | undefined, { headers }: Exchange): Body | undefined =>
    registration && bodyOf(bodies[formOf(headers)].instance(registration));
  return {
    all: listed(({ headers }) => {
      const form = formOf(headers);
      const make = (): string => bodies[form].applications(catalog.apps(), catalog.counts());
      return keep(`all ${form}`, String(catalog.version()), make);
    }),
    delta: listed(({ headers }) => {
      const form = formOf(headers);
      const nowMs = clock.monotonicMs();
      const stamp = `${catalog.version()} ${Math.floor(nowMs / DELTA_SERVES_MS)}`;
      return keep(`delta ${form}`, stamp, () => bodies[form].delta(recent.list(nowMs), catalog.counts()));
    }),
    app: listed(({ params, headers }) => {
      const app = catalog.app(appNameOf(params.get('app') ?? '') ?? '');
      return app && bodyOf(bodies[formOf(headers)].application(app));
    }),
    instance: listed((exchange) => {
      const { params } = exchange;
      const found = catalog.find(appNameOf(params.get('app') ?? '') ?? '', params.get('id') ?? '');
      return instanceBody(found?.registration, exchange);
    }),
    byId: listed((exchange) =>
      instanceBody(catalog.withId(exchange.params.get('id') ?? '')?.registration, exchange),
    ),
    vip: byVip(({ vip }) => vip),
    secureVip: byVip(({ secureVip }) => secureVip),
  };
}
