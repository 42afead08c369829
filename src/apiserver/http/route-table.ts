/** Owns finding the routes of a path. Pure. */
import { decodeText } from './query.ts';
import type { Params, Route } from './route.ts';

/** Routes of one path. */
export interface RouteMatch {
  readonly routes: readonly Route[];
  /** What stands for the `{names}`. */
  readonly params: Params;
}

/** Routes by path; undefined: there is none. @throws SluiceError `invalid-spec` if a part of the path is not UTF-8, percent-encoded */
export type RouteTable = (path: string) => RouteMatch | undefined;

interface Pattern {
  readonly parts: readonly string[];
  readonly routes: Route[];
}

const NO_NAMES: Params = new Map();
const nameOf = (part: string): string | undefined => /^\{(\w+)\}$/.exec(part)?.[1];

/**
 * Groups routes by path. A path is matched letter by letter, so that nothing can be another path in disguise; only what stands for a name is
 * decoded, after it was found. Paths without names come before those with names, of these the first given.
 */
export function routeTable(routes: readonly Route[]): RouteTable {
  const exact = new Map<string, Route[]>();
  const patterns = new Map<string, Pattern>();
  for (const route of routes) {
    const parts = route.path.split('/');
    if (parts.every((part) => nameOf(part) === undefined)) {
      exact.set(route.path, [...(exact.get(route.path) ?? []), route]);
      continue;
    }
    const pattern = patterns.get(route.path) ?? { parts, routes: [] };
    pattern.routes.push(route);
    patterns.set(route.path, pattern);
  }
  return (path) => {
    const known = exact.get(path);
    if (known !== undefined) return { routes: known, params: NO_NAMES };
    const parts = path.split('/');
    const found = [...patterns.values()].find((pattern) => isLike(pattern.parts, parts));
    return found === undefined ? undefined : { routes: found.routes, params: namesIn(found.parts, parts) };
  };
}

function isLike(pattern: readonly string[], parts: readonly string[]): boolean {
  return (
    pattern.length === parts.length &&
    pattern.every((part, index) =>
      nameOf(part) === undefined ? part === parts[index] : (parts[index] ?? '') !== '',
    )
  );
}

function namesIn(pattern: readonly string[], parts: readonly string[]): Params {
  const names = new Map<string, string>();
  for (const [index, part] of pattern.entries()) {
    const name = nameOf(part);
    if (name !== undefined) names.set(name, decodeText(parts[index] ?? '', name));
  }
  return names;
}
