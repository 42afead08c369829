/**
 * Owns the rules that kube-proxy's iptables mode writes, in the shape that its own tests publish (kubernetes,
 * pkg/proxy/iptables/proxier_test.go): KUBE-SERVICES asks service by service, a KUBE-SVC chain draws among its KUBE-SEP chains. Pure.
 */
import { createHash } from 'node:crypto';
import { type BenchService, ENTRY_PORT, INSTANCE_PORT } from './services.ts';

/** Addresses of pods: what comes from elsewhere is masqueraded. All clients of the benchmark are inside, so that nobody pays for that. */
const POD_NET = '10.0.0.0/8';
/** Above so many endpoints kube-proxy leaves the comments out (largeClusterEndpointsThreshold). */
const COMMENTS_UP_TO = 1000;

const BASE32 = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';

function hash16(text: string): string {
  const bytes = createHash('sha256').update(text).digest();
  const bits = [...bytes.subarray(0, 10)].map((byte) => byte.toString(2).padStart(8, '0')).join('');
  return Array.from({ length: 16 }, (_, at) => BASE32[parseInt(bits.slice(at * 5, at * 5 + 5), 2)]).join('');
}

/** First characters of a hash, as kube-proxy names chains with. */
export const nameHash = (text: string, length: number): string => hash16(text).slice(0, length);

const svcChain = (service: BenchService): string => `KUBE-SVC-${hash16(`bench/${service.name}:httptcp`)}`;
const sepChain = (service: BenchService, ip: string): string =>
  `KUBE-SEP-${hash16(`bench/${service.name}:httptcp${ip}:${INSTANCE_PORT}`)}`;

/** A chain and its rules. */
type Chain = readonly [name: string, rules: readonly string[]];

function serviceChains(service: BenchService, comments: boolean): readonly Chain[] {
  const comment = (text: string): string => (comments ? `-m comment --comment "${text}" ` : '');
  const name = `bench/${service.name}:http`;
  const svc = svcChain(service);
  const count = service.instances.length;
  const draw = (at: number): string =>
    at === count - 1 ? '' : `-m statistic --mode random --probability ${(1 / (count - at)).toFixed(10)} `;
  return [
    [
      svc,
      [
        `${comment(`${name} cluster IP`)}-m tcp -p tcp -d ${service.vip} --dport ${ENTRY_PORT} ! -s ${POD_NET} -j KUBE-MARK-MASQ`,
        ...service.instances.map(
          (ip, at) => `${comment(`${name} -> ${ip}:${INSTANCE_PORT}`)}${draw(at)}-j ${sepChain(service, ip)}`,
        ),
      ],
    ],
    ...service.instances.map((ip): Chain => [
      sepChain(service, ip),
      [
        `${comment(name)}-s ${ip} -j KUBE-MARK-MASQ`,
        `${comment(name)}-m tcp -p tcp -j DNAT --to-destination ${ip}:${INSTANCE_PORT}`,
      ],
    ]),
  ];
}

function servicesChain(services: readonly BenchService[], comments: boolean): Chain {
  return [
    'KUBE-SERVICES',
    [
      ...services.map((service) => {
        const comment = comments ? `-m comment --comment "bench/${service.name}:http cluster IP" ` : '';
        return `${comment}-m tcp -p tcp -d ${service.vip} --dport ${ENTRY_PORT} -j ${svcChain(service)}`;
      }),
      '-m comment --comment "kubernetes service nodeports; NOTE: this must be the last rule in this chain" -m addrtype --dst-type LOCAL -j KUBE-NODEPORTS',
    ],
  ];
}

const FIXED: readonly Chain[] = [
  ['KUBE-NODEPORTS', []],
  [
    'KUBE-POSTROUTING',
    [
      '-m mark ! --mark 0x4000/0x4000 -j RETURN',
      '-j MARK --xor-mark 0x4000',
      '-m comment --comment "kubernetes service traffic requiring SNAT" -j MASQUERADE --random-fully',
    ],
  ],
  ['KUBE-MARK-MASQ', ['-j MARK --or-mark 0x4000']],
];

const FILTER = `*filter
:KUBE-SERVICES - [0:0]
:KUBE-EXTERNAL-SERVICES - [0:0]
:KUBE-FORWARD - [0:0]
:KUBE-NODEPORTS - [0:0]
:KUBE-PROXY-FIREWALL - [0:0]
-A KUBE-FORWARD -m conntrack --ctstate INVALID -j DROP
-A KUBE-FORWARD -m comment --comment "kubernetes forwarding rules" -m mark --mark 0x4000/0x4000 -j ACCEPT
-A KUBE-FORWARD -m comment --comment "kubernetes forwarding conntrack rule" -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
COMMIT
`;

/** The jumps into kube-proxy's chains; written once, after the first load. */
export const KUBE_PROXY_JUMPS = `*filter
-A INPUT -m conntrack --ctstate NEW -m comment --comment "kubernetes load balancer firewall" -j KUBE-PROXY-FIREWALL
-A INPUT -m comment --comment "kubernetes health check service ports" -j KUBE-NODEPORTS
-A INPUT -m conntrack --ctstate NEW -m comment --comment "kubernetes externally-visible service portals" -j KUBE-EXTERNAL-SERVICES
-A FORWARD -m conntrack --ctstate NEW -m comment --comment "kubernetes load balancer firewall" -j KUBE-PROXY-FIREWALL
-A FORWARD -m comment --comment "kubernetes forwarding rules" -j KUBE-FORWARD
-A FORWARD -m conntrack --ctstate NEW -m comment --comment "kubernetes service portals" -j KUBE-SERVICES
-A FORWARD -m conntrack --ctstate NEW -m comment --comment "kubernetes externally-visible service portals" -j KUBE-EXTERNAL-SERVICES
-A OUTPUT -m conntrack --ctstate NEW -m comment --comment "kubernetes load balancer firewall" -j KUBE-PROXY-FIREWALL
-A OUTPUT -m conntrack --ctstate NEW -m comment --comment "kubernetes service portals" -j KUBE-SERVICES
COMMIT
*nat
-A PREROUTING -m comment --comment "kubernetes service portals" -j KUBE-SERVICES
-A OUTPUT -m comment --comment "kubernetes service portals" -j KUBE-SERVICES
-A POSTROUTING -m comment --comment "kubernetes postrouting rules" -j KUBE-POSTROUTING
COMMIT
`;

function document(
  chains: readonly Chain[],
  declared: readonly string[],
  gone: readonly string[] = [],
): string {
  const lines = [
    ...declared.map((name) => `:${name} - [0:0]`),
    ...chains.flatMap(([name, rules]) => rules.map((rule) => `-A ${name} ${rule}`)),
    ...gone.map((name) => `-X ${name}`),
  ];
  return `${FILTER}*nat\n${lines.join('\n')}\nCOMMIT\n`;
}

const wantsComments = (services: readonly BenchService[]): boolean =>
  services.length * (services[0]?.instances.length ?? 0) <= COMMENTS_UP_TO;

const allChains = (services: readonly BenchService[]): readonly Chain[] => {
  const comments = wantsComments(services);
  const own = services.flatMap((service) => serviceChains(service, comments));
  return [servicesChain(services, comments), ...FIXED, ...own];
};

/** All rules as kube-proxy's first sync writes them, in one document. */
export function kubeProxyIptables(services: readonly BenchService[]): string {
  const chains = allChains(services);
  return document(
    chains,
    chains.map(([name]) => name),
  );
}

/** Chains a document of `kubeProxyIptablesChunks`. */
const CHUNK = 1000;
const chunks = (list: readonly Chain[]): readonly (readonly Chain[])[] =>
  Array.from({ length: Math.ceil(list.length / CHUNK) }, (_, at) => list.slice(at * CHUNK, (at + 1) * CHUNK));

/**
 * The same rules in small documents, chains that are jumped to first, so that the kernel ends with the same in a fraction of the time: iptables-nft
 * (1.8.9) keeps the names of a document's chains in a sorted list, and one document of 10,000 services takes it minutes. Not sorted here: with chains made
 * in the order of their names it sorts, when it reads back, in quadratic time (54 s instead of 2 at 10,000 services).
 */
export function kubeProxyIptablesChunks(services: readonly BenchService[]): readonly string[] {
  const chains = allChains(services);
  const named = (prefix: string): readonly Chain[] => chains.filter(([name]) => name.startsWith(prefix));
  const own = [...chunks(named('KUBE-SEP-')), ...chunks(named('KUBE-SVC-'))];
  return [FIXED, ...own, named('KUBE-SERVICES')].map((list) =>
    document(
      list,
      list.map(([name]) => name),
    ),
  );
}

/**
 * What a partial sync writes (KEP-3453): the chains of what changed, chains of endpoints that are gone, and KUBE-SERVICES whole.
 * @param changed services that are new, or were `before`
 */
export function kubeProxyIptablesPartial(
  services: readonly BenchService[],
  changed: readonly BenchService[],
  before: readonly BenchService[],
): string {
  const comments = wantsComments(services);
  const own = changed.flatMap((service) => serviceChains(service, comments));
  const names = new Set(own.map(([name]) => name));
  const gone = before
    .flatMap((service) => serviceChains(service, comments).map(([name]) => name))
    .filter((name) => !names.has(name));
  const chains = [servicesChain(services, comments), ...FIXED, ...own];
  return document(chains, [...chains.map(([name]) => name), ...gone], gone);
}
