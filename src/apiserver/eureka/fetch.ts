/** Owns what clients of the Eureka protocol fetch: from memory, in the form and encoding that they ask for. Must not write. */
import type { IncomingHttpHeaders } from 'node:http';
import { promisify } from 'node:util';
import { constants, gzip } from 'node:zlib';
import { type Bodies, type BodyForm, createBodies } from '../../eureka/bodies.ts';
import { collectPaced, type Pace } from '../../model/pace.ts';
import { appNameOf, type Registration, type RegisteredStatus, statusOf } from '../../model/registration.ts';
import type { App, Registered } from '../../registry/catalog.ts';
import { unavailable } from '../../store/failure.ts';
import type { Answer, Exchange } from '../http/route.ts';
import { FOLLOWER_HEADER } from '../registry/fetch-registry.ts';
import type { EurekaParts } from './routes.ts';
import { type Body, createWhole, SMALL_BYTES } from './whole.ts';

const gzipped = promisify(gzip);

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

const isFollower = (headers: IncomingHttpHeaders): boolean => headers[FOLLOWER_HEADER] !== undefined;

const takesGzip = (headers: IncomingHttpHeaders): boolean =>
  (headers['accept-encoding'] ?? '')
    .toLowerCase()
    .split(',')
    .some((one) => /^\s*(gzip|\*)\s*(;\s*q=(?!0(\.0*)?\s*$)|$)/.test(one));

async function answerOf(body: Body, { headers }: Exchange): Promise<Answer> {
  const type = `application/${formOf(headers)}`;
  if (body.isSmall === true || !takesGzip(headers))
    return { kind: 'bytes', bytes: body.plain(), type, encoding: undefined };
  return { kind: 'bytes', bytes: await body.compressed(), type, encoding: 'gzip' };
}

/** A body that is compressed when somebody asks for that first. */
function bodyOf(text: string): Body {
  const plain = Buffer.from(text);
  let compressed: Promise<Buffer> | undefined;
  return {
    plain: () => plain,
    compressed: () => (compressed ??= gzipped(plain, { level: constants.Z_BEST_SPEED })),
    isSmall: plain.length < SMALL_BYTES,
  };
}

/** The same of many texts, joined at a pace. */
async function bodyOfTexts(texts: Iterable<string>, pace: Pace): Promise<Body> {
  return bodyOf((await collectPaced(texts, pace)).join(''));
}

/** What was not found: without a body, as clients expect it. */
const NOT_FOUND: Answer = { kind: 'empty', status: 404 };

/** A body that is the same for everybody, kept while it is right. */
function createKept(): (stamp: string, make: () => Promise<Body>) => Promise<Body> {
  let kept: { readonly stamp: string; readonly body: Promise<Body> } | undefined;
  return async (stamp, make) => {
    if (kept?.stamp !== stamp) kept = { stamp, body: make() };
    return kept.body;
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

/** Some apps as a body of many. */
function* someApps(bodies: Bodies, apps: readonly App[]): Generator<string, undefined> {
  const { head, separator, tail } = bodies.around(countsOf(apps));
  yield head;
  for (const [index, app] of apps.entries()) {
    if (index > 0) yield separator;
    yield* bodies.app(app);
  }
  yield tail;
  return undefined;
}

/** The handlers. */
export function createFetches({ registry, clock, pace }: EurekaParts): Fetches {
  const { catalog, recent } = registry.copy;
  const bodies = createBodies();
  const wholes = {
    json: createWhole(catalog, bodies.json, pace),
    xml: createWhole(catalog, bodies.xml, pace),
  };
  const deltas = { json: createKept(), xml: createKept() };
  const listed =
    (handle: (exchange: Exchange, form: BodyForm) => Promise<Body> | undefined): Handle =>
    async (exchange) => {
      // An empty answer would be taken for the truth.
      if (!registry.isListed())
        throw unavailable('the API server has not listed it yet', { store: 'registry' });
      const body = await handle(exchange, formOf(exchange.headers));
      return body === undefined ? NOT_FOUND : answerOf(body, exchange);
    };
  const byVip = (namesOf: (registration: Registration) => string | undefined): Handle =>
    listed(({ params }, form) => {
      const apps = appsWith(catalog.apps(), params.get('vip') ?? '', namesOf);
      return bodyOfTexts(someApps(bodies[form], apps), pace);
    });
  const instanceBody = (found: Registered | undefined, form: BodyForm): Promise<Body> | undefined =>
    found && Promise.resolve(bodyOf(bodies[form].instance(found.registration)));
  /** What registered here, for a server that follows this one: what is known from others does not go on, so that nothing goes in circles. */
  const own = (): readonly App[] =>
    catalog.apps().flatMap(({ name, instances }) => {
      const left = instances.filter(({ registration }) => registration.source === undefined);
      return left.length === 0 ? [] : [{ name, instances: left }];
    });
  return {
    all: listed(({ headers }, form) =>
      isFollower(headers) ? bodyOfTexts(someApps(bodies[form], own()), pace) : wholes[form](),
    ),
    delta: listed(({ headers }, form) => {
      const nowMs = clock.monotonicMs();
      if (isFollower(headers)) {
        const changes = recent.list(nowMs).filter(({ registration }) => registration.source === undefined);
        return bodyOfTexts(bodies[form].delta(changes, countsOf(own())), pace);
      }
      const stamp = `${catalog.version()} ${Math.floor(nowMs / DELTA_SERVES_MS)}`;
      const texts = (): Iterable<string> => bodies[form].delta(recent.list(nowMs), catalog.counts());
      return deltas[form](stamp, () => bodyOfTexts(texts(), pace));
    }),
    app: listed(({ params }, form) => {
      const app = catalog.app(appNameOf(params.get('app') ?? '') ?? '');
      return app && bodyOfTexts(bodies[form].application(app), pace);
    }),
    instance: listed(({ params }, form) =>
      instanceBody(catalog.find(appNameOf(params.get('app') ?? '') ?? '', params.get('id') ?? ''), form),
    ),
    byId: listed(({ params }, form) => instanceBody(catalog.withId(params.get('id') ?? ''), form)),
    vip: byVip(({ vip }) => vip),
    secureVip: byVip(({ secureVip }) => secureVip),
  };
}
