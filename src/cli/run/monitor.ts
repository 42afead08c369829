/** Owns the body of `monitor`: from flags to what the monitor is started with, and what one look did as a result. */
import type { ResultCode } from '../../errors.ts';
import type { Log } from '../../host/log.ts';
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

/** Runs the monitor, or looks once. */
export async function monitorBody(session: Session, flags: MonitorFlags): Promise<ResultCode> {
  const { deps, settings, signal } = session;
  const [node, log] = [nodeName(session, flags.node), logOf(session, flags.logFormat)];
  const options: MonitorOptions = {
    node,
    host: deps.host,
    pid: deps.pid,
    mode: flags.mode ?? 'act',
    lostAfterMs: flags.lostAfter,
    sample: (edges) =>
      sampleHere({ ...edges, node, stateDir: flags.stateDir ?? DEFAULT_STATE_DIR, clock: deps.clock, log }),
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
