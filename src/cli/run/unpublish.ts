/** Owns the body of `unpublish`. */
import type { ResultCode } from '../../errors.ts';
import { parseReference } from '../../model/reference.ts';
import { SluiceError } from '../../errors.ts';
import { planRemovals } from '../../ops/preview.ts';
import { unpublish } from '../../ops/unpublish.ts';
import { ENTRIES_REFUSED } from '../../plan/consents.ts';
import { repeatedCommand } from '../command-line.ts';
import { consentFor } from '../consent.ts';
import { finishWrite } from '../finish-write.ts';
import type { MutationOptions } from '../options.ts';
import { readDeps, type Session, writeDeps } from '../session.ts';
import { applyWords, writePlans } from '../write-plans.ts';

/** The service that a word names: `web` or `service/web`, so that `-o name` pipes back in. */
export function serviceNamed(text: string): string {
  const reference = parseReference(text);
  if (reference.kind === 'service') return reference.service;
  throw new SluiceError('usage', `${text} is not a service`, {
    why: `it names ${reference.kind === 'node' ? 'a node' : 'an instance'}`,
    fix: 'write for example web or service/web',
  });
}

/** Deletes services, or shows what would be deleted. */
export async function unpublishBody(
  session: Session,
  words: readonly string[],
  options: MutationOptions,
): Promise<ResultCode> {
  const names = words.map(serviceNamed);
  const { signal } = session;
  const { ifRevision, reason } = options;
  if (options.dryRun === true) {
    const plans = await planRemovals(await readDeps(session), names, { ifRevision, signal });
    const extra = applyWords(plans, '--yes');
    return writePlans(session, plans, repeatedCommand(session.command, 'unpublish', { args: names, extra }));
  }
  const confirm = consentFor(session, {
    doing: 'unpublishing',
    because: () => ENTRIES_REFUSED,
    flag: '--yes',
    given: options.yes === true,
    severe: true,
  });
  const report = await unpublish(await writeDeps(session), names, { ifRevision, reason, confirm, signal });
  return finishWrite(session, report, options);
}
