/** Owns the body of `monitor`: from flags to what the monitor is started with, and what one look did as a result. */
import { type ResultCode, SluiceError } from '../../errors.ts';
import type { Log } from '../../host/log.ts';
import { formatDuration } from '../../model/duration.ts';
import type { MonitorOptions } from '../../monitor/options.ts';
import { createMonitorMeter } from '../../monitor/meter.ts';
import { monitorOnce, runMonitor } from '../../monitor/run.ts';
import { readLeader } from '../../ops/leader.ts';
import { DEFAULT_POLICY_FILE } from '../../runtime/policy/load-policy.ts';
import { openMetricReader } from '../../sampling/own-metric.ts';
import { sampleHere } from '../../sampling/here.ts';
import type { MonitorFlags } from '../commands/monitor.ts';
import { logOf, nodeName } from '../daemon.ts';
import { withFigures } from '../observing.ts';
import { DEFAULT_STATE_DIR } from '../options.ts';
import { writeListing } from '../output/listing.ts';
import type { Session } from '../session.ts';

/** What one look did is its result; the log need not tell it too. */
const onlyWarnings = (log: Log): Log => ({ ...log, info: log.debug });

async function once(session: Session, options: MonitorOptions): Promise<ResultCode> {
  const { led, decisions } = await monitorOnce(options);
  if (!led) {
    const leader = await readLeader(await session.store(), { signal: session.signal });
    session.notes.info(
      leader === undefined
        ? 'nothing decided: the lead could not be taken'
        : `nothing decided: node/${leader.node} leads`,
    );
  }
  const { quiet, output } = session.settings;
  if (decisions.length === 0 && (quiet || output === 'table')) {
    if (led) session.notes.info('nothing to do');
    return 'ok';
  }
  await writeListing(session, {
    kind: 'Decision',
    revision: undefined,
    items: decisions,
    name: ({ service, at }) => `decision/${service}/${at}`,
    json: (item) => item,
    columns: [
      { name: 'SERVICE', cell: (item) => item.service },
      { name: 'DONE', cell: (item) => (item.done ? 'yes' : 'no') },
      { name: 'WHAT', cell: (item) => item.what },
      { name: 'WHY', cell: (item) => item.why },
    ],
  });
  return 'ok';
}

/** Beyond 5 s samples would be too old to be believed as soon as one is late. */
const INTERVAL = { from: 1_000, to: 5_000 } as const;

/** @throws SluiceError `usage` */
function intervalOf(ms: number | undefined): number | undefined {
  if (ms === undefined || (ms >= INTERVAL.from && ms <= INTERVAL.to)) return ms;
  throw new SluiceError('usage', `--interval ${formatDuration(ms)} is out of bounds`, {
    why: `it may be ${formatDuration(INTERVAL.from)} to ${formatDuration(INTERVAL.to)}: samples older than 6s are not believed`,
    fix: 'write for example --interval 2s',
    details: { flag: '--interval', milliseconds: ms },
  });
}

/** Runs the monitor, or looks once. */
export async function monitorBody(session: Session, flags: MonitorFlags): Promise<ResultCode> {
  const { deps, settings, signal } = session;
  const everyMs = intervalOf(flags.interval);
  const [node, log] = [nodeName(session, flags.node), logOf(session, flags.logFormat)];
  const options: MonitorOptions = {
    node,
    host: deps.host,
    pid: deps.pid,
    mode: flags.mode ?? 'act',
    everyMs,
    lostAfterMs: flags.lostAfter,
    sample: (edges) => {
      const stateDir = flags.stateDir ?? DEFAULT_STATE_DIR;
      return sampleHere({ ...edges, node, stateDir, clock: deps.clock, log, everyMs });
    },
    readMetric: openMetricReader(flags.policy ?? DEFAULT_POLICY_FILE),
    openStore: async () => deps.openStore(settings),
    log,
    clock: deps.clock,
    random: deps.random,
    newId: deps.newId,
    signal,
  };
  if (flags.once === true) return once(session, { ...options, log: onlyWarnings(options.log) });
  await withFigures({ listen: flags.listen, log, meterOn: createMonitorMeter }, async (meter) =>
    runMonitor({ ...options, meter }),
  );
  return 'ok';
}
