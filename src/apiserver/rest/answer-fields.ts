/** Owns what the fields of answers are made of, so that the OpenAPI document says of each what it is. Pure. */
import * as v from 'valibot';

/** A schema for every field of a read model, and for no other. */
export type FieldsOf<T> = Readonly<Record<keyof T, v.GenericSchema>>;

/** Text that says what it is. */
export const text = (what: string) => v.pipe(v.string(), v.description(what));
/** A number that says what it is. */
export const number = (what: string) => v.pipe(v.number(), v.description(what));
/** A whole number from 0. */
export const count = (what: string) =>
  v.pipe(v.number(), v.safeInteger(), v.minValue(0), v.description(what));
/** Yes or no. */
export const flag = (what: string) => v.pipe(v.boolean(), v.description(what));
/** A point in time. */
export const time = (what: string) =>
  v.pipe(v.string(), v.isoTimestamp(), v.description(`${what}; RFC 3339, UTC`));
/** A list of texts. */
export const texts = (what: string) => v.pipe(v.array(v.string()), v.description(what));
/** A part of a whole. */
export const fraction = (what: string) =>
  v.pipe(v.number(), v.minValue(0), v.maxValue(1), v.description(what));
/** One of some words. */
export const oneOf = <const T extends readonly string[]>(words: T, what: string) =>
  v.pipe(v.picklist(words), v.description(what));

/** A reference as `-o name` prints it. */
export const reference = text('As `-o name` prints it: service/web, web/10.0.1.11:8080, node/n3');
/** Revision of a change. */
export const revision = count('Revision of the store');

/** People asked to take a thing out. */
export const drainOrder = v.object({
  since: time('Since when'),
  by: text('Who asked, user@host'),
  reason: v.optional(text('Why')),
  deadlineSeconds: v.optional(number('How long open connections are waited for')),
  onDeadline: v.optional(oneOf(['reset', 'leave'], 'What becomes of those that are left')),
  force: v.optional(flag('At once, whether or not another is ready')),
});
