/** Owns which ids instances may have on a node: they become names of files and control groups. */
import { quoteValue } from '../model/text.ts';
import { SluiceError } from '../errors.ts';

const ID = /^[0-9A-Za-z]([0-9A-Za-z.:_-]{0,126}[0-9A-Za-z])?$/;

/**
 * The id itself, checked: one plain name, no path.
 * @throws SluiceError `failed`
 */
export function checkId(id: string): string {
  if (ID.test(id)) return id;
  throw new SluiceError('failed', `${quoteValue(id)} is not the id of an instance`, {
    why: 'an id is 1 to 128 of 0-9, A-Z, a-z, . : _ and -, beginning and ending with a letter or digit',
    details: { id: id.slice(0, 80) },
  });
}
