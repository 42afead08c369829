/**
 * Owns the rules that kube-proxy's nftables mode writes, in the shape that its own tests publish (kubernetes,
 * pkg/proxy/nftables/proxier_test.go, up to 1.35): a verdict map of all services, and for each a chain with a map of its endpoints' chains
 * drawn by `numgen random`. (1.36 leaves the endpoints' chains out.) Pure.
 */
import { nameHash } from './kube-proxy-iptables.ts';
import { type BenchService, ENTRIES_NET, ENTRY_PORT, INSTANCE_PORT } from './services.ts';

const POD_NET = '10.0.0.0/8';
const T = 'ip kube-proxy';

const BASE = `add table ${T} { comment "rules for kube-proxy" ; }
add set ${T} cluster-ips { type ipv4_addr ; comment "Active ClusterIPs" ; }
add set ${T} nodeport-ips { type ipv4_addr ; comment "IPs that accept NodePort traffic" ; }
add map ${T} firewall-ips { type ipv4_addr . inet_proto . inet_service : verdict ; }
add map ${T} no-endpoint-nodeports { type inet_proto . inet_service : verdict ; }
add map ${T} no-endpoint-services { type ipv4_addr . inet_proto . inet_service : verdict ; }
add map ${T} service-ips { type ipv4_addr . inet_proto . inet_service : verdict ; }
add map ${T} service-nodeports { type inet_proto . inet_service : verdict ; }
add chain ${T} cluster-ips-check
add chain ${T} filter-prerouting-pre-dnat { type filter hook prerouting priority -110 ; }
add chain ${T} filter-output-pre-dnat { type filter hook output priority -110 ; }
add chain ${T} filter-forward { type filter hook forward priority 0 ; }
add chain ${T} filter-input { type filter hook input priority 0 ; }
add chain ${T} filter-output { type filter hook output priority 0 ; }
add chain ${T} firewall-check
add chain ${T} mark-for-masquerade
add chain ${T} masquerading
add chain ${T} nat-output { type nat hook output priority -100 ; }
add chain ${T} nat-postrouting { type nat hook postrouting priority 100 ; }
add chain ${T} nat-prerouting { type nat hook prerouting priority -100 ; }
add chain ${T} nodeport-endpoints-check
add chain ${T} reject-chain
add chain ${T} services
add chain ${T} service-endpoints-check
add rule ${T} cluster-ips-check ip daddr @cluster-ips reject
add rule ${T} cluster-ips-check ip daddr { ${ENTRIES_NET} } drop
add rule ${T} filter-prerouting-pre-dnat ct state new jump firewall-check
add rule ${T} filter-forward ct state new jump service-endpoints-check
add rule ${T} filter-forward ct state new jump cluster-ips-check
add rule ${T} filter-input ct state new jump nodeport-endpoints-check
add rule ${T} filter-input ct state new jump service-endpoints-check
add rule ${T} filter-output ct state new jump service-endpoints-check
add rule ${T} filter-output-pre-dnat ct state new jump firewall-check
add rule ${T} filter-output ct state new jump cluster-ips-check
add rule ${T} firewall-check ip daddr . meta l4proto . th dport vmap @firewall-ips
add rule ${T} mark-for-masquerade mark set mark or 0x4000
add rule ${T} masquerading mark and 0x4000 == 0 return
add rule ${T} masquerading mark set mark xor 0x4000
add rule ${T} masquerading masquerade fully-random
add rule ${T} nat-output jump services
add rule ${T} nat-postrouting jump masquerading
add rule ${T} nat-prerouting jump services
add rule ${T} nodeport-endpoints-check ip daddr @nodeport-ips meta l4proto . th dport vmap @no-endpoint-nodeports
add rule ${T} reject-chain reject
add rule ${T} services ip daddr . meta l4proto . th dport vmap @service-ips
add rule ${T} services ip daddr @nodeport-ips meta l4proto . th dport vmap @service-nodeports
add rule ${T} service-endpoints-check ip daddr . meta l4proto . th dport vmap @no-endpoint-services
`;

const suffix = (service: BenchService): string => `bench/${service.name}/tcp/http`;
const serviceChain = (service: BenchService): string =>
  `service-${nameHash(suffix(service), 8)}-${suffix(service)}`;
const endpointChain = (service: BenchService, ip: string): string =>
  `endpoint-${nameHash(suffix(service) + ip, 8)}-${suffix(service)}__${ip}/${INSTANCE_PORT}`;

function chainNames(service: BenchService): readonly string[] {
  return [serviceChain(service), ...service.instances.map((ip) => endpointChain(service, ip))];
}

function ruleLines(service: BenchService): readonly string[] {
  const chain = serviceChain(service);
  const draws = service.instances.map((ip, at) => `${at} : goto ${endpointChain(service, ip)}`).join(' , ');
  return [
    `add rule ${T} ${chain} ip daddr ${service.vip} ip saddr != ${POD_NET} jump mark-for-masquerade`,
    `add rule ${T} ${chain} numgen random mod ${service.instances.length} vmap { ${draws} }`,
    ...service.instances.flatMap((ip) => [
      `add rule ${T} ${endpointChain(service, ip)} ip saddr ${ip} jump mark-for-masquerade`,
      `add rule ${T} ${endpointChain(service, ip)} meta l4proto tcp dnat to ${ip}:${INSTANCE_PORT}`,
    ]),
  ];
}

const elementLines = (service: BenchService): readonly string[] => [
  `add element ${T} cluster-ips { ${service.vip} }`,
  `add element ${T} service-ips { ${service.vip} . tcp . ${ENTRY_PORT} : goto ${serviceChain(service)} }`,
];

/** Services that are new: all of them for a first load (after `kubeProxyNftablesBase`), or those that are added. */
export function kubeProxyNftablesAdd(services: readonly BenchService[]): string {
  const lines = [
    ...services.flatMap((service) => chainNames(service).map((name) => `add chain ${T} ${name}`)),
    ...services.flatMap(ruleLines),
    ...services.flatMap(elementLines),
  ];
  return `${lines.join('\n')}\n`;
}

/** The frame that does not depend on services. */
export const kubeProxyNftablesBase = BASE;

/** What a partial sync writes: the chains of each service anew, and the chains of its endpoints that are gone. */
export function kubeProxyNftablesChange(
  changed: readonly BenchService[],
  before: readonly BenchService[],
): string {
  const names = new Set(changed.flatMap(chainNames));
  const gone = before.flatMap(chainNames).filter((name) => !names.has(name));
  const lines = [
    ...[...names].flatMap((name) => [`add chain ${T} ${name}`, `flush chain ${T} ${name}`]),
    ...changed.flatMap(ruleLines),
    ...gone.flatMap((name) => [`flush chain ${T} ${name}`, `delete chain ${T} ${name}`]),
  ];
  return `${lines.join('\n')}\n`;
}
