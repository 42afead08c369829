/** Owns the sorting of one service's instances into what is as wanted, what must be replaced, and whether a roll-out may go on. Pure. */
import type { Stored } from '../model/service.ts';
import type { Template } from '../model/template.ts';
import type { Unit } from './units.ts';

/** Beyond the probe's own start period: the agent sees the assignment, finds a port, starts the program. */
const START_MARGIN_SECONDS = 15;

/** What a service wants. Zero without a template: its instances go. */
export interface Goal {
  readonly service: string;
  readonly replicas: number;
  readonly template: Template | undefined;
  readonly templateHash: string | undefined;
  /** The service's record, with fields of newer versions. */
  readonly raw: Stored<unknown>['raw'];
  /** Why all of them go, where they do: 'the service is gone'. */
  readonly goneWhy: string | undefined;
}

/** The instances of one service, sorted out. */
export interface Crowd {
  /** As wanted, or on the way to it. */
  readonly current: readonly Unit[];
  /** Of an older template, or drained, or on a drained node: to be replaced, and serving until then. */
  readonly outdated: readonly Unit[];
  readonly broken: readonly Unit[];
  readonly forcedOut: readonly Unit[];
  readonly lost: readonly Unit[];
  readonly finished: readonly Unit[];
  readonly leaving: readonly Unit[];
  /** Current ones that should have been ready long ago. */
  readonly overdue: readonly Unit[];
  /** Set while a roll-out is halted: which new instance is not well. */
  readonly halt: Halt | undefined;
}

/** Why a roll-out does not go on. */
export interface Halt {
  /** New instances that are not well; they do not count. */
  readonly unwell: readonly Unit[];
  /** One of them stays, so that people can look at it, and the next leader sees it too. */
  readonly witness: Unit;
  readonly why: string;
}

const said = (unit: Unit): string => {
  const why = unit.instance?.value.why;
  return why === undefined ? unit.state : `${unit.state}: ${why}`;
};

function isOverdue(unit: Unit, template: Template | undefined): boolean {
  if (template === undefined) return false;
  return unit.unreadyMs > (template.probe.startSeconds + START_MARGIN_SECONDS) * 1_000;
}

/** New instances that are not well while older ones still serve. */
function haltOf(goal: Goal, active: readonly Unit[], broken: readonly Unit[]): Halt | undefined {
  const { template, templateHash } = goal;
  if (template === undefined) return undefined;
  const isNew = (unit: Unit): boolean => unit.templateHash === templateHash;
  if (active.every(isNew)) return undefined;
  const failed = [...broken, ...active.filter(({ state }) => state === 'failed')].filter(isNew);
  const overdue = active.filter(
    (unit) => isNew(unit) && unit.state !== 'failed' && isOverdue(unit, template),
  );
  const [first] = [...failed, ...overdue];
  if (first === undefined) return undefined;
  const late = `not ready ${template.probe.startSeconds + START_MARGIN_SECONDS} s after its start (${said(first)})`;
  const why = failed.length > 0 ? said(first) : late;
  return {
    unwell: [...failed, ...overdue],
    witness: first,
    why: `${first.id} on ${first.node ?? 'no node'}: ${why}`,
  };
}

/** Sorts the instances of a service out. */
export function sortOut(goal: Goal, units: readonly Unit[]): Crowd {
  const standing = (which: Unit['standing']): readonly Unit[] =>
    units.filter((unit) => unit.standing === which);
  const active = standing('active');
  const broken = standing('broken');
  const isCurrent = (unit: Unit): boolean =>
    unit.templateHash === goal.templateHash && unit.drain === undefined;
  const current = active.filter(isCurrent);
  return {
    current,
    outdated: active.filter((unit) => !isCurrent(unit)),
    broken,
    forcedOut: standing('forced-out'),
    lost: standing('lost'),
    finished: standing('finished'),
    leaving: standing('leaving'),
    overdue: current.filter((unit) => isOverdue(unit, goal.template)),
    halt: haltOf(goal, active, broken),
  };
}
