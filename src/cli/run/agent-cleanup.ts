/** Owns the body of `agent cleanup`. */
import { cleanUpNode } from '../../agent/once.ts';
import type { ResultCode } from '../../errors.ts';
import type { CleanupFlags } from '../commands/agent.ts';
import { DEFAULT_STATE_DIR } from '../options.ts';
import { writeListing } from '../output/listing.ts';
import type { Session } from '../session.ts';

/** Removes every trace of sluice from this node. */
export async function cleanupBody(session: Session, flags: CleanupFlags): Promise<ResultCode> {
  const stateDir = flags.stateDir ?? DEFAULT_STATE_DIR;
  await cleanUpNode(stateDir);
  if (session.settings.quiet) return 'ok';
  await writeListing(session, {
    kind: 'CleanupReport',
    revision: undefined,
    items: [{ stateDir, outcome: 'removed' }],
    name: () => 'rules',
    json: (item) => item,
    columns: [],
    text: () => 'rules, routes and state of sluice removed from this node\n',
  });
  return 'ok';
}
