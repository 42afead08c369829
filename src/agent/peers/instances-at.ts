/** Owns which instances are on a machine by their addresses, as places where it can be asked. Pure. */
import type { Address } from '../../model/address.ts';
import { isServing } from '../../model/serving.ts';
import type { Snapshot } from '../../model/snapshot.ts';

/** So many are enough: of a machine that is there one of them answers. */
const MOST = 3;

/** TCP instances on these addresses that get connections, a few of them. A look at all instances: for nodes that do not answer elsewhere. */
export function instancesAt({ services, instances }: Snapshot, ips: readonly string[]): readonly Address[] {
  const own = new Set(ips);
  const found = new Map<string, Address>();
  for (const [service, all] of instances) {
    const isTcp = services.get(service)?.value.entries.some(({ protocol }) => protocol === 'tcp') === true;
    if (!isTcp) continue;
    for (const { value } of all) {
      if (!own.has(value.ip) || !isServing(value)) continue;
      found.set(`${value.ip} ${value.port}`, { ip: value.ip, port: value.port });
      if (found.size === MOST) return [...found.values()];
    }
  }
  return [...found.values()];
}
