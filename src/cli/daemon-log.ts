/** Owns the log of a daemon as its flags and streams want it. */
import { createLog, type Log, type LogFormat } from '../host/log.ts';
import { isTerminal } from './io.ts';
import type { Session } from './session.ts';

/** A log on stderr. */
export function daemonLog(session: Session, format: LogFormat | undefined): Log {
  const { io, clock } = session.deps;
  return createLog({
    format: format ?? 'auto',
    debug: session.settings.debug,
    write: (line) => {
      io.stderr.write(line);
    },
    isTty: isTerminal(io.stderr),
    journald: io.env['JOURNAL_STREAM'] !== undefined,
    now: clock.now,
  });
}
