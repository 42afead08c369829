/** Owns what is said of instances: why one ended, what its record holds, what a driver's failure means. Pure. */
import { SluiceError } from '../../errors.ts';
import type { LocalInstance } from '../../host/agent-status.ts';
import { formatAddress } from '../../model/address.ts';
import type { Assignment, DrainOrder } from '../../model/assignment.ts';
import { encodeAssignment } from '../../model/records-assignment.ts';
import type { Template } from '../../model/template.ts';
import type { ExitStatus, Observed, StartOrder } from '../../runtime/driver.ts';
import type { Life, StopWish, Timing } from './life.ts';
import type { Note } from './notes.ts';
import { type Found, stateOf } from './phase-views.ts';
import type { OwnWords } from './record-writer.ts';

/** How an instance ended, one line. */
export function exitText({ code, signal, outOfMemory, lost }: ExitStatus): string {
  if (outOfMemory) return 'killed: over its memory limit';
  if (lost) return 'it is gone, and nobody saw how';
  return signal === undefined ? `exit code ${code ?? '?'}` : `killed by ${signal}`;
}

/** What the driver says of one instance, for its life. */
export function foundOf(observed: Observed | undefined): Found {
  if (observed === undefined) return { kind: 'absent' };
  if (observed.kind === 'exited' && observed.exit.unstarted === true) return { kind: 'absent' };
  return observed.kind === 'running' ? { kind: 'running' } : { kind: 'exited', why: exitText(observed.exit) };
}

/** An error as one line for people. */
export function whyText(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const why = error instanceof SluiceError ? error.why : undefined;
  return why === undefined ? error.message : `${error.message}: ${why}`;
}

/** What of a template the life depends on. */
export const timingOf = ({ probe, drainSeconds, onDeadline, preStop }: Template): Timing => ({
  successes: probe.successes,
  failures: probe.failures,
  startMs: probe.startSeconds * 1_000,
  drainMs: drainSeconds * 1_000,
  onDeadline,
  hasHook: preStop !== undefined,
});

/** What is ordered of an instance: by the leader, or by people who did not want to wait for another to be ready. */
export function stopWishOf(assignment: Assignment, drain: DrainOrder | undefined): StopWish | undefined {
  const { stop, template } = assignment;
  const order =
    stop ??
    (drain?.force !== true
      ? undefined
      : {
          reason:
            drain.reason === undefined ? `drained by ${drain.by}` : `drained by ${drain.by}: ${drain.reason}`,
          drainSeconds: drain.deadlineSeconds,
          onDeadline: drain.onDeadline,
        });
  if (order === undefined) return undefined;
  return {
    reason: order.reason,
    drainMs: (order.drainSeconds ?? template.drainSeconds) * 1_000,
    onDeadline: order.onDeadline ?? template.onDeadline,
  };
}

/** Everything that an instance's record is made of. */
export interface Subject {
  readonly node: string;
  readonly service: string;
  readonly id: string;
  readonly assignment: Assignment;
  readonly order: StartOrder | undefined;
  /** The node's address, for one that was never started. */
  readonly ip: string;
  readonly life: Life;
  readonly since: string;
}

/** What its record shall say; undefined: nothing yet. Port 0: none was ever taken. */
export function recordOf({
  node,
  service,
  id,
  assignment,
  order,
  ip,
  life,
  since,
}: Subject): OwnWords | undefined {
  const state = stateOf(life);
  const port = order?.port ?? 0;
  if (port === 0 && (state === 'draining' || state === 'stopping')) return undefined;
  return {
    service,
    id,
    ip: order?.ip ?? ip,
    port,
    weight: assignment.weight,
    origin: 'managed',
    state,
    node,
    templateHash: assignment.templateHash,
    stateSince: since,
    why: life.why,
    restarts: life.restarts,
    createdAt: assignment.createdAt,
  };
}

/** The same for the node's own status file. */
export function localInstance({
  service,
  id,
  order,
  life,
  since,
}: Pick<Subject, 'service' | 'id' | 'order' | 'life' | 'since'>): LocalInstance {
  const address = order === undefined ? undefined : formatAddress(order);
  const { restarts, why } = life;
  return { service, id, state: stateOf(life), address, since, restarts, why };
}

const assignmentTexts = new WeakMap<Assignment, string>();
/** JSON of an assignment: written down with every change of its instance, made once. */
function assignmentText(assignment: Assignment): string {
  const known = assignmentTexts.get(assignment);
  if (known !== undefined) return known;
  const text = encodeAssignment(assignment);
  assignmentTexts.set(assignment, text);
  return text;
}

/** What is written down of an instance. */
export function noteOf({
  service,
  id,
  assignment,
  order,
  life,
  since,
}: Pick<Subject, 'service' | 'id' | 'assignment' | 'order' | 'life' | 'since'>): Note {
  const known = { service, id, assignment: assignmentText(assignment), life, since };
  return order === undefined ? known : { ...known, order };
}

/** True if both order the same. */
export function isSameWish(a: Life['stop'], b: Life['stop']): boolean {
  return a?.reason === b?.reason && a?.drainMs === b?.drainMs && a?.onDeadline === b?.onDeadline;
}
