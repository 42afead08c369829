/** Owns the stored form of assignments. Pure. */
import * as v from 'valibot';
import type { Assignment } from './assignment.ts';
import { hashField, timeField, weightField } from './fields.ts';
import { isName, NAME_RULE } from './name.ts';
import { isInstanceId } from './records-service.ts';
import { assertTemplate, keptTemplate, reasonLine, stopField, templateField } from './records-template.ts';
import { badRecord, type Decoded, decodeRecord, encodeRecord, type Raw } from './records.ts';

const assignmentSchema = v.object({
  template: templateField,
  templateHash: hashField,
  weight: weightField,
  createdAt: timeField,
  stop: v.optional(stopField),
});

/** What the key says: `assignment/<node>/<service>/<id>`. */
export type AssignmentName = Pick<Assignment, 'node' | 'service' | 'id'>;

/**
 * Reads `assignment/<node>/<service>/<id>`.
 * @throws SluiceError `failed`
 */
export function decodeAssignment(name: AssignmentName, json: string): Decoded<Assignment> {
  const key = `assignment/${name.node}/${name.service}/${name.id}`;
  for (const part of [name.node, name.service]) {
    if (!isName(part))
      throw badRecord(key, { field: '', value: part, why: `a name in a key is ${NAME_RULE}` });
  }
  if (!isInstanceId(name.id)) {
    throw badRecord(key, { field: '', value: name.id, why: 'an instance id is letters, digits, . and -' });
  }
  const { value, raw } = decodeRecord(key, json, assignmentSchema);
  assertTemplate(key, value.template);
  const { node, service, id } = name;
  return { value: { node, service, id, ...value }, raw };
}

/** JSON of an assignment; node, service and id are in the key only. */
export function encodeAssignment(assignment: Assignment, raw?: Raw): string {
  const { templateHash, weight, createdAt } = assignment;
  const stop =
    assignment.stop === undefined
      ? undefined
      : { ...assignment.stop, reason: reasonLine(assignment.stop.reason) };
  const template = keptTemplate(raw, assignment.template);
  return encodeRecord(assignmentSchema, { template, templateHash, weight, createdAt, stop }, raw);
}
