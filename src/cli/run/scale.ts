/** Owns the body of `scale`. */
import { type ResultCode, SluiceError } from '../../errors.ts';
import { formatDuration, parseDuration } from '../../model/duration.ts';
import { quoteValue } from '../../model/text.ts';
import { changeService, planServiceChange, type ServiceChange } from '../../ops/change-service.ts';
import type { Plan } from '../../plan/plan.ts';
import type { ScaleRequest } from '../../plan/scale.ts';
import { repeatedCommand } from '../command-line.ts';
import { consentFor } from '../consent.ts';
import { finishOne } from '../finish-write.ts';
import type { ScaleOptions } from '../commands/scale.ts';
import { readDeps, type Session, writeDeps } from '../session.ts';
import { applyWords, writePlans } from '../write-plans.ts';
import { serviceNamed } from './unpublish.ts';

/** A number that shall stay for longer belongs into the policy. */
const MAX_PIN_MS = 30 * 24 * 3_600_000;

/** What was typed. */
export interface ScaleWords {
  readonly service: string;
  readonly count: string;
}

/** `6`, `+2`, `-1`. @throws SluiceError `usage` */
function requestOf(text: string): ScaleRequest {
  const match = /^([+-]?)(0|[1-9][0-9]{0,5})$/.exec(text);
  if (match === null) {
    throw new SluiceError('usage', `${quoteValue(text)} is not a number of instances`, {
      why: 'scale takes N, +N or -N',
      fix: 'write for example sluice scale web 6',
      details: { value: text.slice(0, 80) },
    });
  }
  const number = Number(match[2]);
  if (match[1] === '') return { kind: 'to', count: number };
  return { kind: 'by', count: match[1] === '-' ? -number : number };
}

/** @throws SluiceError `usage`, `invalid-spec` */
function pinMsOf(text: string): number {
  const ms = parseDuration(text, '--pin');
  if (ms > 0 && ms <= MAX_PIN_MS) return ms;
  throw new SluiceError('usage', `--pin ${quoteValue(text)} is not a time to pin for`, {
    why: `it must be longer than 0 and at most ${formatDuration(MAX_PIN_MS)}`,
    fix: 'write for example --pin 1h',
    details: { flag: '--pin', value: text.slice(0, 80) },
  });
}

/** Only scaling to nothing takes the service away from its clients; fewer instances is what was said. */
function leavesNone({ narrowing }: Plan): boolean {
  return narrowing.some((one) => one.kind === 'fewer-replicas' && one.to === 0);
}

/** Scales a service and waits for its instances, or shows what would change. */
export async function scaleBody(
  session: Session,
  words: ScaleWords,
  options: ScaleOptions,
): Promise<ResultCode> {
  const service = serviceNamed(words.service);
  const pin = options.pin === undefined ? {} : { pinMs: pinMsOf(options.pin) };
  const change: ServiceChange = { kind: 'scale', service, request: requestOf(words.count), ...pin };
  const { signal } = session;
  const { ifRevision, reason } = options;
  if (options.dryRun === true) {
    const plan = await planServiceChange(await readDeps(session), change, { ifRevision, signal });
    const extra = applyWords([plan], leavesNone(plan) ? '--yes' : undefined);
    const args = [service, words.count];
    return writePlans(session, [plan], repeatedCommand(session.command, 'scale', { args, extra }));
  }
  const ask = consentFor(session, {
    doing: 'scaling',
    because: () => 'no instance would be left and clients would be refused',
    flag: '--yes',
    given: options.yes === true,
    severe: true,
  });
  const confirm = async (plans: readonly Plan[]): Promise<void> => ask(plans.filter(leavesNone));
  const result = await changeService(await writeDeps(session), change, {
    ifRevision,
    reason,
    confirm,
    signal,
  });
  return finishOne(session, result, { ...options, instances: true });
}
