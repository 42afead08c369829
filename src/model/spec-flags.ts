/** Owns making a spec from values typed on the command line: the same checks as for a file. Pure. */
import { compareAddresses } from './address.ts';
import { parseAffinity } from './affinity.ts';
import { compareEntries, parseEntry } from './entry.ts';
import { parseInstanceArgument } from './instance-argument.ts';
import { parseName } from './name.ts';
import { assertService } from './service-rules.ts';
import type { ServiceSpec } from './service.ts';

/** What `publish` gets from its flags, as typed. */
export interface SpecFlags {
  readonly name: string;
  /** `IP:PORT[/tcp|udp]` */
  readonly entries: readonly string[];
  /** `IP:PORT[=WEIGHT]` */
  readonly instances: readonly string[];
  readonly masquerade?: boolean | undefined;
  /** `client-ip[=TIME]` or `none` */
  readonly affinity?: string | undefined;
  readonly announce?: boolean | undefined;
}

/**
 * A spec from flags, in canonical order.
 * @throws SluiceError `invalid-spec`
 */
export function specFromFlags(flags: SpecFlags): ServiceSpec {
  const name = parseName(flags.name, 'service');
  const entries = flags.entries.map((text) => parseEntry(text, '--entry')).toSorted(compareEntries);
  const instances = flags.instances
    .map((text) => parseInstanceArgument(text, '--instance'))
    .toSorted(compareAddresses);
  assertService(name, { entries, instances });
  const seconds = parseAffinity(flags.affinity ?? 'none', '--affinity');
  const affinity = seconds === undefined ? {} : { affinitySeconds: seconds };
  const announce = flags.announce === true ? { announce: true } : {};
  // Clients that the entry is announced to are neighbours of the instances too, which would answer them past the node.
  const masquerade = flags.masquerade ?? flags.announce ?? false;
  return { name, entries, instances, masquerade, ...affinity, ...announce };
}
