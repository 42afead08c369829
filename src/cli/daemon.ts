/** Owns what the long-lived commands share: the name of the node, and the log. */
import { SluiceError } from '../errors.ts';
import { createLog, type Log, type LogFormat } from '../host/log.ts';
import { isName, NAME_RULE, parseName } from '../model/name.ts';
import { quoteValue } from '../model/text.ts';
import { isTerminal } from './io.ts';
import type { Session } from './session.ts';

/** Name of this node: as given, else the first label of the host name. @throws SluiceError `invalid-spec`, `config` */
export function nodeName(session: Session, given: string | undefined): string {
  if (given !== undefined) return parseName(given, 'node');
  const label = session.deps.host.split('.')[0]?.toLowerCase() ?? '';
  if (isName(label)) return label;
  throw new SluiceError('config', `the host name ${quoteValue(session.deps.host)} is not a node name`, {
    why: `a node name is ${NAME_RULE}`,
    fix: 'name the node: --node NAME or SLUICE_NODE',
  });
}

/** The log on stderr. */
export function logOf(session: Session, format: LogFormat = 'auto'): Log {
  const { io, clock } = session.deps;
  return createLog({
    format,
    debug: session.settings.debug,
    write: (line) => {
      io.stderr.write(line);
    },
    isTty: isTerminal(io.stderr),
    journald: io.env['JOURNAL_STREAM'] !== undefined,
    now: clock.now,
  });
}
