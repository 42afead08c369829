/**
 * Owns the step from a plan to store transactions: puts, deletes, claims, generation and audit record, with the compares that make it
 * safe. Every write puts the service's own key too, so that its mod revision is the revision of the service's last change, and two admins
 * who change different instances of one service still notice each other.
 */
import { createHash } from 'node:crypto';
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
import { auditKey, entryKey, GENERATION_KEY, instanceKey, instancesOf, serviceKey } from '../store/keys.ts';
import type { Compare, Operation, Transaction } from '../store/store.ts';
import type { WriteOrigin } from './deps.ts';
import type { Holder, ServiceState } from './service-state.ts';

/** etcd's default `--max-txn-ops` is 128, of compares and of operations; some are left for the store's own. */
export const MAX_TRANSACTION_SIZE = 120;

/** Field of a stored service that names the audit record of its last change. */
export const AUDIT_FIELD = 'audit';

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

/**
 * A plan as steps that each fit in one transaction: nearly always one. Every step leaves a valid service behind, and a plan's
 * changes have what is added before what is removed, so that no step empties a service.
 */
export function stepsOf(plan: Plan): readonly Plan[] {
  if (plan.outcome === 'deleted') return [plan];
  const own = plan.changes.filter((change) => !isInstanceChange(change));
  const instances = plan.changes.filter(isInstanceChange);
  const room = Math.max(1, MAX_TRANSACTION_SIZE - plan.claims.length - plan.releases.length);
  if (instances.length <= room) return [plan];
  const steps: Plan[] = [{ ...plan, changes: [...own, ...instances.slice(0, room)] }];
  for (let start = room; start < instances.length; start += MAX_TRANSACTION_SIZE) {
    const changes = instances.slice(start, start + MAX_TRANSACTION_SIZE);
    steps.push({ ...plan, outcome: 'updated', changes, claims: [], releases: [] });
  }
  return steps;
}

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

/** An entry to claim must be free or already the service's own; one to release must be the service's own still. */
function claimCompares(plan: Plan, holders: WriteContext['holders']): readonly Compare[] {
  return [...plan.claims, ...plan.releases].flatMap((entry): readonly Compare[] => {
    const holder = holders.get(formatEntry(entry));
    const key = entryKey(entry);
    if (holder?.service === plan.service) return [{ kind: 'mod-revision', key, equals: holder.modRevision }];
    return plan.claims.includes(entry) ? [{ kind: 'create-revision', key, equals: 0 }] : [];
  });
}

function instanceCompares(plan: Plan): readonly Compare[] {
  return plan.changes.flatMap((change): readonly Compare[] => {
    if (change.kind !== 'update-instance') return [];
    const { service, id } = change.before.value;
    return [{ kind: 'mod-revision', key: instanceKey(service, id), equals: change.before.modRevision }];
  });
}

/** Stray keys that the plan does not overwrite go with the write that finds them. */
function strayOperations(state: ServiceState, operations: readonly Operation[]): readonly Operation[] {
  const written = new Set(operations.flatMap((operation) => ('key' in operation ? [operation.key] : [])));
  const room = Math.max(0, MAX_TRANSACTION_SIZE - operations.length);
  return state.strayKeys
    .filter((key) => !written.has(key))
    .slice(0, room)
    .map((key) => ({ kind: 'delete', key }));
}

/** The transaction of one step of a plan. Its request key is the audit record. */
export function transactionOf(plan: Plan, context: WriteContext): Transaction {
  const { state, holders, at, requestId } = context;
  const requestKey = auditKey(at, requestId);
  const service = serviceAfter(plan, state);
  const raw = { ...state.stored?.service.raw, [AUDIT_FIELD]: requestKey };
  const key = serviceKey(plan.service);
  const body: readonly Operation[] =
    service === undefined
      ? [
          { kind: 'delete', key },
          { kind: 'delete-range', range: instancesOf(plan.service) },
        ]
      : [
          { kind: 'put', key, value: encodeService(service, raw) },
          ...plan.changes.filter(isInstanceChange).map(instanceOperation),
        ];
  const stray = service === undefined ? [] : strayOperations(state, body);
  return {
    requestKey,
    compares: [
      { kind: 'mod-revision', key, equals: state.modRevision },
      { kind: 'range-unchanged', range: instancesOf(plan.service), revision: state.revision },
      ...instanceCompares(plan),
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
