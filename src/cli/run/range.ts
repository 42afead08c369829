/** Owns the bodies of `range set|list|remove`. */
import { type ResultCode, SluiceError } from '../../errors.ts';
import { parsePort } from '../../model/address.ts';
import type { EntryRange } from '../../model/entry-range.ts';
import { quoteValue } from '../../model/text.ts';
import { listEntryRanges, removeEntryRange, setEntryRange } from '../../ops/entry-ranges.ts';
import type { RangeChangeFlags, RangeSetFlags } from '../commands/range.ts';
import { type Column, type ListingOptions, writeListing } from '../output/listing.ts';
import { readDeps, type Session, writeDeps } from '../session.ts';
import { warnInvalid } from './list.ts';

const COLUMNS: readonly Column<EntryRange>[] = [
  { name: 'NAME', cell: ({ name }) => name },
  { name: 'NETWORK', cell: ({ network }) => network },
  { name: 'PORT', cell: ({ port, protocol }) => `${port}/${protocol}` },
  { name: 'KEEP', cell: ({ keepSeconds }) => `${keepSeconds}s` },
  { name: 'AGE', cell: ({ createdAt }, age) => age(createdAt), order: ({ createdAt }) => createdAt },
];

/** @throws SluiceError `usage` */
function portOf(text: string): number {
  const port = parsePort(text);
  if (port !== undefined) return port;
  throw new SluiceError('usage', `--port: ${quoteValue(text)} is not a port`, {
    why: 'a port is a whole number from 1 to 65535',
    fix: 'write for example --port 80',
    details: { flag: '--entry-port', value: text.slice(0, 80) },
  });
}

/** Tells what became, or would become, of one range. */
async function tell(
  session: Session,
  name: string,
  { outcome, revision }: { readonly outcome: string; readonly revision: number | undefined },
): Promise<ResultCode> {
  await writeListing(session, {
    kind: 'RangeChange',
    revision,
    items: [{ name, outcome }],
    name: (item) => item.name,
    json: (item) => item,
    columns: [],
    text: () => `range/${name} ${outcome}\n`,
  });
  return 'ok';
}

/** Sets a range. */
export async function rangeSetBody(
  session: Session,
  name: string,
  flags: RangeSetFlags,
): Promise<ResultCode> {
  const { network, protocol, keep, reason, dryRun = false } = flags;
  const wanted = { name, network, port: portOf(flags.entryPort), protocol, keepSeconds: keep / 1_000 };
  const change = await setEntryRange(await writeDeps(session), wanted, { reason, dryRun });
  if (dryRun) session.notes.info('nothing was written');
  return tell(session, change.range.name, change);
}

/** Lists ranges. */
export async function rangeListBody(session: Session, options: ListingOptions): Promise<ResultCode> {
  const { revision, items, invalid } = await listEntryRanges(await readDeps(session), {
    signal: session.signal,
  });
  warnInvalid(session, invalid);
  await writeListing(
    session,
    {
      kind: 'RangeList',
      revision,
      items,
      name: ({ name }) => name,
      json: (range) => ({ ...range }),
      columns: COLUMNS,
    },
    options,
  );
  return 'ok';
}

/** Removes a range. */
export async function rangeRemoveBody(
  session: Session,
  name: string,
  { reason, dryRun = false }: RangeChangeFlags,
): Promise<ResultCode> {
  const revision = await removeEntryRange(await writeDeps(session), name, { reason, dryRun });
  if (dryRun) session.notes.info('nothing was written');
  return tell(session, name, { outcome: 'deleted', revision });
}
