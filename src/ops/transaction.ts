/**
 * Owns the step from a plan to a store transaction: puts, deletes, claims, generation and audit record, with the compares that make it
 * safe. Every write puts the service's own key too: its mod revision is then the revision of the service's last change, two admins who
 * change different instances of one service notice each other, and that one compare covers every deletion and every claim of the service.
 */
import { createHash } from 'node:crypto';
import { AUDIT_FIELD } from '../model/audit.ts';
import { canonicalJson } from '../model/canonical-json.ts';
import { formatEntry } from '../model/entry.ts';
import { encodeAudit } from '../model/records-audit.ts';
import {
  encodeEntryClaim,
  encodeGeneration,
  encodeInstance,
  encodeService,
} from '../model/records-service.ts';
import type { Raw } from '../model/records.ts';
import type { Instance, Service } from '../model/service.ts';
import type { Change, Plan } from '../plan/plan.ts';
import {
  auditKey,
  entryKey,
  GENERATION_KEY,
  instanceKey,
  instancesOf,
  serviceKey,
  weightsKey,
} from '../store/keys.ts';
import type { Compare, Operation, Transaction } from '../store/store.ts';
import type { WriteOrigin } from './deps.ts';
import type { Holder, ServiceState } from './service-state.ts';

/** What a transaction needs besides the plan. */
export interface WriteContext {
  readonly state: ServiceState;
  readonly holders: ReadonlyMap<string, Holder>;
  readonly requestId: string;
  /** RFC 3339, UTC, with milliseconds. */
  readonly at: string;
  readonly origin: WriteOrigin;
  readonly reason: string | undefined;
}

type InstanceChange = Extract<Change, { kind: 'add-instance' | 'update-instance' | 'remove-instance' }>;

const isInstanceChange = (change: Change): change is InstanceChange =>
  change.kind === 'add-instance' || change.kind === 'update-instance' || change.kind === 'remove-instance';

/** The service as the plan leaves it, or undefined if it deletes it. */
function serviceAfter(plan: Plan, state: ServiceState): Service | undefined {
  for (const change of plan.changes) {
    if (change.kind === 'delete-service') return undefined;
    if (change.kind === 'create-service' || change.kind === 'update-service') return change.after;
  }
  return state.stored?.service.value;
}

/** SHA-256 of the canonical JSON of a service and its instances as stored, '' for none. */
function hashOf(service: Service | undefined, instances: readonly Instance[]): string {
  if (service === undefined) return '';
  const byId = Object.fromEntries(instances.map((one) => [one.id, encodeInstance(one)]));
  const text = canonicalJson({ service: encodeService(service), instances: byId });
  return createHash('sha256').update(text, 'utf8').digest('hex');
}

function auditOf(plan: Plan, context: WriteContext): string {
  const { state, at, requestId, origin, reason } = context;
  const before = state.stored;
  return encodeAudit({
    at,
    requestId,
    actor: origin.actor,
    host: origin.host,
    command: origin.command,
    reason,
    subject: `service/${plan.service}`,
    outcome: plan.outcome,
    beforeHash: hashOf(
      before?.service.value,
      (before?.instances ?? []).map(({ value }) => value),
    ),
    afterHash: hashOf(serviceAfter(plan, state), plan.after),
  });
}

function instanceOperation(change: InstanceChange): Operation {
  if (change.kind === 'remove-instance') {
    const { service, id } = change.before.value;
    return { kind: 'delete', key: instanceKey(service, id) };
  }
  const raw: Raw | undefined = change.kind === 'update-instance' ? change.before.raw : undefined;
  const { service, id } = change.after;
  return { kind: 'put', key: instanceKey(service, id), value: encodeInstance(change.after, raw) };
}

function claimOperations(plan: Plan, holders: WriteContext['holders']): readonly Operation[] {
  const value = encodeEntryClaim({ service: plan.service });
  const claims = plan.claims.map((entry): Operation => ({ kind: 'put', key: entryKey(entry), value }));
  const own = plan.releases.filter((entry) => holders.get(formatEntry(entry))?.service === plan.service);
  return [...claims, ...own.map((entry): Operation => ({ kind: 'delete', key: entryKey(entry) }))];
}

/** True if the service drew its instances from the registry and goes on with it: they change whenever one registers. */
function staysRegistered(plan: Plan, state: ServiceState): boolean {
  const before = state.stored?.service.value.origin;
  return before === 'registered' && serviceAfter(plan, state)?.origin === 'registered';
}

/** True if agents write the instances of the service, before or after the plan. */
function isManaged(plan: Plan, state: ServiceState): boolean {
  const before = state.stored?.service.value.origin;
  return before === 'managed' || serviceAfter(plan, state)?.origin === 'managed';
}

/**
 * The instances must be as they were read. Those of a managed or registered service change all the time by others' word, so there only the
 * ones that the plan changes are compared.
 */
function instanceCompares(plan: Plan, state: ServiceState): readonly Compare[] {
  if (!isManaged(plan, state) && !staysRegistered(plan, state)) {
    return [{ kind: 'range-unchanged', range: instancesOf(plan.service), revision: state.revision }];
  }
  return plan.changes.filter(isInstanceChange).map((change) => {
    const { service, id } = change.kind === 'add-instance' ? change.after : change.before.value;
    const equals = change.kind === 'add-instance' ? 0 : change.before.modRevision;
    return { kind: 'mod-revision', key: instanceKey(service, id), equals };
  });
}

/** What goes with a deleted service: everything below it, but for managed instances, which the leader stops first. */
function removals(plan: Plan, state: ServiceState): readonly Operation[] {
  const key = serviceKey(plan.service);
  const weights: Operation = { kind: 'delete', key: weightsKey(plan.service) };
  if (!isManaged(plan, state)) {
    return [{ kind: 'delete', key }, weights, { kind: 'delete-range', range: instancesOf(plan.service) }];
  }
  const own = plan.changes.filter(isInstanceChange).map(instanceOperation);
  return [{ kind: 'delete', key }, weights, ...own, ...strayOperations(state, own)];
}

/**
 * An entry to claim must be free. A claim that is the service's own already (left behind by a record that could not be read) is covered by
 * the compare of the service's key.
 */
function claimCompares(plan: Plan, holders: WriteContext['holders']): readonly Compare[] {
  return plan.claims
    .filter((entry) => holders.get(formatEntry(entry))?.service !== plan.service)
    .map((entry) => ({ kind: 'create-revision', key: entryKey(entry), equals: 0 }));
}

/** Stray keys that the plan does not overwrite go with the write that finds them. */
function strayOperations(state: ServiceState, operations: readonly Operation[]): readonly Operation[] {
  const written = new Set(operations.flatMap((operation) => ('key' in operation ? [operation.key] : [])));
  return state.strayKeys.filter((key) => !written.has(key)).map((key) => ({ kind: 'delete', key }));
}

/** The transaction of a plan. Its request key is the audit record. */
export function transactionOf(plan: Plan, context: WriteContext): Transaction {
  const { state, holders, at, requestId } = context;
  const requestKey = auditKey(at, requestId);
  const service = serviceAfter(plan, state);
  const raw = { ...state.stored?.service.raw, [AUDIT_FIELD]: requestKey };
  const key = serviceKey(plan.service);
  const body: readonly Operation[] =
    service === undefined
      ? removals(plan, state)
      : [
          { kind: 'put', key, value: encodeService(service, raw) },
          ...plan.changes.filter(isInstanceChange).map(instanceOperation),
        ];
  const stray = service === undefined ? [] : strayOperations(state, body);
  return {
    requestKey,
    compares: [
      { kind: 'mod-revision', key, equals: state.modRevision },
      ...instanceCompares(plan, state),
      ...claimCompares(plan, holders),
    ],
    operations: [
      ...body,
      ...stray,
      ...claimOperations(plan, holders),
      { kind: 'put', key: GENERATION_KEY, value: encodeGeneration({ at, requestId }) },
      { kind: 'put', key: requestKey, value: auditOf(plan, context) },
    ],
  };
}
