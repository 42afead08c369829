/** Owns the stored form of who leads and of what was decided. Pure. */
import * as v from 'valibot';
import type { Decision, Leader } from './decision.ts';
import { countField, flagField, nameField, textField, timeField } from './fields.ts';
import { isName, NAME_RULE } from './name.ts';
import { reasonLine } from './records-template.ts';
import { badRecord, type Decoded, decodeRecord, encodeRecord, type Raw } from './records.ts';
import { plainText } from './text.ts';

const leaderSchema = v.object({
  node: nameField,
  host: textField,
  pid: countField,
  since: timeField,
  mode: v.optional(v.literal('recommend', 'must be recommend')),
  protection: v.optional(v.object({ why: textField, ends: textField })),
});

const decisionSchema = v.object({
  what: textField,
  why: textField,
  done: flagField,
  instance: v.optional(textField),
  node: v.optional(nameField),
  by: nameField,
});

/**
 * Reads `leader`.
 * @throws SluiceError `failed`
 */
export function decodeLeader(json: string): Decoded<Leader> {
  return decodeRecord('leader', json, leaderSchema);
}

/** JSON of `leader`. */
export function encodeLeader(leader: Leader, raw?: Raw): string {
  const { node, pid, since, mode } = leader;
  const protection = leader.protection && {
    why: reasonLine(leader.protection.why),
    ends: reasonLine(leader.protection.ends),
  };
  const host = plainText(leader.host);
  return encodeRecord(leaderSchema, { node, host, pid, since, mode, protection }, raw);
}

/**
 * Reads `decision/<service>/<time>`.
 * @throws SluiceError `failed`
 */
export function decodeDecision(
  { service, at }: Pick<Decision, 'service' | 'at'>,
  json: string,
): Decoded<Decision> {
  const key = `decision/${service}/${at}`;
  if (!isName(service)) throw badRecord(key, { field: '', value: service, why: `a name is ${NAME_RULE}` });
  const time = v.safeParse(timeField, at);
  if (!time.success) throw badRecord(key, { field: '', value: at, why: time.issues[0].message });
  const { value, raw } = decodeRecord(key, json, decisionSchema);
  return { value: { service, at, ...value }, raw };
}

/** JSON of a decision; service and time are in the key only. Its lines are made plain and cut. */
export function encodeDecision(decision: Decision, raw?: Raw): string {
  const { done, instance, node, by } = decision;
  const lines = { what: reasonLine(decision.what), why: reasonLine(decision.why) };
  return encodeRecord(decisionSchema, { ...lines, done, instance, node, by }, raw);
}
