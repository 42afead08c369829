/** Owns which instances a service has that draws them from the registry, and what must be written for that. Pure. */
import { type Address, canonicalIp, formatAddress } from '../model/address.ts';
import { MAX_INSTANCES } from '../model/limits.ts';
import { type Registration, type RegisteredStatus, statusOf } from '../model/registration.ts';
import { reservedBecause } from '../model/reserved.ts';
import type { Instance, InstanceState, Service, Stored } from '../model/service.ts';
import { timeMs } from '../model/time.ts';
import { isWeight } from '../model/weight.ts';

/** What a service draws from. */
export interface DrawInput {
  readonly service: Service;
  readonly registrations: readonly Registration[];
  /** All instances of the service. */
  readonly stored: readonly Stored<Instance>[];
  /** RFC 3339 UTC. */
  readonly now: string;
}

/** What must be written for one instance. */
export type DrawChange =
  | { readonly kind: 'put'; readonly before: Stored<Instance> | undefined; readonly after: Instance }
  | { readonly kind: 'delete'; readonly before: Stored<Instance> };

/** All of it, by id. */
export interface Drawing {
  readonly changes: readonly DrawChange[];
  /** After how many milliseconds there is more to do by itself; undefined: nothing. */
  readonly againMs: number | undefined;
}

/** How long an instance that left is kept without new connections, so that those it has may end. */
const DRAIN_MS = 30_000;

const STATES: Readonly<Record<RegisteredStatus, InstanceState>> = {
  UP: 'ready',
  STARTING: 'starting',
  OUT_OF_SERVICE: 'draining',
  DOWN: 'draining',
  UNKNOWN: 'pending',
};

/**
 * Where a registration answers; undefined if nobody can dial it: it names no address, or no port that it serves. Names of hosts are never
 * looked up: what a name means may differ from node to node, and change.
 */
export function addressOf({ ip, port, securePort }: Registration): Address | undefined {
  const canonical = canonicalIp(ip);
  const served = [port, securePort].find(({ number, enabled }) => enabled && number > 0);
  if (canonical === undefined || reservedBecause(canonical) !== undefined || served === undefined) {
    return undefined;
  }
  return { ip: canonical, port: served.number };
}

/** Its weight: that of its metadata if it names one, else 1. */
function weightOf({ metadata }: Registration): number {
  const text = metadata['weight'] ?? '';
  const weight = /^[0-9]{1,5}$/.test(text) ? Number(text) : 1;
  return isWeight(weight) ? weight : 1;
}

/** Of two registrations of one address the one that serves, then the later one: the other is what a restart left behind. */
function isBetter(a: Registration, b: Registration): boolean {
  const [aUp, bUp] = [statusOf(a) === 'UP', statusOf(b) === 'UP'];
  return aUp === bUp ? a.updatedMs > b.updatedMs : aUp;
}

function byAddress({ service, registrations }: DrawInput): ReadonlyMap<string, Registration> {
  const entries = new Set(service.entries.map(formatAddress));
  const best = new Map<string, Registration>();
  for (const registration of registrations) {
    const address = addressOf(registration);
    const id = address === undefined ? '' : formatAddress(address);
    if (address === undefined || entries.has(id)) continue;
    const known = best.get(id);
    if (known === undefined ? best.size < MAX_INSTANCES : isBetter(registration, known)) {
      best.set(id, registration);
    }
  }
  return best;
}

function wanted(
  { service, now }: DrawInput,
  registration: Registration,
  before: Instance | undefined,
): Instance | undefined {
  const address = addressOf(registration);
  if (address === undefined) return undefined;
  const state = STATES[statusOf(registration)];
  const weight = weightOf(registration);
  if (before?.state === state && before.weight === weight) return before;
  const since = before?.state === state ? before.stateSince : now;
  const why = `registered as ${statusOf(registration)}`;
  const life = { state, weight, stateSince: since, why };
  if (before !== undefined) return { ...before, ...life };
  const id = formatAddress(address);
  return { service: service.name, id, ...address, origin: 'registered', ...life, createdAt: now };
}

/** What becomes of an instance that nobody registers any more: drained, then gone. */
function leaving(before: Stored<Instance>, now: string): DrawChange | number {
  const { state, stateSince } = before.value;
  const nowMs = timeMs(now) ?? 0;
  if (state !== 'draining') {
    const after = { ...before.value, state: 'draining', stateSince: now, why: 'left the registry' } as const;
    return { kind: 'put', before, after };
  }
  const leftMs = DRAIN_MS - Math.max(0, nowMs - (timeMs(stateSince ?? '') ?? 0));
  return leftMs > 0 ? leftMs : { kind: 'delete', before };
}

/** What must be written so that the service has the instances that its app registered; only those of origin `registered` are touched. */
export function drawInstances(input: DrawInput): Drawing {
  const own = new Map(input.stored.map((stored) => [stored.value.id, stored]));
  const desired = byAddress(input);
  const puts = [...desired].flatMap(([id, registration]): readonly DrawChange[] => {
    const before = own.get(id);
    if (before !== undefined && before.value.origin !== 'registered') return [];
    const after = wanted(input, registration, before?.value);
    return after === undefined || after === before?.value ? [] : [{ kind: 'put', before, after }];
  });
  const left = input.stored
    .filter(({ value }) => value.origin === 'registered' && !desired.has(value.id))
    .map((stored) => leaving(stored, input.now));
  const waits = left.filter((one) => typeof one === 'number');
  const changes = [...puts, ...left.filter((one) => typeof one !== 'number')];
  const drains = changes.some(
    ({ kind, before }) => kind === 'put' && before !== undefined && !desired.has(before.value.id),
  );
  const again = drains ? [...waits, DRAIN_MS] : waits;
  return { changes, againMs: again.length === 0 ? undefined : Math.min(...again) };
}
