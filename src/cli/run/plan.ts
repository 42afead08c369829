/** Owns the body of `plan`. */
import type { ResultCode } from '../../errors.ts';
import { planSpecs } from '../../ops/preview.ts';
import { repeatedCommand } from '../command-line.ts';
import type { PlanOptions } from '../commands/plan.ts';
import { readDeps, type Session } from '../session.ts';
import { warnOfSpecs } from '../spec-check.ts';
import { applyWords, writePlans } from '../write-plans.ts';
import { specsFrom } from './spec-input.ts';

/** Shows what `publish` would do; with --detailed-exitcode `changes` if there is anything to do. */
export async function planBody(
  session: Session,
  service: string | undefined,
  options: PlanOptions,
): Promise<ResultCode> {
  const specs = await specsFrom(session, service, options);
  await warnOfSpecs(session, specs);
  const plans = await planSpecs(await readDeps(session), specs, { signal: session.signal });
  const args = service === undefined ? [] : [service];
  const extra = applyWords(plans, '--replace');
  await writePlans(session, plans, repeatedCommand(session.command, 'publish', { args, extra }));
  const hasChanges = plans.some(({ outcome }) => outcome !== 'unchanged');
  return hasChanges && options.detailedExitcode === true ? 'changes' : 'ok';
}
