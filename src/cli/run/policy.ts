/** Owns the bodies of `policy set|get|remove`. */
import { type ResultCode, SluiceError } from '../../errors.ts';
import { type PolicyFlags, saysPolicy } from '../../model/policy-flags.ts';
import { POLICY_PARTS } from '../../model/policy-scaling.ts';
import { quoteValue } from '../../model/text.ts';
import { changeService, planServiceChange, type ServiceChange } from '../../ops/change-service.ts';
import { type PolicyItem, policiesOf } from '../../ops/policies.ts';
import { repeatedCommand } from '../command-line.ts';
import type { PolicySetOptions } from '../commands/policy.ts';
import { finishOne } from '../finish-write.ts';
import type { MutationOptions } from '../options.ts';
import { writeListing } from '../output/listing.ts';
import { formatYaml } from '../output/yaml.ts';
import { readDeps, type Session, writeDeps } from '../session.ts';
import { applyWords, writePlans } from '../write-plans.ts';
import { warnInvalid } from './list.ts';
import { serviceNamed } from './unpublish.ts';

interface PolicyWords {
  readonly verb: 'set' | 'remove';
  readonly args: readonly string[];
  readonly change: Extract<ServiceChange, { kind: 'policy' }>;
}

/** Writes a change of policies, or shows it. */
async function changePolicy(
  session: Session,
  { verb, args, change }: PolicyWords,
  { dryRun, ifRevision, reason, ...options }: MutationOptions,
): Promise<ResultCode> {
  const { signal } = session;
  if (dryRun === true) {
    const plan = await planServiceChange(await readDeps(session), change, { ifRevision, signal });
    const extra = applyWords([plan], undefined);
    return writePlans(session, [plan], repeatedCommand(session.command, `policy ${verb}`, { args, extra }));
  }
  const result = await changeService(await writeDeps(session), change, { ifRevision, reason, signal });
  return finishOne(session, result, options);
}

/** @throws SluiceError `usage` if no flag says anything of a policy */
function refuseNothing(flags: PolicyFlags): void {
  if (saysPolicy(flags)) return;
  throw new SluiceError('usage', 'there is nothing to set', {
    why: 'no flag says what the policy shall be',
    fix: 'sluice policy set --help   shows them',
  });
}

/** Sets policies. */
export async function policySetBody(
  session: Session,
  service: string,
  options: PolicySetOptions,
): Promise<ResultCode> {
  const name = serviceNamed(service);
  refuseNothing(options);
  const request = { kind: 'set', flags: options } as const;
  const change = { kind: 'policy', service: name, request } as const;
  return changePolicy(session, { verb: 'set', args: [name], change }, options);
}

/** Takes policies away. */
export async function policyRemoveBody(
  session: Session,
  words: { readonly service: string; readonly part: string | undefined },
  options: MutationOptions,
): Promise<ResultCode> {
  const service = serviceNamed(words.service);
  const part = POLICY_PARTS.find((one) => one === words.part);
  if (words.part !== undefined && part === undefined) {
    throw new SluiceError('usage', `${quoteValue(words.part)} is not a part of a policy`, {
      why: `there are ${POLICY_PARTS.join(', ')}`,
      fix: `sluice policy remove ${service} scaling`,
      details: { value: words.part.slice(0, 80) },
    });
  }
  const change = { kind: 'policy', service, request: { kind: 'remove', part } } as const;
  const args = [service, ...(part === undefined ? [] : [part])];
  return changePolicy(session, { verb: 'remove', args, change }, options);
}

/** Shows policies. */
export async function policyGetBody(session: Session, services: readonly string[]): Promise<ResultCode> {
  const names = services.map(serviceNamed);
  const view = await policiesOf(await readDeps(session), names, { signal: session.signal });
  warnInvalid(session, view.invalid);
  await writeListing<PolicyItem>(session, {
    kind: 'PolicyList',
    revision: view.revision,
    items: view.items,
    name: ({ service }) => `service/${service}`,
    json: (item) => item,
    columns: [],
    text: () => view.items.map((item) => formatYaml(item)).join('---\n'),
  });
  return 'ok';
}
