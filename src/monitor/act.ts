/**
 * Owns writing the steps of one look, one after the other. A step that is refused is never tried again as it is: the leader looks again.
 * After a refusal it asks who leads, so that one that was replaced meanwhile learns it at once.
 */
import { SluiceError } from '../errors.ts';
import type { Log } from '../host/log.ts';
import type { Decision } from '../model/decision.ts';
import type { Step } from '../schedule/step.ts';
import { LEADER_KEY } from '../store/keys.ts';
import type { Store } from '../store/store.ts';
import type { Decisions } from './decisions.ts';
import type { Lead } from './election.ts';
import { type ReadAt, type StepWrite, transactionOf } from './transaction.ts';

/** What writing needs. */
export interface ActOptions {
  readonly store: Store;
  readonly log: Log;
  readonly lead: Lead;
  readonly decisions: Decisions;
  /** Who writes, for the audit record. */
  readonly writer: StepWrite['writer'];
  /** Do nothing, only say. */
  readonly recommend: boolean;
}

/** What became of the steps. */
export interface Acted {
  readonly decisions: readonly Decision[];
  /** What the copy must show before the next look: revisions of the last writes that it will hear of. */
  readonly mustShow: ReadAt;
  /** `deposed`: one was refused, since another leads. `lost`: the lead ended before one was sent. `away`: the store does not answer. */
  readonly end: 'all' | 'deposed' | 'lost' | 'away';
}

/** True if the watch of assignments, or that of services, instances and weights, will tell of the step: it puts such a key, or deletes one that is there. */
function touches({ actions, basis }: Step, family: 'assignment' | 'instance'): boolean {
  if (family === 'assignment' && actions.some(({ kind }) => kind === 'place' || kind === 'stop')) return true;
  if (family === 'instance' && actions.some(({ kind }) => kind === 'weigh' || kind === 'resize')) return true;
  return actions.some(
    (action) =>
      action.kind === 'remove' &&
      basis.some((one) => one.kind === family && one.id === action.id && one.modRevision > 0),
  );
}

/** A step as it is in this mode: what only recommends does nothing. */
const stepIn = (step: Step, recommend: boolean): Step => (recommend ? { ...step, actions: [] } : step);

/** True while the key in the store is the one of this lead. */
async function stillLeads({ store, lead }: ActOptions): Promise<boolean> {
  const { item } = await store.get(LEADER_KEY);
  return item?.createRevision === lead.revision;
}

/** What an error means for the rest of the steps: one that cannot be written must not keep others from it. @throws what is no SluiceError */
function failure({ log, decisions }: ActOptions, service: string, error: unknown): 'refused' | 'away' {
  if (!(error instanceof SluiceError)) throw error;
  if (error.details['leaseLost'] === true) decisions.forgetLease();
  log.warn('a decision was not written, looking again', {
    service,
    code: error.code,
    why: error.why ?? error.message,
  });
  return error.code === 'unavailable' || error.code === 'unknown' ? 'away' : 'refused';
}

/** Writes one step. @returns its decisions and revision, or why nothing was written */
async function writeStep(
  options: ActOptions,
  step: Step,
  readAt: ReadAt,
): Promise<
  | { readonly decisions: readonly Decision[]; readonly revision: number }
  | 'nothing'
  | 'refused'
  | 'deposed'
  | 'lost'
> {
  const { store, lead, decisions, writer, recommend } = options;
  const said = await decisions.of(step);
  const own = stepIn(step, recommend);
  if (said.length === 0 && own.actions.length === 0) {
    decisions.said(step);
    return 'nothing';
  }
  const decisionLease = said.length === 0 ? undefined : await decisions.lease();
  // Whoever was paused between looking and here must not write: the fence refuses it, this only saves the way.
  if (lead.lost.aborted) return 'lost';
  const answer = await store.transact(
    transactionOf(own, { lead, readAt, decisions: said, decisionLease, writer }),
  );
  if (answer.kind === 'conflict') return (await stillLeads(options)) ? 'refused' : 'deposed';
  decisions.said(step);
  return { decisions: said, revision: answer.revision };
}

/** Writes the steps in their order. One that is refused, since something changed meanwhile, waits for the next look. */
export async function act(options: ActOptions, steps: readonly Step[], readAt: ReadAt): Promise<Acted> {
  const { log } = options;
  options.decisions.look(steps);
  const written: Decision[] = [];
  let mustShow: ReadAt = { assignments: 0, cluster: 0 };
  let at = readAt;
  for (const step of steps) {
    const { service } = step;
    const answer = await writeStep(options, step, at).catch((error: unknown) =>
      failure(options, service, error),
    );
    if (answer === 'refused') log.debug('not written, looking again', { service });
    if (answer === 'nothing' || answer === 'refused') continue;
    if (typeof answer === 'string') return { decisions: written, mustShow, end: answer };
    for (const { what, why, done } of answer.decisions)
      log.info(done ? 'done' : 'not done', { service, what, why });
    written.push(...answer.decisions);
    // Nothing but this very write happened to the assignments between the look and its revision: the compare says so.
    if (step.actions.length > 0 && !options.recommend) {
      const { revision } = answer;
      at = { ...at, assignments: revision };
      mustShow = {
        assignments: touches(step, 'assignment') ? revision : mustShow.assignments,
        cluster: touches(step, 'instance') ? revision : mustShow.cluster,
      };
    }
  }
  return { decisions: written, mustShow, end: 'all' };
}
