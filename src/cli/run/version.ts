/** Owns what `version` prints. */
import type { ResultCode } from '../../errors.ts';
import { VERSION } from '../../version.ts';
import { writeListing } from '../output/listing.ts';
import type { Session } from '../session.ts';

/** Prints the versions of sluice, of node and of the platform. */
export async function versionBody(session: Session): Promise<ResultCode> {
  const facts = {
    version: VERSION,
    node: process.versions.node,
    platform: `${process.platform}-${process.arch}`,
  };
  await writeListing(session, {
    kind: 'Version',
    revision: undefined,
    items: [facts],
    name: () => 'sluice',
    json: (item) => item,
    columns: [
      { name: 'SLUICE', cell: (item) => item.version },
      { name: 'NODE', cell: (item) => item.node },
      { name: 'PLATFORM', cell: (item) => item.platform },
    ],
  });
  return 'ok';
}
