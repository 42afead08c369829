/** Owns the kinds of values that fields of a spec have, however deep they stand: texts, times, choices, numbers, command lines. Pure. */
import { parseDuration } from './duration.ts';
import { type FieldReader, listAt, mapAt, showNode, textAt } from './spec-fields.ts';
import { parsed } from './spec-items.ts';
import type { SpecNode } from './spec-tree.ts';
import { splitWords } from './words.ts';

/** Reads a value; what is wrong with it is reported, and undefined returned. */
export type Read<T> = (reader: FieldReader, node: SpecNode) => T | undefined;

/** Reads fields of a map one by one; a field that is not there is undefined. */
export type Fields = <T>(name: string, read: Read<T>) => T | undefined;

/** Any text. */
export const text: Read<string> = (reader, node) => textAt(reader, node, 'text');

/** A length of time, in seconds. */
export const seconds: Read<number> = (reader, node) => {
  const typed = textAt(reader, node, 'a length of time: 30s, 500ms, 1m30s');
  return typed === undefined
    ? undefined
    : parsed(reader, node, () => parseDuration(typed, reader.path) / 1_000);
};

/** One of some words. */
export function oneOf<T extends string>(choices: readonly T[]): Read<T> {
  return (reader, node) => {
    const allowed = choices.join(', ');
    const typed = textAt(reader, node, allowed);
    const found = choices.find((choice) => choice === typed);
    if (typed !== undefined && found === undefined) {
      const value = showNode(node);
      reader.report({ at: node.at, field: reader.path, value, what: `${value} is not one of them`, allowed });
    }
    return found;
  };
}

/**
 * A number with at most three decimals.
 * @param digits most of them before the point
 * @param is what it is the number of, for people; `such` is an example
 */
export function decimal({
  digits,
  is,
  such,
}: {
  readonly digits: number;
  readonly is: string;
  readonly such: string;
}): Read<number> {
  const form = new RegExp(`^(0|[1-9][0-9]{0,${digits - 1}})(\\.[0-9]{1,3})?$`);
  return (reader, node) => {
    if (node.kind === 'number' && form.test(node.text)) return Number(node.text);
    const value = showNode(node);
    const allowed = `a number such as ${such}, with at most three decimals, without quotes`;
    reader.report({ at: node.at, field: reader.path, value, what: `${value} is not ${is}`, allowed });
    return undefined;
  };
}

/** A command line as one text, split as by a shell, or as a list of words. @param most words of a list */
export function words(most: number): Read<readonly string[]> {
  return (reader, node) => {
    if (node.kind === 'text') return parsed(reader, node, () => splitWords(node.text, reader.path));
    const items = listAt(reader, node, most);
    return items?.flatMap((item, index) => textAt(reader.item(index), item, 'text') ?? []);
  };
}

/** The fields of a map, of which others than the known ones are reported. */
export function fieldsIn(
  reader: FieldReader,
  node: SpecNode,
  { known, required = [] }: { readonly known: readonly string[]; readonly required?: readonly string[] },
): Fields | undefined {
  const fields = mapAt(reader, node, { known, required, is: `a map of ${known.join(', ')}` });
  if (fields === undefined) return undefined;
  return (name, read) => {
    const field = fields.get(name);
    return field === undefined ? undefined : read(reader.within(name), field.value);
  };
}
