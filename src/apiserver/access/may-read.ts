/** Owns what a role may read, and whether it may give orders at all. Pure. */
import type { Caller } from '../../model/access.ts';
import { quoteValue } from '../../model/text.ts';
import { SluiceError } from '../../errors.ts';
import { ACCESS } from '../../store/keys.ts';
import type { KeyRange } from '../../store/store.ts';

/** The error for what a caller may not do. */
export function notAllowed({ role, name }: Caller, what: string, why: string): SluiceError {
  return new SluiceError('permission', `${role} ${name} may not ${what}`, {
    why,
    fix: 'use credentials of another role; docs/apiserver.md has what each may do',
    details: { written: false, role, name },
  });
}

/**
 * Services and what people order of instances and nodes are changed by admins and operators only. What is written is checked again, key by
 * key; this also refuses requests that would find nothing to write.
 * @throws SluiceError `permission`
 */
export function checkMayOrder(caller: Caller, what: string): void {
  if (caller.role === 'admin' || caller.role === 'operator') return;
  throw notAllowed(caller, what, 'that is for operators and admins');
}

/** The range of one key. */
export const onlyKey = (key: string): KeyRange => ({ start: key, end: `${key}\0` });

/**
 * Everybody who is known may read everything but tokens.
 * @throws SluiceError `permission`
 */
export function checkRead(caller: Caller, range: KeyRange): void {
  if (caller.role === 'admin' || range.end <= ACCESS.start || range.start >= ACCESS.end) return;
  throw notAllowed(caller, `read ${quoteValue(range.start)} to ${quoteValue(range.end)}`, 'tokens lie in it');
}
