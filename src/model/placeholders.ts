/**
 * Owns placeholders: `{port}`, `{ip}`, `{id}`, `{service}`, `{node}` in arguments, environment, probes and hooks. They are replaced as
 * text, once, and nothing reads the result again. Pure.
 *
 * A name in braces is a placeholder; an unknown one is refused when the template is published. `{{name}}` stands for the text `{name}`.
 * Braces around anything else (`{"a": 1}`, `{}`, `{{.Names}}`) are left as they are.
 */
import { PLACEHOLDERS, type PlaceholderValues } from './template.ts';

const NAMED = /\{\{([A-Za-z_][A-Za-z0-9_]*)\}\}|\{([A-Za-z_][A-Za-z0-9_]*)\}/g;

type Placeholder = (typeof PLACEHOLDERS)[number];

function isPlaceholder(name: string): name is Placeholder {
  return PLACEHOLDERS.some((known) => known === name);
}

/** The text with its placeholders replaced. What a value holds is never looked at again; unknown names stay as they are. */
export function expandPlaceholders(text: string, values: PlaceholderValues): string {
  return text.replaceAll(NAMED, (whole: string, literal: string | undefined, name: string | undefined) => {
    if (literal !== undefined) return `{${literal}}`;
    return name !== undefined && isPlaceholder(name) ? values[name] : whole;
  });
}

/** A name in braces that is no placeholder. */
export interface UnknownPlaceholder {
  readonly name: string;
  /** Where its brace stands in the text, the first character being 1. */
  readonly position: number;
}

/** The first unknown placeholder of a text, or undefined. */
export function unknownPlaceholder(text: string): UnknownPlaceholder | undefined {
  for (const match of text.matchAll(NAMED)) {
    const name = match[2];
    if (name !== undefined && !isPlaceholder(name)) return { name, position: match.index + 1 };
  }
  return undefined;
}

/** True if the text holds a placeholder or its escaped form. */
export function hasPlaceholder(text: string): boolean {
  return text.search(NAMED) >= 0;
}
