/** Owns the transaction of one step: what is written, and what must be as it was read. */
import { encodeComputedWeights } from '../model/computed-weights.ts';
import { AUDIT_FIELD } from '../model/audit.ts';
import type { Decision } from '../model/decision.ts';
import { encodeAssignment } from '../model/records-assignment.ts';
import { encodeAudit } from '../model/records-audit.ts';
import { encodeDecision } from '../model/records-leader.ts';
import { encodeScalingRecord } from '../model/records-scaling.ts';
import { encodeGeneration, encodeService } from '../model/records-service.ts';
import type { Action, Basis, Step } from '../schedule/step.ts';
import {
  assignmentKey,
  ASSIGNMENTS,
  AUDIT,
  auditKey,
  decisionKey,
  GENERATION_KEY,
  instanceKey,
  instancesOf,
  nodeAliveKey,
  nodeKey,
  serviceKey,
  weightsKey,
} from '../store/keys.ts';
import type { Compare, Operation, Transaction } from '../store/store.ts';
import { fence, type Lead } from './election.ts';

/** Up to which revisions the copy is known to be whole. */
export interface ReadAt {
  /** Of all assignments. */
  readonly assignments: number;
  /** Of services, instances and nodes. */
  readonly cluster: number;
}

/** What a step is written with. */
export interface StepWrite {
  readonly lead: Lead;
  readonly readAt: ReadAt;
  readonly decisions: readonly Decision[];
  /** Lease of the decisions; undefined where there are none. */
  readonly decisionLease: string | undefined;
  /** Who writes, for the audit record of a changed service. */
  readonly writer: { readonly node: string; readonly host: string; readonly newId: () => string };
}

function keyOf(basis: Basis): string {
  if (basis.kind === 'service') return serviceKey(basis.service);
  if (basis.kind === 'weights') return weightsKey(basis.service);
  if (basis.kind === 'node') return nodeKey(basis.node);
  if (basis.kind === 'node-alive') return nodeAliveKey(basis.node);
  if (basis.kind === 'instance') return instanceKey(basis.service, basis.id);
  return assignmentKey(basis.node, basis.service, basis.id);
}

/** A change of a service is one of the specification: agents hear of it by the generation, people by the audit record. */
function resizeOperations(
  { before, replicas, what, why }: Extract<Action, { kind: 'resize' }>,
  { decisions, writer }: StepWrite,
): readonly Operation[] {
  const { name } = before.value;
  const at = decisions[0]?.at ?? before.value.createdAt;
  const requestId = writer.newId();
  const audit = auditKey(at, requestId);
  const service = encodeService({ ...before.value, replicas }, { ...before.raw, [AUDIT_FIELD]: audit });
  const record = encodeAudit({
    at,
    requestId,
    actor: 'sluice monitor',
    host: writer.host,
    command: `scale ${name} ${replicas}`,
    reason: `${what}: ${why}`,
    subject: `service/${name}`,
    outcome: 'updated',
  });
  return [
    { kind: 'put', key: serviceKey(name), value: service },
    { kind: 'put', key: GENERATION_KEY, value: encodeGeneration({ at, requestId }) },
    { kind: 'put', key: audit, value: record },
  ];
}

function operationsOf(action: Action, write: StepWrite): readonly Operation[] {
  if (action.kind === 'resize') return resizeOperations(action, write);
  if (action.kind === 'weigh') {
    const key = weightsKey(action.service);
    if (action.weights === undefined) return [{ kind: 'delete', key }];
    return [{ kind: 'put', key, value: encodeComputedWeights(action.weights, action.raw) }];
  }
  if (action.kind === 'remove') {
    const { node, service, id } = action;
    const instance: Operation = { kind: 'delete', key: instanceKey(service, id) };
    return node === undefined
      ? [instance]
      : [instance, { kind: 'delete', key: assignmentKey(node, service, id) }];
  }
  const { node, service, id } = action.assignment;
  // Fields of newer versions stay: those of the assignment, or for a new one those of the template it comes from.
  const raw = action.kind === 'stop' ? action.before.raw : { template: action.raw['template'] };
  const value = encodeAssignment(action.assignment, raw);
  return [{ kind: 'put', key: assignmentKey(node, service, id), value }];
}

const encodeAny = ({ scaling, ...decision }: Decision): string =>
  scaling === undefined ? encodeDecision(decision) : encodeScalingRecord({ ...decision, scaling });

function decisionOperations({ decisions, decisionLease }: StepWrite): readonly Operation[] {
  return decisions.map((decision) => ({
    kind: 'put',
    key: decisionKey(decision.service, decision.at),
    value: encodeAny(decision),
    lease: decisionLease,
  }));
}

const unchangedSince = ({ service }: Step, { assignments, cluster }: ReadAt): readonly Compare[] => [
  { kind: 'range-unchanged', range: ASSIGNMENTS, revision: assignments },
  { kind: 'range-unchanged', range: instancesOf(service), revision: cluster },
];

/** The compares of a step that acts: the fence, what it names, and that nothing was added or changed beside it. */
function comparesOf(step: Step, { lead, readAt }: StepWrite): readonly Compare[] {
  if (step.actions.length === 0) return [fence(lead)];
  const movesInstances = step.actions.some(({ kind }) => kind !== 'weigh' && kind !== 'resize');
  return [
    fence(lead),
    ...step.basis.map((basis): Compare => ({
      kind: 'mod-revision',
      key: keyOf(basis),
      equals: basis.modRevision,
    })),
    ...(movesInstances ? unchangedSince(step, readAt) : []),
  ];
}

/**
 * The transaction of a step. The first decision is its request key: if the answer is lost, the store finds out through it; a step without
 * one only removes what has stopped, which may as well be done twice.
 */
export function transactionOf(step: Step, write: StepWrite): Transaction {
  const [first] = write.decisions;
  const operations = [
    ...step.actions.flatMap((action) => operationsOf(action, write)),
    ...decisionOperations(write),
  ];
  return {
    requestKey: first === undefined ? undefined : decisionKey(first.service, first.at),
    compares: [...comparesOf(step, write), ...newRecords(operations)],
    operations,
  };
}

/** That audit records are new: an API server lets nobody write one who does not say so. */
export function newRecords(operations: readonly Operation[]): readonly Compare[] {
  return operations.flatMap((operation) =>
    operation.kind === 'put' && operation.key.startsWith(AUDIT.start)
      ? [{ kind: 'create-revision', key: operation.key, equals: 0 }]
      : [],
  );
}
