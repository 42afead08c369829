/** Owns trees of the protocol as XML: elements, their attributes (`@name`), their text (`$`). Pure. */
import { isTree } from './instance-tree.ts';

/** Characters that XML 1.0 cannot hold, and halves of characters. */
const NOT_XML = /[^\t\n\r\u{20}-\u{d7ff}\u{e000}-\u{fffd}\u{10000}-\u{10ffff}]/gu;

const ESCAPES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  '\r': '&#13;',
};

/** Text as it may stand between tags and in attributes. */
function escaped(value: unknown): string {
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  return text.replaceAll(NOT_XML, '').replaceAll(/[&<>"\r]/g, (found) => ESCAPES[found] ?? found);
}

/** The text as the name of an element: metadata may be called anything, an element may not. */
function elementName(name: string): string {
  const plain = name.replaceAll(/[^\w.-]/g, '_');
  return /^[A-Za-z_]/.test(plain) ? plain : `_${plain}`;
}

/** One element; a list is one element for each of its items. */
export function xmlElement(name: string, value: unknown): string {
  if (Array.isArray(value)) return value.map((item) => xmlElement(name, item)).join('');
  const tag = elementName(name);
  if (!isTree(value)) return `<${tag}>${escaped(value)}</${tag}>`;
  const pairs = Object.entries(value);
  const attributes = pairs
    .filter(([key]) => key.startsWith('@'))
    .map(([key, item]) => ` ${elementName(key.slice(1))}="${escaped(item)}"`);
  const content = pairs
    .filter(([key]) => !key.startsWith('@'))
    .map(([key, item]) => (key === '$' ? escaped(item) : xmlElement(key, item)));
  const start = `${tag}${attributes.join('')}`;
  return content.length === 0 ? `<${start}/>` : `<${start}>${content.join('')}</${tag}>`;
}
