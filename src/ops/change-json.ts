/**
 * Owns the JSON form of what a change did or would do, for `-o json` and the API server alike: items of a ChangeList and of a PlanList.
 * Fields are only ever added. Pure.
 */
import { exitCodeOf } from '../errors.ts';
import type { Plan } from '../plan/plan.ts';
import { type PlanJson, planJson } from '../plan/plan-json.ts';
import type { NodeResult } from './change-node.ts';
import type { Convergence } from './converge.ts';
import type { WriteFailure, WriteReport, WriteResult } from './result.ts';
import type { InstancesOutcome } from './wait-instances.ts';

/** What was found while waiting after a write. */
export interface Found {
  /** Undefined: nobody waited. */
  readonly convergence: Convergence | undefined;
  /** By service. */
  readonly instances: ReadonlyMap<string, InstancesOutcome>;
}

/** Nobody waited. */
export const NOTHING_FOUND: Found = { convergence: undefined, instances: new Map() };

/** One thing that was changed, or not. */
interface ChangeItem {
  readonly reference: string;
  readonly outcome: string;
  readonly [field: string]: unknown;
}

function convergenceJson(convergence: Convergence | undefined): object | null {
  if (convergence === undefined) return null;
  const { seconds, ...rest } = convergence;
  return { ...rest, waitedSeconds: Math.round(seconds * 1000) / 1000 };
}

function writtenItem({ plan: _plan, ...result }: WriteResult, found: Found): ChangeItem {
  const { service } = result;
  return {
    reference: `service/${service}`,
    ...result,
    requestId: result.requestId ?? null,
    convergence: convergenceJson(found.convergence),
    instances: found.instances.get(service) ?? null,
  };
}

function failedItem({ service, error }: WriteFailure): ChangeItem {
  const { code, message, why = null } = error;
  return {
    reference: `service/${service}`,
    service,
    outcome: 'failed',
    error: { code, exitCode: exitCodeOf(error), message, why },
  };
}

/** The items of what was done to services, those that failed and those that were not tried last. */
export function changeItems(report: WriteReport, found: Found): readonly ChangeItem[] {
  const notTried = report.notTried.map((service) => ({
    reference: `service/${service}`,
    service,
    outcome: 'not-tried',
  }));
  return [
    ...report.results.map((result) => writtenItem(result, found)),
    ...report.failures.map(failedItem),
    ...notTried,
  ];
}

/** The item of what became of a node, or with `dryRun` would become of it. */
export function nodeChangeItem(result: NodeResult, dryRun: boolean): ChangeItem {
  const { node, outcome, revision, requestId, cordoned, drain } = result;
  return {
    reference: `node/${node}`,
    node,
    outcome,
    dryRun,
    revision,
    requestId: requestId ?? null,
    cordoned,
    drain: drain ?? null,
  };
}

/** A plan as an item. */
export interface PlanItem extends PlanJson {
  readonly reference: string;
  /** What applies it; null if there is nothing to do. */
  readonly applyCommand: string | null;
}

/** The item of a plan. */
export function planItem(plan: Plan, applyCommand: string): PlanItem {
  const isDone = plan.outcome === 'unchanged';
  return {
    reference: `service/${plan.service}`,
    ...planJson(plan),
    applyCommand: isDone ? null : applyCommand,
  };
}
