/** Owns the body of `instance add|set|remove`. */
import { type ResultCode, SluiceError } from '../../errors.ts';
import { parseAddress } from '../../model/address.ts';
import { parseInstanceArgument } from '../../model/instance-argument.ts';
import { quoteValue } from '../../model/text.ts';
import { changeInstances, type InstancesChange } from '../../ops/change-instances.ts';
import { planInstancesChange } from '../../ops/preview.ts';
import type { Plan } from '../../plan/plan.ts';
import { repeatedCommand } from '../command-line.ts';
import type { InstanceVerb } from '../commands/instance.ts';
import { consentFor } from '../consent.ts';
import { finishOne } from '../finish-write.ts';
import type { MutationOptions } from '../options.ts';
import { readDeps, type Session, writeDeps } from '../session.ts';
import { applyWords, writePlans } from '../write-plans.ts';
import { serviceNamed } from './unpublish.ts';

/** What was typed. */
export interface InstanceWords {
  readonly verb: InstanceVerb;
  readonly service: string;
  readonly instances: readonly string[];
}

/** Addresses as typed, also as `web/10.0.1.11:8080`, the form of `-o name`. */
function withoutService(text: string, service: string): string {
  return text.startsWith(`${service}/`) ? text.slice(service.length + 1) : text;
}

function changeFrom(words: InstanceWords): InstancesChange {
  const service = serviceNamed(words.service);
  const texts = words.instances.map((text) => withoutService(text, service));
  if (words.verb === 'remove') {
    return { kind: 'remove', service, addresses: texts.map((text) => parseAddress(text, 'instance')) };
  }
  const bare = texts.find((text) => words.verb === 'set' && !text.includes('='));
  if (bare !== undefined) {
    throw new SluiceError('usage', `${quoteValue(bare)} says no weight`, {
      why: 'instance set sets weights',
      fix: `write ${bare}=3`,
    });
  }
  return { kind: words.verb, service, instances: texts.map((text) => parseInstanceArgument(text)) };
}

/** `instance remove` says itself what goes; consent is only asked where nothing would be left. */
function leavesNone(plan: Plan): boolean {
  return plan.after.length === 0;
}

/** Changes single instances, or shows what would change. */
export async function instanceBody(
  session: Session,
  words: InstanceWords,
  options: MutationOptions,
): Promise<ResultCode> {
  const change = changeFrom(words);
  const { signal } = session;
  const { ifRevision, reason } = options;
  if (options.dryRun === true) {
    const plan = await planInstancesChange(await readDeps(session), change, { ifRevision, signal });
    const args = [change.service, ...words.instances];
    const extra = applyWords([plan], leavesNone(plan) ? '--yes' : undefined);
    return writePlans(
      session,
      [plan],
      repeatedCommand(session.command, `instance ${words.verb}`, { args, extra }),
    );
  }
  const ask = consentFor(session, {
    doing: 'changing',
    because: () => 'no instance would be left and clients would be refused',
    flag: '--yes',
    given: options.yes === true,
    severe: false,
  });
  const confirm = async (plans: readonly Plan[]): Promise<void> => ask(plans.filter(leavesNone));
  const result = await changeInstances(await writeDeps(session), change, {
    ifRevision,
    reason,
    confirm,
    signal,
  });
  return finishOne(session, result, options);
}
