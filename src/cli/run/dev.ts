/** Owns the body of `dev`: which half of it this process is, and what is shown. */
import { type DevCluster } from '../../dev/cluster.ts';
import { execOnClient, type InsideOptions, runDevInside } from '../../dev/inside.ts';
import type { DevReport, DevRow } from '../../dev/options.ts';
import { execInRunning, INSIDE_VARIABLE, runDevOutside } from '../../dev/outside.ts';
import { type ResultCode, SluiceError } from '../../errors.ts';
import { untilAborted } from '../../host/wait.ts';
import type { DevFlags } from '../commands/dev.ts';
import { isTerminal } from '../io.ts';
import { type Column, writeListing } from '../output/listing.ts';
import { startProgress } from '../progress.ts';
import type { ForeignExit } from '../runner.ts';
import type { Session } from '../session.ts';

const percent = (share: number): string => `${(share * 100).toFixed(1)}%`;

const COLUMNS: readonly Column<DevRow>[] = [
  { name: 'INSTANCE', cell: (row) => row.instance },
  { name: 'NODE', cell: (row) => row.node },
  { name: 'WEIGHT', cell: (row) => String(row.weight), order: (row) => row.weight },
  { name: 'EXPECTED', cell: (row) => percent(row.expectedShare), order: (row) => row.expectedShare },
  { name: 'CONNECTIONS', cell: (row) => String(row.connections), order: (row) => row.connections },
  { name: 'SHARE', cell: (row) => percent(row.share), order: (row) => row.share },
];

/** Writes where the connections landed; what does not fit in a table goes to stderr, or into the JSON items. */
async function show(session: Session, report: DevReport): Promise<void> {
  const { connections, failed, perSecond, medianMs, p, entry } = report;
  await writeListing(session, {
    kind: 'DevReport',
    revision: undefined,
    items: report.rows,
    name: (row) => `web/${row.instance}`,
    json: (row) => ({ ...row, entry, failed, p }),
    columns: COLUMNS,
  });
  session.notes.info(
    `${connections} connections to ${entry} from the client, ${failed} failed, ${perSecond}/s, median ${medianMs.toFixed(2)} ms; ` +
      `chi-square p = ${p.toPrecision(2)}`,
  );
}

const HINTS: readonly string[] = [
  'The cluster stays up until Ctrl-C. From a second terminal (in a checkout: npm run -s sluice -- dev --exec …):',
  "$ sluice dev --exec 'curl -s 10.96.0.10'   # a request from the client",
  "$ sluice dev --exec 'sluice status'        # any command, on this cluster",
];

/** @throws SluiceError `interrupted`, `terminated` if the signal came before the work was done */
function checkSignal(signal: AbortSignal): void {
  if (!signal.aborted) return;
  throw signal.reason instanceof Error
    ? signal.reason
    : new SluiceError('interrupted', 'stopped by a signal');
}

/** The inner half: shows steps, sends the burst, stays up. */
async function inside(
  session: Session,
  flags: DevFlags,
  variable: string,
): Promise<ResultCode | ForeignExit> {
  const { deps, signal, notes } = session;
  const progress = await startProgress(session, 'starting');
  const onStep = (step: string): void => {
    checkSignal(signal);
    if (isTerminal(deps.io.stderr)) progress.update(step);
    else notes.info(step);
  };
  const options: InsideOptions = { programs: deps.programs, inside: variable, onStep, signal };
  const work = async (cluster: DevCluster): Promise<ResultCode | ForeignExit> => {
    if (flags.exec !== undefined) {
      progress.stop();
      return { exit: await execOnClient(cluster, flags.exec) };
    }
    onStep('sending connections through the entry');
    const report = await cluster.burst();
    progress.stop();
    await show(session, report);
    if (flags.check === true) return report.ok ? 'ok' : 'unhealthy';
    for (const line of HINTS) notes.info(line);
    await untilAborted(signal);
    return 'ok';
  };
  return await runDevInside(options, work).finally(() => progress.stop());
}

/** Runs the cluster, a check of it, or a command in it. */
export async function devBody(session: Session, flags: DevFlags): Promise<ResultCode | ForeignExit> {
  const { deps } = session;
  if (flags.check === true && flags.exec !== undefined) {
    throw new SluiceError('usage', '--check and --exec exclude each other', {
      why: 'the exit code can tell of one of them only',
      fix: 'give one of them',
    });
  }
  const variable = deps.io.env[INSIDE_VARIABLE];
  if (variable !== undefined) return await inside(session, flags, variable);
  if (flags.exec !== undefined) {
    const exit = await execInRunning(flags.exec, deps.uid);
    if (exit !== undefined) return { exit };
  }
  const argv = [...deps.programs.sluice, ...session.argv];
  return { exit: await runDevOutside({ argv, uid: deps.uid, onTerminal: isTerminal(deps.io.stdin) }) };
}
