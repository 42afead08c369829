/** Owns starting instances: those that are missing, and the one that comes before an outdated one goes. Pure. */
import type { Assignment } from '../model/assignment.ts';
import type { StepContext } from './context.ts';
import type { Crowd } from './crowd.ts';
import type { Draft } from './draft.ts';
import { choosePlace, occupy, type Occupancy, type Placement, type Wanted } from './placement.ts';
import { drainedWhy, perNode, type Unit } from './units.ts';

/** Weight of a managed instance until something computes another. */
const WEIGHT = 1;

/** What was started. */
export interface Filled {
  readonly placed: number;
  readonly stillMissing: number;
}

/** What is started from. */
interface Parts {
  readonly crowd: Crowd;
  readonly counted: { readonly current: readonly Unit[]; readonly all: readonly Unit[] };
  readonly draft: Draft;
}

/**
 * What a new instance runs: what the service says; but while a roll-out is halted, what is missing is started as its serving instances
 * are, since the new template is known not to come up.
 */
function wantedOf({ goal }: StepContext, crowd: Crowd): Wanted | undefined {
  const { service, template, templateHash } = goal;
  if (template === undefined || templateHash === undefined) return undefined;
  if (crowd.halt !== undefined) {
    const [proven] = crowd.outdated
      .filter((unit) => unit.templateHash !== templateHash)
      .toSorted((a, b) => Number(b.ready) - Number(a.ready) || (a.id < b.id ? -1 : 1))
      .flatMap(({ assignment }) => assignment ?? []);
    if (proven !== undefined) {
      const { template: older, templateHash: olderHash } = proven.value;
      return { service, template: older, templateHash: olderHash, raw: proven.raw };
    }
  }
  return { service, template, templateHash, raw: goal.raw };
}

/** Chooses a node and writes the new instance down. */
function start(
  context: StepContext,
  draft: Draft,
  order: { readonly wanted: Wanted; readonly occupancy: Occupancy; readonly why: string },
): Placement | 'later' {
  const { wanted, occupancy } = order;
  const place = choosePlace(context, wanted, occupancy);
  if (place.kind === 'none') return place;
  const id = context.nextId();
  if (id === undefined) return 'later';
  const node = place.node.name;
  const { raw, ...runs } = wanted;
  const assignment: Assignment = { ...runs, node, id, weight: WEIGHT, createdAt: context.now.at };
  const action = { kind: 'place', assignment, raw, what: `start ${id} on ${node}`, why: order.why } as const;
  if (!draft.place(action, place.node)) return 'later';
  occupy(occupancy, node);
  return place;
}

function occupancyOf(context: StepContext, { crowd, counted }: Parts): Occupancy {
  const unwell = crowd.halt?.unwell ?? [];
  return {
    all: context.all,
    current: perNode([...(crowd.halt === undefined ? counted.current : counted.all), ...unwell]),
    present: perNode(context.units.filter(({ standing }) => standing !== 'finished')),
  };
}

/** Starts what is missing. */
function startMissing(
  context: StepContext,
  parts: Parts,
  order: { wanted: Wanted; occupancy: Occupancy },
): Filled {
  const { replicas } = context.goal;
  const there = parts.counted.all.length;
  let placed = 0;
  while (there + placed < replicas) {
    const why = `${there + placed} of ${replicas} instances`;
    const place = start(context, parts.draft, { ...order, why });
    if (place === 'later') break;
    if (place.kind === 'none') {
      parts.draft.note({ what: `start ${replicas - there - placed} more`, why: place.why });
      break;
    }
    placed += 1;
  }
  return { placed, stillMissing: Math.max(0, replicas - there - placed) };
}

/** One at a time, and only when all that were started before are ready: a new one, so that an outdated one can go. */
function startReplacement(
  context: StepContext,
  { crowd, counted, draft }: Parts,
  order: { readonly wanted: Wanted; readonly occupancy: Occupancy },
): void {
  const { goal } = context;
  const [first] = crowd.outdated;
  if (first === undefined || crowd.halt !== undefined || counted.all.length !== goal.replicas) return;
  if (!counted.current.every(({ ready }) => ready)) return;
  const older = crowd.outdated.filter(({ templateHash }) => templateHash !== goal.templateHash).length;
  const [drained = ''] = crowd.outdated.flatMap((unit) =>
    unit.drain === undefined ? [] : [drainedWhy(unit.drain, unit)],
  );
  const why = older > 0 ? `${older} of ${goal.replicas} instances run an older template` : drained;
  const place = start(context, draft, { ...order, why });
  if (place !== 'later' && place.kind === 'none')
    draft.note({ what: `replace ${first.id}`, why: place.why, instance: first.id, node: first.node });
}

/** Starts what is missing, or else the next replacement. */
export function fillUp(context: StepContext, parts: Parts): Filled {
  const wanted = wantedOf(context, parts.crowd);
  if (wanted === undefined) return { placed: 0, stillMissing: 0 };
  const order = { wanted, occupancy: occupancyOf(context, parts) };
  const filled = startMissing(context, parts, order);
  if (parts.counted.all.length >= context.goal.replicas) startReplacement(context, parts, order);
  return filled;
}
