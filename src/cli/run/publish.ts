/** Owns the body of `publish`. */
import type { ResultCode } from '../../errors.ts';
import { planSpecs } from '../../ops/preview.ts';
import { publish } from '../../ops/publish.ts';
import { FIELDS, fullSetReason } from '../../plan/consents.ts';
import { repeatedCommand } from '../command-line.ts';
import type { PublishOptions } from '../commands/publish.ts';
import { consentFor } from '../consent.ts';
import { finishWrite } from '../finish-write.ts';
import { readDeps, type Session, writeDeps } from '../session.ts';
import { applyWords, writePlans } from '../write-plans.ts';
import { warnOfSpecs } from '../spec-check.ts';
import { specsFrom } from './spec-input.ts';

/** What names the full sets on a command line. */
const FLAGS = { entries: '--entry', instances: '--instance', areFlags: true };

/** Publishes, or shows what would be published. */
export async function publishBody(
  session: Session,
  service: string | undefined,
  options: PublishOptions,
): Promise<ResultCode> {
  const specs = await specsFrom(session, service, options);
  await warnOfSpecs(session, specs);
  const { signal } = session;
  const { ifRevision, reason } = options;
  if (options.dryRun === true) {
    const plans = await planSpecs(await readDeps(session), specs, { ifRevision, signal });
    const args = service === undefined ? [] : [service];
    const extra = applyWords(plans, '--replace');
    return writePlans(session, plans, repeatedCommand(session.command, 'publish', { args, extra }));
  }
  const confirm = consentFor(session, {
    doing: 'publishing',
    because: (plan) => fullSetReason(plan, options.file === undefined ? FLAGS : FIELDS),
    flag: '--replace',
    given: options.replace === true || options.yes === true,
    severe: false,
  });
  const report = await publish(await writeDeps(session), specs, { ifRevision, reason, confirm, signal });
  return finishWrite(session, report, options);
}
