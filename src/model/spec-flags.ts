/** Owns making a spec from values typed on the command line: the same checks as for a file. Pure. */
import { SluiceError } from '../errors.ts';
import { compareAddresses } from './address.ts';
import { parseAffinity } from './affinity.ts';
import { compareEntries, parseEntry } from './entry.ts';
import { parseInstanceArgument } from './instance-argument.ts';
import { MAX_REPLICAS } from './limits.ts';
import { parseName } from './name.ts';
import { parseApp } from './registration-app.ts';
import { assertService } from './service-rules.ts';
import type { ServiceSpec } from './service.ts';
import { type TemplateFlags, templateFromFlags } from './template-flags.ts';
import { quoteValue } from './text.ts';

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
  /** The app whose registered instances it has. */
  readonly registry?: string | undefined;
  /** How many instances to run, and what each runs. */
  readonly replicas?: string | undefined;
  readonly template?: TemplateFlags | undefined;
}

/** A number of instances. @throws SluiceError `invalid-spec` */
function parseReplicas(text: string, field: string): number {
  const replicas = /^(0|[1-9][0-9]{0,5})$/.test(text) ? Number(text) : Number.NaN;
  if (replicas <= MAX_REPLICAS) return replicas;
  throw new SluiceError('invalid-spec', `${field}: ${quoteValue(text)} is not a number of instances`, {
    why: `a service runs 0 to ${MAX_REPLICAS} instances`,
    fix: `write for example ${field} 3`,
    details: { field, value: text.slice(0, 80), allowed: `0-${MAX_REPLICAS}` },
  });
}

/** A service either lists instances or says what to run. */
function refuseMixture({ name, instances, registry, replicas, template }: SpecFlags): void {
  if (registry !== undefined && (template !== undefined || instances.length > 0)) {
    throw new SluiceError('invalid-spec', `service '${name}' has --from-registry and other instances`, {
      why: 'instances come from the registry, from --instance, or from a command that sluice runs; not from two of them',
      fix: 'leave --instance, --command and what belongs to them out, or --from-registry',
      details: { service: name, field: '--from-registry', allowed: '--from-registry alone' },
    });
  }
  if (template !== undefined && instances.length > 0) {
    throw new SluiceError('invalid-spec', `service '${name}' has either --instance or a command to run`, {
      why: 'instances are listed by hand, or started by sluice from a template; not both',
      fix: 'leave --instance out, or all of --command, --image and what belongs to them',
      details: { service: name, field: '--instance', allowed: '--instance or --command' },
    });
  }
  if (template === undefined && replicas !== undefined) {
    throw new SluiceError('invalid-spec', `service '${name}' has --replicas and nothing to run`, {
      why: '--command (or --image) says what an instance runs',
      fix: `add --command 'PROGRAM --port {port}'; sluice scale ${name} ${replicas} changes the number alone`,
      details: { service: name, field: '--replicas', allowed: '--replicas with --command' },
    });
  }
}

/**
 * A spec from flags, in canonical order.
 * @throws SluiceError `invalid-spec`
 */
export function specFromFlags(flags: SpecFlags): ServiceSpec {
  const name = parseName(flags.name, 'service');
  refuseMixture(flags);
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
  const registry =
    flags.registry === undefined ? {} : { registry: parseApp(flags.registry, '--from-registry') };
  const template = flags.template === undefined ? undefined : templateFromFlags(flags.template);
  const replicas = flags.replicas === undefined ? undefined : parseReplicas(flags.replicas, '--replicas');
  return {
    name,
    entries,
    instances,
    masquerade,
    ...affinity,
    ...announce,
    ...registry,
    ...(template === undefined ? {} : { template }),
    ...(replicas === undefined ? {} : { replicas }),
  };
}
