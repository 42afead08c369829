/** Owns the stored form of audit records. Pure. */
import * as v from 'valibot';
import type { Audit } from './audit.ts';
import { hashField, MAX_TEXT, requestIdField, textField, timeField } from './fields.ts';
import { badRecord, type Decoded, decodeRecord, encodeRecord, type Raw } from './records.ts';
import { plainText } from './text.ts';

const auditSchema = v.object({
  at: timeField,
  actor: textField,
  host: textField,
  command: textField,
  reason: v.optional(textField),
  requestId: requestIdField,
  subject: textField,
  outcome: v.optional(textField),
  beforeHash: v.optional(hashField),
  afterHash: v.optional(hashField),
});

/**
 * Reads `audit/<time>-<request id>`.
 * @param tail of the key: `<time>-<request id>`
 * @throws SluiceError `failed`
 */
export function decodeAudit(tail: string, json: string): Decoded<Audit> {
  const key = `audit/${tail}`;
  const decoded = decodeRecord(key, json, auditSchema);
  const { at, requestId } = decoded.value;
  if (`${at}-${requestId}` !== tail) {
    throw badRecord(key, {
      field: 'requestId',
      value: requestId,
      why: 'at and requestId must be those of the key',
    });
  }
  return decoded;
}

const line = (text: string): string => plainText(text, MAX_TEXT);

/** JSON of an audit record. Free text is made plain and cut, so that a write never fails for its own record. */
export function encodeAudit(audit: Audit, raw?: Raw): string {
  const { at, requestId, beforeHash, afterHash } = audit;
  const texts = {
    actor: line(audit.actor),
    host: line(audit.host),
    command: line(audit.command),
    subject: line(audit.subject),
    ...(audit.reason === undefined ? {} : { reason: line(audit.reason) }),
    ...(audit.outcome === undefined ? {} : { outcome: line(audit.outcome) }),
  };
  return encodeRecord(auditSchema, { at, requestId, ...texts, beforeHash, afterHash }, raw);
}
