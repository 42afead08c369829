/** Owns the answer of a probe. */
import { plainText } from '../../model/text.ts';

/** An answer. */
export type ProbeAnswer = { readonly well: true } | { readonly well: false; readonly why: string };

const LONGEST = 300;

/** A bad answer. */
export const unwell = (why: string): ProbeAnswer => ({ well: false, why: plainText(why, LONGEST) });
