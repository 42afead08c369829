/** Owns reading XML that an instance sends, as the tree that its JSON would be. The one place of @rgrove/parse-xml. Pure. */
import { parseXml, XmlElement } from '@rgrove/parse-xml';
import { SluiceError } from '../errors.ts';
import { MAX_DEPTH } from '../model/limits.ts';

/** Attributes become `@name`, text beside attributes `$`, text alone the value, elements fields. Of equal elements the last counts. */
function treeOf(element: XmlElement, depth: number): unknown {
  if (depth > MAX_DEPTH) throw notXml(`elements may be nested ${MAX_DEPTH} deep`);
  const attributes = Object.entries(element.attributes).map(([name, text]) => [`@${name}`, text] as const);
  const children = element.children.filter((child) => child instanceof XmlElement);
  if (children.length > 0) {
    const fields = children.map((child) => [child.name, treeOf(child, depth + 1)] as const);
    return Object.fromEntries([...attributes, ...fields]);
  }
  if (attributes.length === 0) return element.text;
  return Object.fromEntries(element.text === '' ? attributes : [...attributes, ['$', element.text]]);
}

function notXml(why: string, cause?: unknown): SluiceError {
  return new SluiceError('invalid-spec', 'the body is not XML that can be read', {
    why,
    fix: 'send what Eureka clients send, or JSON',
    details: { written: false, field: 'body' },
    cause,
  });
}

/**
 * Reads `<instance>…</instance>` as `{"instance": {…}}`. Entities other than XML's own are not known, and nothing outside is read.
 * @throws SluiceError `invalid-spec`
 */
export function readXml(text: string): unknown {
  try {
    const { root } = parseXml(text);
    return root === null ? {} : { [root.name]: treeOf(root, 1) };
  } catch (error) {
    if (error instanceof SluiceError) throw error;
    throw notXml(error instanceof Error ? (error.message.split('\n')[0] ?? '') : 'it is malformed', error);
  }
}
