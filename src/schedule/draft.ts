/** Owns a step while it is being made: what is done, and what that stands on, within what one transaction holds. */
import type { StopOrder } from '../model/assignment.ts';
import type { Action, Basis, Notice, Step } from './step.ts';
import type { Unit } from './units.ts';
import type { NodeView, Now } from './view.ts';

/** etcd takes 128 comparisons in one transaction; the writer adds four of its own. */
const MAX_BASIS = 120;

/** A step being made. What does not fit any more is left for the next look: `false`. */
export interface Draft {
  readonly place: (action: Extract<Action, { kind: 'place' }>, node: NodeView) => boolean;
  readonly stop: (unit: Unit, order: StopOrder, alsoOn: readonly Basis[]) => boolean;
  readonly remove: (unit: Unit, why: string | undefined, alsoOn: readonly Basis[]) => boolean;
  readonly note: (notice: Notice) => void;
  readonly step: () => Step;
}

const basisKey = (basis: Basis): string => JSON.stringify({ ...basis, modRevision: undefined });

/** What a unit is as it was read. */
function unitBasis({ service, id, node, assignment, instance }: Unit): readonly Basis[] {
  const own: Basis = { kind: 'instance', service, id, modRevision: instance?.modRevision ?? 0 };
  if (node === undefined) return [own];
  return [own, { kind: 'assignment', node, service, id, modRevision: assignment?.modRevision ?? 0 }];
}

/** What a node is as it was read: its facts and its marker. */
export function nodeBasis({ name, facts, aliveRevision }: NodeView): readonly Basis[] {
  return [
    { kind: 'node', node: name, modRevision: facts?.modRevision ?? 0 },
    { kind: 'node-alive', node: name, modRevision: aliveRevision ?? 0 },
  ];
}

/** An empty step. @param serviceRevision mod revision of the service's record, 0 if it is gone */
export function createDraft(service: string, serviceRevision: number): Draft {
  const own: Basis = { kind: 'service', service, modRevision: serviceRevision };
  const basis = new Map<string, Basis>([[basisKey(own), own]]);
  const actions: Action[] = [];
  const notices: Notice[] = [];
  const add = (action: Action, on: readonly Basis[]): boolean => {
    const fresh = new Map(on.map((one) => [basisKey(one), one] as const));
    const size = basis.size + [...fresh.keys()].filter((key) => !basis.has(key)).length;
    if (size > MAX_BASIS) return false;
    for (const [key, one] of fresh) basis.set(key, one);
    actions.push(action);
    return true;
  };
  return {
    place: (action, node) => {
      const { id } = action.assignment;
      const absent: readonly Basis[] = [
        { kind: 'assignment', node: node.name, service, id, modRevision: 0 },
        { kind: 'instance', service, id, modRevision: 0 },
      ];
      return add(action, [...absent, ...nodeBasis(node)]);
    },
    stop: (unit, order, alsoOn) => {
      const { assignment } = unit;
      if (assignment === undefined) return false;
      const what = `stop ${unit.id} on ${assignment.value.node}`;
      const after = { ...assignment.value, stop: order };
      return add({ kind: 'stop', before: assignment, assignment: after, what, why: order.reason }, [
        ...unitBasis(unit),
        ...alsoOn,
      ]);
    },
    remove: (unit, why, alsoOn) => {
      const { id, node } = unit;
      const what = `remove ${id}${node === undefined ? '' : ` of ${node}`}`;
      return add({ kind: 'remove', service, id, node, what, why }, [...unitBasis(unit), ...alsoOn]);
    },
    note: (notice) => {
      notices.push(notice);
    },
    step: () => ({ service, topic: 'instances', actions, notices, basis: [...basis.values()] }),
  };
}

/** The order to stop a unit, with what people said of how. */
export function stopOrder(unit: Unit, reason: string, now: Now): StopOrder {
  const drainSeconds = unit.drain?.deadlineSeconds;
  const onDeadline = unit.drain?.onDeadline;
  return {
    reason,
    since: now.at,
    ...(drainSeconds === undefined ? {} : { drainSeconds }),
    ...(onDeadline === undefined ? {} : { onDeadline }),
  };
}
