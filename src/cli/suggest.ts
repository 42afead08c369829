/** Owns the wording of did-you-mean in the `why` and `fix` of usage errors. Pure. */
import { suggest } from '../model/suggest.ts';

/** `did you mean X?`, or the fallback where nothing known is near. */
export function suggestFor(typed: string, known: readonly string[], fallback: string): string {
  const word = suggest(typed, known);
  return word === undefined ? fallback : `did you mean ${word}?`;
}
