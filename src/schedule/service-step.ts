/** Owns the step of one service: from its instances and what is wanted of it to what is done now. Pure. */
import type { StepContext } from './context.ts';
import { type Crowd, sortOut } from './crowd.ts';
import { createDraft, type Draft, nodeBasis, stopOrder } from './draft.ts';
import { fillUp, type Filled } from './fill.ts';
import type { Basis, Step } from './step.ts';
import { drainedWhy, perNode, type Unit } from './units.ts';
import { chooseVictims } from './victims.ts';

const countReady = ({ current, outdated }: Crowd): number =>
  [...current, ...outdated].filter(({ ready }) => ready).length;

/** What has stopped goes from the store; of a lost node too, but the last one only when there is another. */
function clearAway(context: StepContext, crowd: Crowd, draft: Draft): void {
  for (const unit of crowd.finished) draft.remove(unit, undefined, []);
  const orphaned = crowd.leaving.filter(
    ({ assignment, node }) => assignment === undefined && node === undefined,
  );
  for (const unit of orphaned) draft.remove(unit, 'it belongs to no node', []);
  const ready = countReady(crowd);
  for (const unit of crowd.lost) {
    const node = unit.node ?? '';
    const silent: Basis = { kind: 'node-alive', node, modRevision: 0 };
    const isServing = unit.state === 'ready' && unit.assignment?.value.stop === undefined;
    if (!isServing || ready > 0 || context.goal.replicas === 0)
      draft.remove(unit, `node/${node} is lost: it has been silent for too long`, [silent]);
    else
      draft.note({
        what: `keep ${unit.id} of ${node}`,
        why: `node/${node} is lost, but no other instance is ready yet`,
        instance: unit.id,
        node,
      });
  }
}

/** Which instances make up the number that is wanted: while a roll-out is halted, the new ones that are not well do not. */
function countedOf(crowd: Crowd): { readonly current: readonly Unit[]; readonly all: readonly Unit[] } {
  const current = crowd.current.filter((unit) => crowd.halt?.unwell.includes(unit) !== true);
  return { current, all: [...current, ...crowd.outdated] };
}

/** Broken ones, and new ones beyond the one that halts a roll-out, go when another has taken their place, or none is needed. */
function stopBroken(context: StepContext, crowd: Crowd, parts: { draft: Draft; filled: Filled }): void {
  const { draft, filled } = parts;
  const unwell = (crowd.halt?.unwell ?? []).filter(({ standing }) => standing === 'active');
  const stoppable = [...crowd.broken, ...unwell].filter((unit) => unit !== crowd.halt?.witness);
  const count = filled.stillMissing === 0 ? stoppable.length : filled.placed;
  for (const unit of stoppable.slice(0, count)) {
    const { state } = unit;
    const why = unit.instance?.value.why;
    const reason = context.goal.goneWhy ?? (why === undefined ? state : `${state}: ${why}`);
    draft.stop(unit, stopOrder(unit, reason, context.now), []);
  }
}

/** On a node that shall be empty at once. Of a forced order to itself its agent knows, and it can be restored until its signal. */
function stopForcedOut(context: StepContext, crowd: Crowd, draft: Draft): void {
  for (const unit of crowd.forcedOut) {
    if (unit.instance?.value.drain?.force === true) continue;
    draft.stop(unit, stopOrder(unit, whyStopped(context, unit), context.now), nodeBasisOf(context, unit));
  }
}

function whyStopped({ goal }: StepContext, unit: Unit): string {
  if (goal.goneWhy !== undefined) return goal.goneWhy;
  if (unit.drain !== undefined) return drainedWhy(unit.drain, unit);
  if (unit.templateHash !== goal.templateHash) return 'replaced by one of the new template';
  return `${goal.replicas} ${goal.replicas === 1 ? 'is' : 'are'} wanted`;
}

/** Stopping a ready one stands on the other ready ones: on their states, which are compared anyway, and on their nodes. */
function readyBasis({ view }: StepContext, crowd: Crowd): readonly Basis[] {
  const names = new Set(
    [...crowd.current, ...crowd.outdated].filter(({ ready }) => ready).map(({ node }) => node),
  );
  return [...names]
    .flatMap((name) => view.nodes.get(name ?? '') ?? [])
    .slice(0, 60)
    .flatMap(nodeBasis)
    .filter(({ kind }) => kind === 'node-alive');
}

/** Too many: those beyond the wanted number among the current ones, then of those that are to be replaced. */
function stopSurplus(context: StepContext, crowd: Crowd, draft: Draft): void {
  const { goal } = context;
  const counted = countedOf(crowd);
  const surplus = counted.all.length - goal.replicas;
  if (surplus <= 0) return;
  const common = {
    mustStayReady: goal.goneWhy === undefined ? goal.replicas : 0,
    perNode: perNode(counted.all),
    templateHash: goal.templateHash,
  };
  const ready = countReady(crowd);
  const ofCurrent = Math.max(0, counted.current.length - goal.replicas);
  const first = chooseVictims({ ...common, among: counted.current, count: ofCurrent, ready });
  const stillReady = ready - first.filter((unit) => unit.ready).length;
  const second = chooseVictims({
    ...common,
    among: crowd.outdated,
    count: surplus - ofCurrent,
    ready: stillReady,
  });
  const others = readyBasis(context, crowd);
  for (const unit of [...first, ...second]) {
    const order = stopOrder(unit, whyStopped(context, unit), context.now);
    const alsoOn = unit.nodeDrain === undefined ? [] : nodeBasisOf(context, unit);
    if (!draft.stop(unit, order, unit.ready ? [...others, ...alsoOn] : alsoOn)) return;
  }
}

function nodeBasisOf({ view }: StepContext, { node }: Unit): readonly Basis[] {
  const known = view.nodes.get(node ?? '');
  return known === undefined ? [] : nodeBasis(known);
}

/** What is wanted and cannot be had, besides what placing said. */
function noteHindrances({ nodes }: StepContext, crowd: Crowd, draft: Draft): void {
  if (crowd.halt !== undefined) {
    const { witness } = crowd.halt;
    draft.note({
      what: 'replace nothing more',
      why: crowd.halt.why,
      instance: witness.id,
      node: witness.node,
    });
  }
  const { protection } = nodes;
  const isKept = (unit: Unit): boolean => nodes.silent.has(unit.node ?? '') && unit.standing !== 'lost';
  if (protection !== undefined && [...crowd.current, ...crowd.outdated].some(isKept))
    draft.note({
      what: 'replace nothing that is silent',
      why: `${protection.why}; this ends with ${protection.ends}`,
    });
  for (const node of new Set([...crowd.current, ...crowd.outdated].map((unit) => unit.node ?? ''))) {
    const reason = nodes.kept.get(node);
    if (reason === undefined) continue;
    draft.note({
      what: `keep what runs on ${node}`,
      why: `${reason.why}; this ends with ${reason.ends}`,
      node,
    });
  }
  if (crowd.halt !== undefined) return;
  for (const { id, node, state } of crowd.overdue) {
    const why = `not ready long after its start (${state})`;
    draft.note({ what: `wait for ${id} on ${node ?? 'no node'}`, why, instance: id, node });
  }
}

/** Everything to do about one service now; also when that is nothing. */
export function stepOf(context: StepContext): Step {
  const { goal, units } = context;
  const draft = createDraft(goal.service, context.serviceRevision);
  const crowd = sortOut(goal, units);
  clearAway(context, crowd, draft);
  const filled = fillUp(context, { crowd, counted: countedOf(crowd), draft });
  stopBroken(context, crowd, { draft, filled });
  stopForcedOut(context, crowd, draft);
  stopSurplus(context, crowd, draft);
  noteHindrances(context, crowd, draft);
  return draft.step();
}
