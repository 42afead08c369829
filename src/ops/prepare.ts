/** Owns the reading half of a write: read, check the condition, plan, check the entries. Previews end here. */
import { SluiceError } from '../errors.ts';
import { formatEntry } from '../model/entry.ts';
import type { Plan } from '../plan/plan.ts';
import type { CallOptions } from '../store/store.ts';
import { checkIfRevision, entryTaken } from './conflicts.ts';
import type { ReadDeps } from './deps.ts';
import { type Holder, readHolders, readServiceState, type ServiceState } from './service-state.ts';

/** What is wanted of one service: a pure function from what is there to a plan. */
export interface Intent {
  readonly service: string;
  /** @throws SluiceError `not-found`, `invalid-spec` */
  readonly planFrom: (state: ServiceState, at: string) => Plan;
}

/** A plan with everything it was made from. */
export interface Prepared {
  readonly state: ServiceState;
  readonly plan: Plan;
  /** Claims of the plan's entries, by canonical text. */
  readonly holders: ReadonlyMap<string, Holder>;
}

/** What a preparation heeds. */
export interface PrepareOptions extends CallOptions {
  readonly ifRevision?: number | undefined;
}

/**
 * Refuses a plan that claims an entry of another service.
 * @param comingFree entries that other plans of the same command release first
 * @throws SluiceError `conflict` naming the holder
 */
export function refuseTaken({ plan, holders }: Prepared, comingFree: ReadonlySet<string> = new Set()): void {
  for (const entry of plan.claims) {
    const holder = holders.get(formatEntry(entry));
    if (holder === undefined || holder.service === plan.service || comingFree.has(formatEntry(entry)))
      continue;
    throw entryTaken(entry, plan.service, holder);
  }
}

/**
 * Reads and plans one service, without refusing taken entries.
 * @throws SluiceError `conflict` (`ifRevision`), `unavailable`, what the intent throws
 */
export async function readAndPlan(
  deps: ReadDeps,
  intent: Intent,
  options: PrepareOptions = {},
): Promise<Prepared> {
  const { ifRevision, ...call } = options;
  const state = await readServiceState(deps.store, intent.service, call);
  await checkIfRevision(deps, state, { ...call, ifRevision });
  const plan = intent.planFrom(state, deps.clock.now().toISOString());
  const holders = await readHolders(deps.store, [...plan.claims, ...plan.releases], call);
  return { state, plan, holders };
}

/**
 * Reads and plans one service.
 * @throws SluiceError `conflict` (`ifRevision`, or an entry held by another service), `unavailable`, what the intent throws
 */
export async function prepare(
  deps: ReadDeps,
  intent: Intent,
  options: PrepareOptions = {},
): Promise<Prepared> {
  const prepared = await readAndPlan(deps, intent, options);
  refuseTaken(prepared);
  return prepared;
}

/** Throws `interrupted` if the signal has aborted. Nothing more is written then. */
export function checkInterrupted(signal: AbortSignal | undefined, written: readonly string[] = []): void {
  if (signal?.aborted !== true) return;
  throw new SluiceError('interrupted', 'interrupted', {
    why: written.length === 0 ? 'nothing was written' : `already written: ${written.join(', ')}`,
    fix: 'run the same command again: what is written is found unchanged',
    details: { written },
  });
}
