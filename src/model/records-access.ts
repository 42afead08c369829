/** Owns the stored form of tokens. Pure. */
import * as v from 'valibot';
import { ROLES, type Token } from './access.ts';
import { nameField, timeField } from './fields.ts';
import { badRecord, type Decoded, decodeRecord, encodeRecord } from './records.ts';

const SHA256 = 'must be a SHA-256 in hex';
const TOKEN_ID = /^[0-9a-f]{16}$/;

const tokenSchema = v.object({
  role: v.picklist(ROLES, `must be one of ${ROLES.join(', ')}`),
  name: nameField,
  secretHash: v.pipe(v.string(SHA256), v.regex(/^[0-9a-f]{64}$/, SHA256)),
  createdAt: timeField,
  expiresAt: v.optional(timeField),
});

/**
 * Reads `access/<id>`.
 * @throws SluiceError `failed`
 */
export function decodeToken(id: string, json: string): Decoded<Token> {
  const key = `access/${id}`;
  if (!TOKEN_ID.test(id))
    throw badRecord(key, { field: '', value: id, why: 'a token id is 16 hex characters' });
  const { value, raw } = decodeRecord(key, json, tokenSchema);
  return { value: { id, ...value }, raw };
}

/** JSON of `access/<id>`; the id is in the key only. */
export function encodeToken({ role, name, secretHash, createdAt, expiresAt }: Token): string {
  const expiry = expiresAt === undefined ? {} : { expiresAt };
  return encodeRecord(tokenSchema, { role, name, secretHash, createdAt, ...expiry });
}
