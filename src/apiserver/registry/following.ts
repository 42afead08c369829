/**
 * Owns following another Eureka server: its instances are registered here as they are there, as long as they are there. It decides who of them is
 * alive; while it cannot be asked, nothing changes. Must not send it anything.
 */
import { SluiceError } from '../../errors.ts';
import { type Followed, followedAfter, followedInFull } from '../../eureka/followed.ts';
import type { Clock } from '../../host/clock.ts';
import type { Log } from '../../host/log.ts';
import { adopt, adopted } from '../../registry/adopt.ts';
import type { RegistrationRequest } from '../../registry/lifecycle.ts';
import { fetchRegistry } from './fetch-registry.ts';
import type { Registry } from './registry.ts';

/** Whom to follow, and how often to ask. */
export interface FollowOptions {
  /** Servers of one registry, asked in turn when one fails. */
  readonly urls: readonly string[];
  readonly credentials: string | undefined;
  readonly everyMs: number;
}

/** Registrations that are written at once. */
const AT_ONCE = 16;

/** What following needs besides. */
export interface FollowingParts {
  readonly registry: Registry;
  readonly clock: Clock;
  readonly log: Log;
}

/** A follower. */
export interface Following {
  readonly close: () => Promise<void>;
}

/** What it knows. */
interface State {
  known: Followed | undefined;
  /** Which of the servers. */
  at: number;
  goneSinceMs: number | undefined;
  lastWhy: string;
}

/** The name under which what came from there is kept: of the first server, which stands for all. */
const sourceOf = ({ urls }: FollowOptions): string => new URL(urls[0] ?? '').host;

/** Starts. */
export function startFollowing(parts: FollowingParts, options: FollowOptions): Following {
  const closing = new AbortController();
  const running = loop(parts, options, closing.signal);
  return {
    close: async () => {
      closing.abort();
      await running;
    },
  };
}

async function loop(parts: FollowingParts, options: FollowOptions, signal: AbortSignal): Promise<void> {
  const { clock, log, registry } = parts;
  const state: State = { known: undefined, at: 0, goneSinceMs: undefined, lastWhy: '' };
  while (!signal.aborted) {
    try {
      if (registry.isListed()) await round(parts, options, { state, signal });
      state.lastWhy = '';
    } catch (error) {
      if (signal.aborted) return;
      if (!(error instanceof SluiceError)) throw error;
      const why = error.why ?? error.message;
      if (why !== state.lastWhy) log.warn('another registry cannot be followed, trying on', { why });
      // Another of its servers may have another view: what is known is fetched anew.
      Object.assign(state, { known: undefined, at: (state.at + 1) % options.urls.length, lastWhy: why });
    }
    await clock.sleep(options.everyMs, signal);
  }
}

interface Round {
  readonly state: State;
  readonly signal: AbortSignal;
}

/** What the other server has, and who left by what it says. */
interface Answers {
  readonly known: Followed;
  readonly left: ReadonlySet<string>;
}

async function ask(options: FollowOptions, { state, signal }: Round): Promise<Answers> {
  const { urls, credentials } = options;
  const about = { url: urls[state.at] ?? '', credentials, signal };
  const delta = state.known && (await fetchRegistry({ ...about, path: '/apps/delta' }));
  const deleted = delta?.instances.filter(({ action }) => action === 'DELETED') ?? [];
  const known =
    (state.known && delta && followedAfter(state.known, delta)) ??
    followedInFull(await fetchRegistry({ ...about, path: '/apps' }));
  return { known, left: new Set(deleted.map(({ key }) => key)) };
}

function requestsIn(followed: Followed): ReadonlyMap<string, RegistrationRequest> {
  const found = new Map<string, RegistrationRequest>();
  for (const [key, { request }] of followed) if (request !== undefined) found.set(key, request);
  return found;
}

async function round(parts: FollowingParts, options: FollowOptions, about: Round): Promise<void> {
  const { registry, clock, log } = parts;
  const { state, signal } = about;
  const { known, left } = await ask(options, about);
  state.known = known;
  const source = sourceOf(options);
  const wallMs = clock.now().getTime();
  const { put, remove, goneSinceMs } = adopt({
    source,
    wanted: requestsIn(known),
    left,
    present: registry.copy.catalog
      .apps()
      .flatMap(({ instances }) => instances.map(({ registration }) => registration)),
    goneSinceMs: state.goneSinceMs,
    nowMs: clock.monotonicMs(),
    wallMs,
  });
  if (goneSinceMs !== undefined && state.goneSinceMs === undefined)
    log.warn('many instances are gone from another registry at once; they are kept for now', { source });
  state.goneSinceMs = goneSinceMs;
  const steps = [
    ...put.map((request) => async () => {
      await registry.change(request, (before) => adopted(request, before, { source, wallMs }));
    }),
    ...remove.map((gone) => async () => {
      await registry.change(gone, (before) => (before?.source === source ? undefined : before));
    }),
  ];
  const work = async (): Promise<void> => {
    for (let step = steps.shift(); step !== undefined && !signal.aborted; step = steps.shift()) await step();
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  if (put.length + remove.length > 0)
    log.info('registrations taken over from another registry', {
      source,
      put: put.length,
      removed: remove.length,
    });
}
