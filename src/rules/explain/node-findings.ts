/** Owns what of the node itself stands against an entry: its own route to it, rp_filter, both variants of iptables. Pure. */
import { isOurs, type LiveTable } from './live.ts';
import type { ExplainFinding } from './finding.ts';
import type { NodeState } from './node-state.ts';

const AGENT =
  'the agent makes this route when it applies its rules (sluice status says what it could not do); by hand: sluice agent --once';

/** Routing of the node's own connections to the entry. */
function entryRoute({ entryRoute: route, origin }: NodeState, entryIp: string): readonly ExplainFinding[] {
  if (origin.kind !== 'node') return [];
  if (route.kind === 'none') {
    const text = `this node has no route to the entry ${entryIp}: ${route.why}; its own programs cannot even send to it`;
    return [{ severity: 'error', code: 'entry-route', text, fix: AGENT }];
  }
  if (route.source !== entryIp) return [];
  const text = `connections of this node to ${entryIp} would carry ${entryIp} itself as their source and get no answer`;
  return [
    {
      severity: 'error',
      code: 'entry-route',
      text,
      fix: AGENT,
    },
  ];
}

const loose = (device: string): string =>
  `sysctl -w net.ipv4.conf.${device}.rp_filter=2 (and conf.all below 1)`;

function reversePath(state: NodeState): readonly ExplainFinding[] {
  const { origin, reversePath: modes, reversePathDrops: drops } = state;
  if (origin.kind !== 'outside') return [];
  const mode = modes.get(origin.device) ?? 0;
  const back = origin.route;
  const who = origin.source ?? 'the client';
  if (mode > 0 && back?.kind === 'none') {
    const text = `rp_filter on ${origin.device} drops packets of ${who}: this node has no route back to it (${back.why})`;
    return [{ severity: 'error', code: 'reverse-path', text, fix: 'add a route to the client' }];
  }
  if (mode === 1 && back?.kind === 'via' && back.device !== origin.device) {
    const text = `rp_filter on ${origin.device} is strict and drops packets of ${who}: the route back to it is by ${back.device}`;
    return [{ severity: 'error', code: 'reverse-path', text, fix: loose(origin.device) }];
  }
  const others = [...modes].filter(
    ([device, each]) => each === 1 && device !== origin.device && device !== 'lo',
  );
  if (others.length === 0 || drops === 0) return [];
  const names = others.map(([device]) => device).join(', ');
  const text = `rp_filter is strict on ${names} and ${drops} packets were dropped by it since boot: packets of ${who} that come in there are lost`;
  return [{ severity: 'warn', code: 'reverse-path', text, fix: loose(others[0]?.[0] ?? 'all') }];
}

const holdsOurs = (tables: readonly LiveTable[], owner: string): boolean =>
  tables.some(
    (table) => table.owner === owner && [...table.chains.keys()].some((chain) => isOurs(table, chain)),
  );

function variants(state: NodeState, tables: readonly LiveTable[]): readonly ExplainFinding[] {
  const { nft, legacy } = state.ruleCounts;
  if (nft === 0 || legacy === 0) return [];
  const isDouble = holdsOurs(tables, 'iptables-nft') && holdsOurs(tables, 'iptables-legacy');
  const ours = isDouble
    ? '; both hold rules of Sluice, and packets are translated by whichever comes first'
    : '';
  return [
    {
      severity: isDouble ? 'error' : 'warn',
      code: 'both-variants',
      text: `both iptables-nft (${nft} rules) and iptables-legacy (${legacy} rules) are in use: each tool shows its own only${ours}`,
      fix: 'move all rules to one of them: iptables-legacy-save shows those of legacy, iptables-legacy -F removes them',
    },
  ];
}

/** Everything about the node itself. */
export function nodeFindings(
  state: NodeState,
  entryIp: string,
  tables: readonly LiveTable[],
): readonly ExplainFinding[] {
  return [
    ...entryRoute(state, entryIp),
    ...reversePath(state),
    ...variants(state, tables),
    ...state.unread.map((text) => ({
      severity: 'warn' as const,
      code: 'not-read' as const,
      text,
      fix: 'explain knows nothing of what stands there; look at it with nft list ruleset and iptables-save',
    })),
  ];
}
