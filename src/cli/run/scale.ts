/** Owns the body of `scale`. */
import { type ResultCode, SluiceError } from '../../errors.ts';
import { quoteValue } from '../../model/text.ts';
import { changeService, planServiceChange, type ServiceChange } from '../../ops/change-service.ts';
import { NO_INSTANCE, scalesToNone } from '../../plan/consents.ts';
import type { Plan } from '../../plan/plan.ts';
import type { ScaleRequest } from '../../plan/scale.ts';
import { repeatedCommand } from '../command-line.ts';
import { consentFor } from '../consent.ts';
import { finishOne } from '../finish-write.ts';
import type { MutationOptions } from '../options.ts';
import { readDeps, type Session, writeDeps } from '../session.ts';
import { applyWords, writePlans } from '../write-plans.ts';
import { serviceNamed } from './unpublish.ts';

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

/** Scales a service and waits for its instances, or shows what would change. */
export async function scaleBody(
  session: Session,
  words: ScaleWords,
  options: MutationOptions,
): Promise<ResultCode> {
  const service = serviceNamed(words.service);
  const change: ServiceChange = { kind: 'scale', service, request: requestOf(words.count) };
  const { signal } = session;
  const { ifRevision, reason } = options;
  if (options.dryRun === true) {
    const plan = await planServiceChange(await readDeps(session), change, { ifRevision, signal });
    const extra = applyWords([plan], scalesToNone(plan) ? '--yes' : undefined);
    const args = [service, words.count];
    return writePlans(session, [plan], repeatedCommand(session.command, 'scale', { args, extra }));
  }
  const ask = consentFor(session, {
    doing: 'scaling',
    because: () => NO_INSTANCE,
    flag: '--yes',
    given: options.yes === true,
    severe: true,
  });
  const confirm = async (plans: readonly Plan[]): Promise<void> => ask(plans.filter(scalesToNone));
  const result = await changeService(await writeDeps(session), change, {
    ifRevision,
    reason,
    confirm,
    signal,
  });
  return finishOne(session, result, { ...options, instances: true });
}
