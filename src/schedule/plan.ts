/** Owns what the leader does at one moment: one step for each managed service. A function of what is known and the time. Pure. */
import type { Service, Stored } from '../model/service.ts';
import { templateHash } from '../model/template-hash.ts';
import type { Goal } from './crowd.ts';
import { standNodes } from './nodes.ts';
import { stepOf } from './service-step.ts';
import type { Step } from './step.ts';
import { type Unit, unitsByService } from './units.ts';
import type { ClusterView, Now } from './view.ts';

/** What decisions may take besides the view. */
export interface PlanInput {
  /** Fresh ids for new instances, made as they are taken; no more are started than there are. */
  readonly ids: Iterable<string>;
  /** Use of processors by node, 0 to 1, where it is known. */
  readonly load?: ReadonlyMap<string, number> | undefined;
  /** Silence of a node that is long; default: a minute. */
  readonly lostAfterMs?: number | undefined;
}

/** What a service wants. */
export function goalOf(service: string, stored: Stored<Service> | undefined): Goal {
  const template = stored?.value.template;
  if (stored === undefined || template === undefined) {
    const goneWhy = stored === undefined ? 'the service is gone' : 'the service is managed no longer';
    return { service, replicas: 0, template: undefined, templateHash: undefined, raw: {}, goneWhy };
  }
  const replicas = stored.value.replicas ?? 1;
  const { raw } = stored;
  return { service, replicas, template, templateHash: hashOf(template), raw, goneWhy: undefined };
}

/** Templates do not change: an unchanged record keeps its object. */
const hashes = new WeakMap<object, string>();

function hashOf(template: NonNullable<Service['template']>): string {
  const known = hashes.get(template) ?? templateHash(template);
  hashes.set(template, known);
  return known;
}

/** Assignments that stay, by node. */
export function assignedPerNode(view: ClusterView): Map<string, number> {
  const counts = new Map<string, number>();
  for (const { value } of view.assignments) {
    if (value.stop === undefined) counts.set(value.node, (counts.get(value.node) ?? 0) + 1);
  }
  return counts;
}

/**
 * Decides about the whole cluster: steps sorted by service, those without anything to do or to say left out.
 * Equal input, equal output. Only instances of services with a template, and what is left of such ones, are ever touched.
 */
export function planCluster(view: ClusterView, now: Now, input: PlanInput): readonly Step[] {
  const nodes = standNodes(view, now.ms, input.lostAfterMs);
  const units = unitsByService({ view, nodes, nowMs: now.ms });
  const managed = [...view.services.values()].filter(({ value }) => value.template !== undefined);
  const names = new Set([
    ...managed.map(({ value }) => value.name),
    ...units.keys(),
    ...view.unreadable.keys(),
  ]);
  const all = assignedPerNode(view);
  const ids = input.ids[Symbol.iterator]();
  const nextId = (): string | undefined => {
    const { done, value } = ids.next();
    return done === true ? undefined : value;
  };
  const steps = [...names].toSorted().map((service): Step => {
    const stored = view.services.get(service);
    const why = view.unreadable.get(service);
    if (why !== undefined)
      return {
        service,
        topic: 'instances',
        actions: [],
        basis: [],
        notices: [{ what: 'decide nothing', why }],
      };
    return stepOf({
      view,
      now,
      nowMs: now.ms,
      nodes,
      load: input.load,
      goal: goalOf(service, stored),
      serviceRevision: stored?.modRevision ?? 0,
      units: units.get(service) ?? NO_UNITS,
      all,
      nextId,
    });
  });
  return steps.filter(({ actions, notices }) => actions.length > 0 || notices.length > 0);
}

const NO_UNITS: readonly Unit[] = [];
