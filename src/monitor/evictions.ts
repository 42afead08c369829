/**
 * Owns that registered instances which stay silent are removed: the leader's to do, behind self-preservation (src/registry/silence.ts). Every
 * removal compares the registration and its mark, so that one that renews in the same moment stays.
 */
import { SluiceError } from '../errors.ts';
import type { Bell } from '../host/bell.ts';
import type { Clock } from '../host/clock.ts';
import type { Log } from '../host/log.ts';
import { formatAddress } from '../model/address.ts';
import type { Registration } from '../model/registration.ts';
import type { Service, Stored } from '../model/service.ts';
import { encodeAudit } from '../model/records-audit.ts';
import { addressOf } from '../registry/draw.ts';
import {
  type Expected,
  judgeSilence,
  NO_SILENCE,
  rememberEvicted,
  rememberSilence,
  type Verdict,
} from '../registry/silence.ts';
import type { Step } from '../schedule/step.ts';
import type { InformerChange } from '../store/informer-options.ts';
import { type Informer, startInformer } from '../store/informer.ts';
import { auditKey, instanceKey, REGISTRY } from '../store/keys.ts';
import type { KeyValue, Operation, Store } from '../store/store.ts';
import { fence, type Lead } from './election.ts';
import { createExpected, type Known } from './expected.ts';
import { newRecords, type StepWrite } from './transaction.ts';

/** Who writes, for the records. */
type Writer = StepWrite['writer'];

/** What it needs. */
export interface EvictionsOptions {
  readonly store: Store;
  readonly clock: Clock;
  readonly random: () => number;
  readonly log: Log;
  /** Rung at every change. */
  readonly bell: Bell;
}

/** What it goes by besides the registry. */
export interface EvictionsView {
  readonly services: ReadonlyMap<string, Stored<Service>>;
  /** Until when the leader itself had lost the store. */
  readonly storeBackMs: number | undefined;
}

/** Watches the registry. */
export interface Evictions {
  readonly connected: () => boolean;
  /** Resolves when it was listed once. @throws SluiceError */
  readonly synced: (timeoutMs: number) => Promise<void>;
  /** Looks; call it at every look, leading or not, so that a new leader knows what the old one knew. */
  readonly look: () => void;
  /** What follows from the last look. */
  readonly judge: (view: EvictionsView) => Verdict;
  /** Removes what the verdict says. Never throws for the store's sake. */
  readonly evict: (
    verdict: Verdict,
    lead: Lead,
    by: EvictionsView & { readonly writer: Writer },
  ) => Promise<void>;
  readonly close: () => Promise<void>;
}

/** Begins to watch. */
export function startEvictions(options: EvictionsOptions): Evictions {
  const { store, clock, random, bell, log } = options;
  const { known, take } = createExpected();
  const informer: Informer = startInformer({
    store,
    range: REGISTRY,
    clock,
    random,
    onChange: ({ keys }: InformerChange) => {
      take(keys, informer.items);
      bell.ring();
    },
    onState: bell.ring,
  });
  let memory = NO_SILENCE;
  const expected = (): readonly Expected[] => [...known.values()].map((one) => one.expected);
  return {
    connected: () => informer.state().connected,
    synced: informer.synced,
    look: () => {
      memory = rememberSilence(memory, expected(), clock.monotonicMs());
    },
    judge: ({ storeBackMs }) =>
      judgeSilence(memory, { expected: expected(), nowMs: clock.monotonicMs(), storeBackMs, random }),
    evict: async ({ evict }, lead, { writer, ...view }) => {
      const holders = evict.length === 0 ? new Map<string, number>() : holdersOf(known);
      for (const tail of evict) {
        if (lead.lost.aborted) return;
        try {
          const done = await evictOne(options, {
            tail,
            lead,
            view,
            writer,
            items: informer.items,
            known,
            holders,
          });
          if (done) memory = rememberEvicted(memory, 1, clock.monotonicMs());
        } catch (error) {
          if (!(error instanceof SluiceError)) throw error;
          log.warn('a silent instance is not removed yet', { instance: tail, why: error.message });
          return;
        }
      }
    },
    close: informer.close,
  };
}

interface Eviction {
  readonly tail: string;
  readonly lead: Lead;
  readonly view: EvictionsView;
  readonly writer: Writer;
  readonly items: ReadonlyMap<string, KeyValue>;
  readonly known: ReadonlyMap<string, Known>;
  /** How many registrations of an app have an address. */
  readonly holders: ReadonlyMap<string, number>;
}

/** `WEB 10.0.1.11:8080`, or undefined for one that cannot be dialled. */
function placeOf(registration: Registration): string | undefined {
  const address = addressOf(registration);
  return address && `${registration.app} ${formatAddress(address)}`;
}

function holdersOf(known: ReadonlyMap<string, Known>): ReadonlyMap<string, number> {
  const holders = new Map<string, number>();
  for (const { registration } of known.values()) {
    const place = placeOf(registration);
    if (place !== undefined) holders.set(place, (holders.get(place) ?? 0) + 1);
  }
  return holders;
}

/** Removes one. @returns false: it renewed meanwhile, or another leads */
async function evictOne({ store, clock, log }: EvictionsOptions, eviction: Eviction): Promise<boolean> {
  const { tail, lead, items } = eviction;
  const keys = [`app/${tail}`, `alive/${tail}`];
  const record = recordOf(eviction, clock.now().toISOString());
  const answer = await store.transact({
    compares: [
      fence(lead),
      ...keys.map((key) => ({
        kind: 'mod-revision' as const,
        key,
        equals: items.get(key)?.modRevision ?? 0,
      })),
      ...newRecords([record]),
    ],
    operations: [
      ...keys.map((key): Operation => ({ kind: 'delete', key })),
      ...instanceKeys(eviction).map((key): Operation => ({ kind: 'delete', key })),
      record,
    ],
  });
  if (answer.kind === 'done') log.info('a silent registered instance is removed', { instance: tail });
  return answer.kind === 'done';
}

/** What people find of it later. */
function recordOf({ tail, writer, known }: Eviction, at: string): Operation {
  const requestId = writer.newId();
  const seconds = known.get(tail)?.registration.durationSeconds ?? 0;
  const value = encodeAudit({
    at,
    requestId,
    actor: 'sluice monitor',
    host: writer.host,
    command: `remove ${tail}`,
    reason: `silent for longer than the ${seconds} s that it promised to renew within`,
    subject: `app/${tail}`,
    outcome: 'deleted',
  });
  return { kind: 'put', key: auditKey(at, requestId), value };
}

/**
 * Its instances in services that draw from its app: they go at once, since it answers nobody any more. Not that of an address which another
 * registration has too.
 */
function instanceKeys({ tail, view, known, holders }: Eviction): readonly string[] {
  const own = known.get(tail)?.registration;
  const address = own && addressOf(own);
  if (own === undefined || address === undefined || (holders.get(placeOf(own) ?? '') ?? 0) > 1) return [];
  const id = formatAddress(address);
  return [...view.services.values()]
    .filter(({ value }) => value.registry === own.app)
    .map(({ value }) => instanceKey(value.name, id));
}

/** What is to be said of a protection, to every service that draws from the registry: as a step that does nothing. */
export function protectionSteps({ protection }: Verdict, { services }: EvictionsView): readonly Step[] {
  if (protection === undefined) return [];
  const notice = {
    what: 'remove no silent instance',
    why: `${protection.why}; this ends with ${protection.ends}`,
  };
  return [...services.values()]
    .filter(({ value }) => value.registry !== undefined)
    .map(({ value }) => ({
      service: value.name,
      topic: 'registry' as const,
      actions: [],
      notices: [notice],
      basis: [],
    }));
}
