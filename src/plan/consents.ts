/** Owns which plans of each act need consent, and why in words: for commands and the API alike. Pure. */
import { isServing } from '../model/serving.ts';
import type { Plan } from './plan.ts';

/** Why scaling to nothing and removing the last instance need consent. */
export const NO_INSTANCE = 'no instance would be left and clients would be refused';
/** Why draining the last one needs it. */
export const NO_CONNECTIONS = 'no instance would get connections and clients would be refused';
/** Why unpublishing needs it. */
export const ENTRIES_REFUSED = 'clients of its entries are refused from then on';

/** What the full sets of a service are called where they are given. */
export interface SetNames {
  readonly entries: string;
  readonly instances: string;
  /** A flag is one thing, fields of a spec are lists. */
  readonly areFlags: boolean;
}

/** In a spec. */
export const FIELDS: SetNames = { entries: 'entries', instances: 'instances', areFlags: false };

/** Why publishing takes something away: what is given is all there is. */
export function fullSetReason({ narrowing }: Plan, names: SetNames): string {
  const kinds = new Set(narrowing.map(({ kind }) => kind));
  const subjects = [
    ...(kinds.has('moves-entries') ? [names.entries] : []),
    ...(kinds.has('removes-instances') ? [names.instances] : []),
  ];
  const isOne = subjects.length === 1 && names.areFlags;
  return `${subjects.join(' and ')} ${isOne ? 'is' : 'are'} the full set`;
}

/** Only scaling to nothing takes the service away from its clients; fewer instances is what was said. */
export function scalesToNone({ narrowing }: Plan): boolean {
  return narrowing.some((one) => one.kind === 'fewer-replicas' && one.to === 0);
}

/** Removing instances says itself what goes; consent is only asked where nothing would be left. */
export function removesAll({ after }: Plan): boolean {
  return after.length === 0;
}

/** The plan with what it takes away, if it drains the last instance that gets connections; else undefined. */
export function drainOfLast(plan: Plan): Plan | undefined {
  const drained = plan.changes.flatMap((one) => (one.kind === 'update-instance' ? [one] : []));
  const takesLast = drained.some(({ before }) => isServing(before.value)) && !plan.after.some(isServing);
  if (!takesLast) return undefined;
  const ids = drained.map(({ after }) => after.id);
  return { ...plan, narrowing: [{ kind: 'drains-instances', ids }] };
}
