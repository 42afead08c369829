/** Owns reading spec texts: which syntax, caps, all services of a text, and none twice. Pure; YAML is loaded only when needed. */
import { MAX_SPEC_LENGTH } from './limits.ts';
import type { ServiceSpec } from './service.ts';
import { specError } from './spec-errors.ts';
import { fieldReader } from './spec-fields.ts';
import { readJson } from './spec-json.ts';
import { readService } from './spec-service.ts';
import type { SpecDefect, SpecNode, SpecText } from './spec-tree.ts';
import { quoteValue } from './text.ts';

/** Text that only JSON begins with: brackets, then a quote or a closing bracket. A YAML flow map may begin like it; it is then read as JSON. */
const JSON_START = /^\s*[[{][\s[{]*["\]}]/;

async function readText(text: string, file: string): Promise<SpecText> {
  if (file.endsWith('.json') || file.endsWith('.jsonl') || JSON_START.test(text.slice(0, 4_096)))
    return readJson(text);
  const { readYaml } = await import('./spec-yaml.ts');
  return readYaml(text);
}

/** Documents, with lists of services at the top taken apart. */
function topLevel(documents: readonly SpecNode[]): readonly SpecNode[] {
  return documents.flatMap((node) => (node.kind === 'list' ? node.items : [node]));
}

function readServices(documents: readonly SpecNode[], defects: SpecDefect[]): readonly ServiceSpec[] {
  const seen = new Set<string>();
  return topLevel(documents).flatMap((node): readonly ServiceSpec[] => {
    const spec = readService(
      fieldReader((defect) => defects.push(defect)),
      node,
    );
    if (spec === undefined) return [];
    if (seen.has(spec.name)) {
      const place = node.kind === 'map' ? node.fields.get('name')?.value : undefined;
      const what = `service ${quoteValue(spec.name)} is there twice`;
      defects.push({
        at: place?.at ?? node.at,
        field: 'name',
        value: spec.name,
        what,
        allowed: 'each service once',
      });
    }
    seen.add(spec.name);
    return [spec];
  });
}

/**
 * Reads all services of a spec text: YAML (several documents) or JSON (several values, or a list), by the file's name or how the
 * text begins. Entries and instances come in canonical order, services in the order of the text.
 * @param source.file name for messages and for the syntax (`.json`), '-' for standard input
 * @throws SluiceError `invalid-spec`: the first defect in the message, up to 20 in `details.errors` (`SpecErrorItem`)
 */
export async function parseSpecs(
  text: string,
  { file }: { readonly file: string },
): Promise<readonly ServiceSpec[]> {
  const source = { text: text.startsWith('\ufeff') ? text.slice(1) : text, file };
  if (text.length > MAX_SPEC_LENGTH) {
    const what = `the text is longer than ${MAX_SPEC_LENGTH} characters`;
    throw specError([{ at: 0, field: '', what, allowed: 'at most 1 MiB', fix: 'split the file' }], source);
  }
  const read = await readText(source.text, file);
  const defects: SpecDefect[] = [...read.defects];
  const specs = readServices(read.documents, defects);
  if (specs.length === 0 && defects.length === 0) {
    const allowed = 'at least one document with kind: Service';
    throw specError([{ at: 0, field: '', what: 'there is no service in it', allowed }], source);
  }
  if (defects.length > 0) throw specError(defects, source);
  return specs;
}
