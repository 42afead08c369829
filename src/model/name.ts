/** Owns names of services and nodes: one grammar for both. Pure. */
import { SluiceError } from '../errors.ts';
import { quoteValue } from './text.ts';

/** What `NAME_RULE` says. */
export const NAME_PATTERN = /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/;

/** What a name may look like, in words, for errors and help. */
export const NAME_RULE = '1 to 63 of a-z, 0-9 and -, beginning and ending with a letter or digit';

/** True if the text is a name: safe in keys, paths and hashes. */
export function isName(text: string): boolean {
  return NAME_PATTERN.test(text);
}

/**
 * The name itself, checked.
 * @param field what it names, e.g. 'service'
 * @throws SluiceError `invalid-spec`
 */
export function parseName(text: string, field: string): string {
  if (isName(text)) return text;
  throw new SluiceError('invalid-spec', `${field}: ${quoteValue(text)} is not a name`, {
    why: `a ${field} name is ${NAME_RULE}`,
    fix: 'choose another name, e.g. web or web-2',
    details: { field, value: text.slice(0, 80), allowed: NAME_RULE },
  });
}
