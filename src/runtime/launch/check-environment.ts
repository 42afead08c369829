/** Owns what a process can be given: words without NUL, names of variables that `env` takes for nothing else. */
import { quoteValue } from '../../model/text.ts';
import { SluiceError } from '../../errors.ts';

const NAME = /^[A-Za-z_][A-Za-z0-9_]*$/;

/**
 * Checks words and environment of an order.
 * @throws SluiceError `failed`
 */
export function checkWords(words: readonly string[], env: Readonly<Record<string, string>>): void {
  const nul = [...words, ...Object.values(env)].find((text) => text.includes('\0'));
  if (nul !== undefined) {
    throw new SluiceError('failed', `${quoteValue(nul)} holds a NUL`, { why: 'no process can be given it' });
  }
  const name = Object.keys(env).find((text) => !NAME.test(text));
  if (name === undefined) return;
  throw new SluiceError('failed', `${quoteValue(name)} is not the name of an environment variable`, {
    why: 'a name is letters, digits and _, and does not begin with a digit',
  });
}
