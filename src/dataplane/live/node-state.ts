/** Owns reading what besides rules decides about a packet: routes, devices, kernel settings. Reads only. */
import { SluiceError } from '../../errors.ts';
import type { Exec } from '../../host/exec.ts';
import type { Family } from '../../model/address.ts';
import { asList, asObject, asText } from '../../rules/explain/nft-words.ts';
import type { NodeState, Origin, RouteFact } from '../../rules/explain/node-state.ts';
import { readRoutes } from './routes.ts';

/** Whose connections are meant. */
export interface ClientPlace {
  readonly entryIp: string;
  readonly family: Family;
  /** Address of the client; undefined: a program on this node. */
  readonly from: string | undefined;
  /** Device by which its packets come in; undefined: by which the node would answer. */
  readonly device: string | undefined;
}

/** State without what the rules tell. */
export type BareState = Omit<NodeState, 'ruleCounts' | 'unread'>;

/** Texts of files below /proc that can be read, by name. One program for all, inside the namespace of `exec`. */
async function readFiles(exec: Exec, files: readonly string[]): Promise<ReadonlyMap<string, string>> {
  const { stdout } = await exec('grep', ['-Hs', '', ...files]);
  const lines = new Map<string, string>();
  for (const line of stdout.split('\n')) {
    const colon = line.indexOf(':');
    const [file, text] = [line.slice(0, colon), line.slice(colon + 1)];
    if (colon > 0) lines.set(file, lines.has(file) ? `${lines.get(file) ?? ''}\n${text}` : text);
  }
  return lines;
}

async function devicesOf(exec: Exec): Promise<readonly string[]> {
  const { stdout } = await exec('ip', ['-j', 'link', 'show']);
  const links: unknown = JSON.parse(stdout === '' ? '[]' : stdout);
  return asList(links).map((link) => asText(asObject(link)?.['ifname']));
}

async function localNetworks(exec: Exec, family: Family): Promise<readonly string[]> {
  const { stdout } = await exec('ip', [family === 'ipv4' ? '-4' : '-6', 'route', 'show', 'table', 'local'], {
    timeoutMs: 30_000,
  });
  return [...stdout.matchAll(/^(?:local|anycast) (\S+) /gm)].map(([, network]) => network ?? '');
}

/** `IPReversePathFilter` of /proc/net/netstat. */
function reversePathDrops(netstat: string | undefined): number {
  const [names = '', values = ''] = (netstat ?? '').split('\n').filter((line) => line.startsWith('TcpExt:'));
  const at = names.split(' ').indexOf('IPReversePathFilter');
  return at < 0 ? 0 : Number(values.split(' ')[at] ?? 0);
}

function originOf(
  place: ClientPlace,
  {
    routes,
    devices,
  }: { readonly routes: ReadonlyMap<string, RouteFact>; readonly devices: readonly string[] },
): Origin {
  const { from, device, entryIp } = place;
  const entryRoute = routes.get(entryIp);
  const route = from === undefined ? undefined : routes.get(from);
  if (from === undefined || (route?.kind === 'local' && device === undefined)) {
    const source =
      from ?? (entryRoute === undefined || entryRoute.kind === 'none' ? undefined : entryRoute.source);
    return { kind: 'node', source, device: '', route: undefined };
  }
  const outside = devices.filter((name) => name !== 'lo');
  const guessed = route?.kind === 'via' ? route.device : outside.length === 1 ? outside[0] : undefined;
  const known = device ?? guessed;
  if (known === undefined || !devices.includes(known)) {
    throw new SluiceError('usage', `it is not known by which device packets of ${from} come in`, {
      why:
        device === undefined
          ? `this node has no route to ${from}`
          : `this node has no device ${JSON.stringify(device)}`,
      fix: `name one with --in: ${outside.join(', ')}`,
      details: { flag: '--in', allowed: outside },
    });
  }
  return { kind: 'outside', source: from, device: known, route };
}

const conf = (name: string, file: string): string => `/proc/sys/net/ipv4/conf/${name}/${file}`;

/** Reads the state of the node for the connections of one client to one entry. @throws SluiceError `usage`, `config`, `failed` */
export async function readNodeState(exec: Exec, place: ClientPlace): Promise<BareState> {
  const { family, entryIp, from } = place;
  const devices = await devicesOf(exec);
  const forwarding =
    family === 'ipv4' ? '/proc/sys/net/ipv4/ip_forward' : '/proc/sys/net/ipv6/conf/all/forwarding';
  const settings = ['all', ...devices].flatMap((name) => [
    conf(name, 'rp_filter'),
    conf(name, 'route_localnet'),
  ]);
  const [networks, routes, files] = await Promise.all([
    localNetworks(exec, family),
    readRoutes(exec, from === undefined ? [entryIp] : [entryIp, from]),
    readFiles(exec, [forwarding, '/proc/net/netstat', ...settings]),
  ]);
  const number = (file: string): number => Number(files.get(file) ?? 0);
  return {
    origin: originOf(place, { routes, devices }),
    entryRoute: routes.get(entryIp) ?? { kind: 'none', why: 'no answer' },
    localNetworks: networks,
    forwards: number(forwarding) > 0,
    reversePath: new Map(
      family === 'ipv6'
        ? []
        : devices.map((name) => [
            name,
            Math.max(number(conf(name, 'rp_filter')), number(conf('all', 'rp_filter'))),
          ]),
    ),
    reversePathDrops: reversePathDrops(files.get('/proc/net/netstat')),
    routeLocalnet: new Set(
      devices.filter(
        (name) => number(conf(name, 'route_localnet')) + number(conf('all', 'route_localnet')) > 0,
      ),
    ),
  };
}
