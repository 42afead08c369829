/** Owns what can go wrong after an instance was chosen: routes, forwarding, filters, the way back. Pure. */
import { formatAddress } from '../../model/address.ts';
import { type ExplainFinding, NO_INSTANCES, removal, REPAIR, ruleName } from './finding.ts';
import { isGuard, isRefusal } from './guard-findings.ts';
import type { Arrival, Half } from './journey.ts';
import type { NodeState, RouteFact } from './node-state.ts';

/** One destination with its way. */
export interface Way {
  readonly arrival: Arrival;
  readonly route: RouteFact;
  readonly half: Half;
}

const addressOf = ({ arrival: { packet } }: Way): string =>
  formatAddress({ ip: packet.destination, port: packet.port });

const INSTEAD: Readonly<Record<string, string>> = {
  forward:
    'accept what Sluice translated before it: iptables -I FORWARD -m conntrack --ctstate DNAT -j ACCEPT (where the policy of FORWARD is DROP, a running agent does so)',
  input: 'accept the port of the instance before it in INPUT',
  output: 'accept the address of the instance before it in OUTPUT',
  postrouting: 'accept the address of the instance before it',
};

function listed(names: readonly string[]): string {
  const unique = [...new Set(names)];
  const shown = unique.slice(0, 3).join(', ');
  return unique.length > 3 ? `${shown} and ${unique.length - 3} more` : shown;
}

function blockedBy(loss: Half['losses'][number], hit: readonly string[]): ExplainFinding {
  const { by, verdict, packet } = loss;
  const does = verdict.kind === 'reject' ? 'refuses' : 'drops';
  const about = {
    severity: 'error',
    text: `${ruleName(by)} ${does} connections on their way to ${listed(hit)}`,
  } as const;
  if (isGuard(by.table) && packet.translated)
    return { ...about, code: 'guard-blocks', text: `${about.text}: somebody changed the guard`, fix: REPAIR };
  if (by.ours) return { ...about, code: 'no-instances', fix: NO_INSTANCES };
  return {
    ...about,
    code: 'blocked',
    fix: removal(by, INSTEAD[loss.hook] ?? 'accept the instance before it'),
  };
}

/** Rules that drop or refuse, each once with the instances it hits. */
function blocked(ways: readonly Way[]): readonly ExplainFinding[] {
  const byRule = new Map<
    string,
    { readonly way: Way; readonly loss: Half['losses'][number]; readonly hit: string[] }
  >();
  for (const way of ways) {
    // What no rule translated ends at the guard as it should: why nobody translated it is said elsewhere.
    const losses = way.half.losses.filter(
      ({ by, packet }) => packet.translated || !isGuard(by.table) || isRefusal(by),
    );
    for (const loss of losses) {
      const key = ruleName(loss.by);
      const found = byRule.get(key) ?? { way, loss, hit: [] };
      found.hit.push(addressOf(way));
      byRule.set(key, found);
    }
  }
  return [...byRule.values()].map(({ loss, hit }) => blockedBy(loss, hit));
}

function noRoutes(ways: readonly Way[]): readonly ExplainFinding[] {
  return ways.flatMap((way): readonly ExplainFinding[] => {
    if (way.route.kind !== 'none' || !way.arrival.packet.translated) return [];
    const { destination } = way.arrival.packet;
    return [
      {
        severity: 'error',
        code: 'no-route',
        text: `this node has no route to instance ${addressOf(way)}: ${way.route.why}`,
        fix: `add a route: ip route add ${destination} via GATEWAY`,
      },
    ];
  });
}

const isIpv6 = (way: Way): boolean => way.arrival.packet.family === 'ipv6';

function notForwarding(state: NodeState, ways: readonly Way[]): readonly ExplainFinding[] {
  const [remote] = ways.filter(({ route, arrival }) => route.kind === 'via' && arrival.packet.translated);
  if (state.forwards || remote === undefined) return [];
  const key = isIpv6(remote) ? 'net.ipv6.conf.all.forwarding' : 'net.ipv4.ip_forward';
  const isOutside = state.origin.kind === 'outside';
  return [
    {
      severity: isOutside ? 'error' : 'warn',
      code: 'no-forwarding',
      text: isOutside
        ? `${key} is 0: this node does not forward packets of other machines to instances elsewhere`
        : `${key} is 0: connections of this node work, those of other machines that come through it do not`,
      fix: `sysctl -w ${key}=1, and write it into /etc/sysctl.d/`,
    },
  ];
}

function localnet(state: NodeState, ways: readonly Way[]): readonly ExplainFinding[] {
  const { origin, routeLocalnet } = state;
  if (origin.kind === 'node' || routeLocalnet.has(origin.device)) return [];
  const [loopback] = ways.filter(({ arrival }) => arrival.packet.destination.startsWith('127.'));
  if (loopback === undefined) return [];
  return [
    {
      severity: 'error',
      code: 'route-localnet',
      text: `${addressOf(loopback)} is on loopback, and ${origin.device} does not let packets of other machines there`,
      fix: `give the instance an address of the node, or sysctl -w net.ipv4.conf.${origin.device}.route_localnet=1`,
    },
  ];
}

/** Client and instance are neighbours on one link: the answer goes past this node, untranslated, and the client refuses it. */
function returnPath(state: NodeState, ways: readonly Way[]): readonly ExplainFinding[] {
  const { route, source } = state.origin;
  if (route?.kind !== 'via') return [];
  const direct = ways.filter(
    (way) =>
      way.route.kind === 'via' &&
      way.route.device === route.device &&
      way.arrival.packet.translated &&
      way.half.arrivals.some(({ packet }) => !packet.masqueraded),
  );
  if (direct.length === 0) return [];
  const isSure =
    route.gateway === undefined &&
    direct.some(({ route: to }) => to.kind === 'via' && to.gateway === undefined);
  const who = `${source ?? 'the client'} and ${listed(direct.map(addressOf))}`;
  return [
    {
      severity: isSure ? 'error' : 'warn',
      code: 'return-path',
      text: isSure
        ? `${who} are on one link (${route.device}): answers go past this node and the client does not know them`
        : `${who} are both behind ${route.device}: answers may go past this node, and the client would not know them`,
      fix: 'publish the service with --masquerade, or run an agent on the client',
    },
  ];
}

/** Everything about the way from our rules to the instances. */
export function wayFindings(state: NodeState, ways: readonly Way[]): readonly ExplainFinding[] {
  return [
    ...noRoutes(ways),
    ...notForwarding(state, ways),
    ...localnet(state, ways),
    ...blocked(ways),
    ...returnPath(state, ways),
  ];
}
