/** Owns showing a replay: the decisions as a table, and what they come to for each service. */
import { formatDuration } from '../../model/duration.ts';
import { formatPercent } from '../../model/percent.ts';
import { limiterWords } from '../../model/scaling-words.ts';
import type { ReplayPoint, ReplayWeights } from '../../monitor/recording/replay.ts';
import type { Counted, ReplaySummary } from '../../monitor/recording/summary.ts';
import { widthOf } from '../io.ts';
import type { Listing } from '../output/listing.ts';
import { renderTable } from '../output/table.ts';
import type { Session } from '../session.ts';

const range = ({ min, max, mean, changes }: Counted): string =>
  `${min === max ? min : `${min}-${max}`} (mean ${mean}, ${changes} changes)`;

function summaryText(summary: ReplaySummary): string {
  const { service, seconds, recorded, replayed, fullSeconds, weightChanges } = summary;
  const parts = [
    `recorded ${range(recorded)}`,
    `decided ${range(replayed)}`,
    `full for ${formatDuration(fullSeconds * 1_000)}`,
    ...(weightChanges > 0 ? [`${weightChanges} changes of weights`] : []),
  ];
  return `${service}, ${formatDuration(seconds * 1_000)}: ${parts.join('; ')}`;
}

function rowOf({ at, service, recorded, outcome, cpu }: ReplayPoint): readonly string[] {
  const { from, want, final, ready, metric, limiter } = outcome;
  return [
    at,
    service,
    String(recorded),
    from === final ? String(from) : `${from} → ${final}`,
    String(want),
    String(ready),
    cpu === undefined ? '-' : formatPercent(cpu),
    metric ?? '-',
    limiterWords(limiter),
  ];
}

const HEAD = ['TIME', 'SERVICE', 'RECORDED', 'DECIDED', 'WANTED', 'READY', 'CPU', 'BY', 'LIMITED BY'];

function table(session: Session, items: readonly ReplaySummary[]): string {
  const rows = items
    .flatMap(({ decisions }) => decisions)
    .toSorted((a, b) => a.ms - b.ms || (a.service < b.service ? -1 : 1))
    .map((point) => rowOf(point).map((text) => ({ text })));
  if (rows.length === 0) return '';
  const { settings, deps, outPalette: palette } = session;
  const layout = { headers: settings.headers, width: widthOf(deps.io.stdout), palette };
  return renderTable({ headings: HEAD, rows }, layout);
}

/** One item a service. */
export function replayListing(
  session: Session,
  items: readonly ReplaySummary[],
  weights: readonly ReplayWeights[],
): Listing<ReplaySummary> {
  return {
    kind: 'ReplayList',
    revision: undefined,
    items,
    name: ({ service }) => `service/${service}`,
    json: (item) => ({ ...item, weights: weights.filter(({ service }) => service === item.service) }),
    columns: [],
    text: () => `${table(session, items)}${items.map((item) => `${summaryText(item)}\n`).join('')}`,
  };
}
