/** Owns the body of `agent cleanup`. */
import { cleanUpNode } from '../../agent/once.ts';
import type { ResultCode } from '../../errors.ts';
import { createLog, type Log } from '../../host/log.ts';
import type { CleanupFlags } from '../commands/agent.ts';
import { isTerminal } from '../io.ts';
import { DEFAULT_STATE_DIR } from '../options.ts';
import { writeListing } from '../output/listing.ts';
import type { Session } from '../session.ts';

/** Removes every trace of sluice from this node. */
export async function cleanupBody(session: Session, flags: CleanupFlags): Promise<ResultCode> {
  const stateDir = flags.stateDir ?? DEFAULT_STATE_DIR;
  const { clock, io } = session.deps;
  const log = createLog({
    format: 'text',
    debug: session.settings.debug,
    write: (line) => void io.stderr.write(line),
    isTty: isTerminal(io.stderr),
    journald: false,
    now: clock.now,
  });
  const quiet: Log = { ...log, info: () => {} };
  await cleanUpNode({ stateDir, stop: flags.instances === true, clock, log: quiet });
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
