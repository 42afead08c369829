/**
 * Owns the body of all apps: kept while nothing changes, and after a change made anew of what did, app by app. Made at a pace: nobody else waits
 * for it, whoever fetches first.
 */
import type { Around, Bodies } from '../../eureka/bodies.ts';
import { eachPaced, type Pace } from '../../model/pace.ts';
import type { App, Catalog } from '../../registry/catalog.ts';
import { gzipPart, type GzipPart, joinedGzip } from './joined-gzip.ts';

/** Below this compressing costs more than it saves. */
export const SMALL_BYTES = 1_024;

/** A body and its compressed form. */
export interface Body {
  readonly plain: () => Buffer;
  readonly compressed: () => Promise<Buffer>;
  /** Compressing it would cost more than it saves. */
  readonly isSmall?: boolean | undefined;
}

/** The body of all apps as they are now. */
export type Whole = () => Promise<Body>;

/** What is made of it. */
function bodyOfParts(parts: readonly GzipPart[]): Body {
  let compressed: Buffer | undefined;
  return {
    plain: () => Buffer.concat(parts.map((part) => part.plain)),
    compressed: async () => Promise.resolve((compressed ??= joinedGzip(parts))),
    isSmall: parts.reduce((size, { plain }) => size + plain.length, 0) < SMALL_BYTES,
  };
}

/** What keeps parts of apps: another object stands for an app after every change of it (registry/catalog.ts). */
export function createWhole(
  catalog: Pick<Catalog, 'apps' | 'counts' | 'version'>,
  bodies: Bodies,
  pace: Pace,
): Whole {
  const known = new WeakMap<App, GzipPart>();
  const partOf = async (app: App): Promise<GzipPart> => {
    const kept = known.get(app);
    if (kept !== undefined) return kept;
    const texts: string[] = [];
    await eachPaced(bodies.app(app), pace, (text) => texts.push(text));
    const part = await gzipPart(Buffer.from(texts.join('')));
    known.set(app, part);
    return part;
  };
  const make = async (apps: readonly App[], { head, separator, tail }: Around): Promise<Body> => {
    const between = await gzipPart(Buffer.from(separator));
    const parts = [await gzipPart(Buffer.from(head))];
    for (const [index, app] of apps.entries()) {
      if (index > 0) parts.push(between);
      parts.push(await partOf(app));
    }
    return bodyOfParts([...parts, await gzipPart(Buffer.from(tail))]);
  };
  let made: { readonly version: number; readonly body: Promise<Body> } | undefined;
  return async () => {
    const version = catalog.version();
    // Apps and counts are of one moment, however long writing them takes.
    if (made?.version !== version)
      made = { version, body: make(catalog.apps(), bodies.around(catalog.counts())) };
    const { body } = made;
    return body.catch((error: unknown) => {
      // What failed once may work the next time.
      if (made?.body === body) made = undefined;
      throw error;
    });
  };
}
