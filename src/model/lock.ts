/** Owns locks of the whole cluster, `lock/<scope>` (leased), and their stored form. Pure. */
import * as v from 'valibot';
import { countField, textField, timeField } from './fields.ts';
import { isName, NAME_RULE } from './name.ts';
import { badRecord, type Decoded, decodeRecord, encodeRecord } from './records.ts';
import { plainText } from './text.ts';

/** Who holds a lock. It goes by itself when its holder does. */
export interface Lock {
  /** What it is for: 'rebalance'. */
  readonly scope: string;
  /** Login name. */
  readonly actor: string;
  readonly host: string;
  readonly pid: number;
  /** As typed. */
  readonly command: string;
  /** RFC 3339. */
  readonly since: string;
}

const lockSchema = v.object({
  actor: textField,
  host: textField,
  pid: countField,
  command: textField,
  since: timeField,
});

/**
 * Reads `lock/<scope>`.
 * @throws SluiceError `failed`
 */
export function decodeLock(scope: string, json: string): Decoded<Lock> {
  const key = `lock/${scope}`;
  if (!isName(scope))
    throw badRecord(key, { field: '', value: scope, why: `a name in a key is ${NAME_RULE}` });
  const { value, raw } = decodeRecord(key, json, lockSchema);
  return { value: { scope, ...value }, raw };
}

/** JSON of `lock/<scope>`; the scope is in the key only. */
export function encodeLock({ actor, host, pid, command, since }: Lock): string {
  const texts = { actor: plainText(actor), host: plainText(host), command: plainText(command) };
  return encodeRecord(lockSchema, { ...texts, pid, since });
}
