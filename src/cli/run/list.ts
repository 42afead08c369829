/** Owns the body of `list`. */
import { type ResultCode, SluiceError } from '../../errors.ts';
import { listInstances, listNodes, listServices } from '../../ops/list.ts';
import type { InvalidRecord } from '../../ops/views.ts';
import type { Listable, ListOptions } from '../commands/list.ts';
import { type AnyListing, hideItems, writeListing } from '../output/listing.ts';
import { readDeps, type Session } from '../session.ts';
import { watchListing } from '../watch.ts';
import { instanceListing, nodeListing, serviceListing } from './list-listings.ts';
import { serviceNamed } from './unpublish.ts';

/** What to list. */
export interface ListWords {
  readonly what: Listable;
  readonly service: string | undefined;
}

/** Warns about records that cannot be read; they are left out of the result. */
export function warnInvalid(session: Session, invalid: readonly InvalidRecord[]): void {
  for (const { key, why } of invalid.slice(0, 5)) session.notes.warn(`${key} cannot be read: ${why}`);
  if (invalid.length > 5) session.notes.warn(`${invalid.length - 5} more records cannot be read`);
}

async function read(session: Session, words: ListWords): Promise<AnyListing> {
  const deps = await readDeps(session);
  const { signal } = session;
  switch (words.what) {
    case 'instances': {
      const service = words.service === undefined ? undefined : serviceNamed(words.service);
      const view = await listInstances(deps, { signal, service });
      warnInvalid(session, view.invalid);
      return hideItems(instanceListing(view));
    }
    case 'nodes': {
      const view = await listNodes(deps, { signal });
      warnInvalid(session, view.invalid);
      return hideItems(nodeListing(view));
    }
    case 'services': {
      const view = await listServices(deps, { signal });
      warnInvalid(session, view.invalid);
      return hideItems(serviceListing(view));
    }
  }
  return words.what satisfies never;
}

/** Lists services, instances or nodes. @throws SluiceError `usage`, and what reading throws */
export async function listBody(
  session: Session,
  words: ListWords,
  options: ListOptions,
): Promise<ResultCode> {
  if (words.service !== undefined && words.what !== 'instances') {
    throw new SluiceError('usage', `list ${words.what} takes no service`, {
      why: 'only instances are listed by service',
      fix: `sluice list instances ${words.service}, or sluice describe ${words.service}`,
    });
  }
  if (options.watch === true) {
    return watchListing(session, async () => read(session, words), options);
  }
  const listing = await read(session, words);
  await writeListing(session, listing, options);
  if (listing.items.length === 0 && words.what === 'services') {
    session.notes.info('no services yet: sluice publish NAME --entry IP:PORT --instance IP:PORT');
  }
  return 'ok';
}
