/** Owns making a spec from values typed on the command line: the same checks as for a file. Pure. */
import { compareAddresses } from './address.ts';
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
  return { name, entries, instances, masquerade: flags.masquerade ?? false };
}
