/** Owns what the server adds to an audit record: who it was, which the writer cannot choose. Pure. */
import type { Caller } from '../../model/access.ts';
import { decodeAudit, encodeAudit } from '../../model/records-audit.ts';
import { TOMBSTONE } from '../../store/resolve.ts';

/**
 * An audit record with the caller as its actor; what the writer called himself stays as `login`.
 * @param tail of the key, as `decodeAudit` wants it
 * @param json a record that was read before
 */
export function stampAudit(caller: Caller, tail: string, json: string): string {
  if (json === TOMBSTONE) return json;
  const { value, raw } = decodeAudit(tail, json);
  if (caller.via === 'anonymous') return encodeAudit(value, { ...raw, via: caller.via });
  return encodeAudit({ ...value, actor: caller.name }, { ...raw, via: caller.via, login: value.actor });
}
