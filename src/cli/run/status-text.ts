/** Owns the lines of `status` above its table. Pure. */
import { plainText } from '../../model/text.ts';
import type { StatusReport } from '../../ops/status.ts';
import type { AgeFormat } from '../output/age.ts';
import type { Palette } from '../palette.ts';

/** How the lines are laid out. */
export interface StatusLayout {
  readonly age: AgeFormat;
  readonly palette: Palette;
}

function storeLine({ store }: StatusReport, palette: Palette): string {
  const healthy = store.endpoints.filter((endpoint) => endpoint.healthy).length;
  const endpoints = `${healthy}/${store.endpoints.length} endpoints`;
  if (!store.reachable) return `${endpoints}, ${palette.bad('unreachable')}: ${store.error ?? 'no answer'}`;
  const latency = store.latencyMs === undefined ? '' : `, ${Math.max(1, Math.round(store.latencyMs))} ms`;
  return `${endpoints}, revision ${store.revision ?? '-'}${latency}`;
}

function localLine(report: StatusReport, age: AgeFormat): string | undefined {
  const { local } = report;
  if (local === undefined) return undefined;
  const view = local.connected
    ? 'connected'
    : `its view of the store is stale since ${age(local.staleSince)}${/[smhd]$/.test(age(local.staleSince)) ? ' ago' : ''}`;
  return `node/${local.node} at revision ${local.revision}, ${local.entries} entries, ${local.instances} instances, ${view}`;
}

/** Who leads; without managed services nobody needs to. */
function monitorLine(
  { leader, services }: StatusReport,
  age: AgeFormat,
): readonly (readonly [string, string])[] {
  if (leader !== undefined) return [['monitor', `node/${leader.node} leads since ${age(leader.since)}`]];
  return services.some(({ replicas }) => replicas !== undefined) ? [['monitor', 'nobody leads']] : [];
}

/** What the agent of this node keeps running: all that can be told without the store. */
function localInstances({ local }: StatusReport, age: AgeFormat): readonly (readonly [string, string])[] {
  return (local?.managed ?? []).map(({ service, id, state, address, since, restarts, why }) => {
    const words = [
      `${service}/${id}`,
      state,
      age(since),
      address,
      restarts > 0 ? `${restarts} restarts` : undefined,
      why,
    ];
    return ['instance', words.filter((word) => word !== undefined).join(', ')] as const;
  });
}

/** Lines `store`, `agents`, `local` with its instances, and one for each finding, newline included. */
export function statusHead(report: StatusReport, { age, palette }: StatusLayout): string {
  const local = report.store.reachable ? undefined : localLine(report, age);
  const lines: readonly (readonly [string, string])[] = [
    ['store', storeLine(report, palette)],
    ...(report.store.reachable
      ? [['agents', `${report.agents.reporting}/${report.agents.total} reporting`] as const]
      : []),
    ...monitorLine(report, age),
    ...(local === undefined ? [] : [['local', local] as const, ...localInstances(report, age)]),
    ...report.findings.map(
      ({ severity, ref, text }) => [severity, text.startsWith(ref) ? text : `${ref}: ${text}`] as const,
    ),
  ];
  const width = Math.max(6, ...lines.map(([name]) => name.length));
  return lines
    .map(([name, text]) => {
      const padded = name.padEnd(width);
      const painted =
        name === 'error' ? palette.bad(padded) : name === 'warn' ? palette.warn(padded) : padded;
      return `${painted}  ${name === 'store' ? text : plainText(text, 2000)}\n`;
    })
    .join('');
}
