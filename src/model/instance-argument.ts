/** Owns instances as one text, `IP:PORT[=WEIGHT]`, on the command line and in specs. Pure. */
import { formatAddress, parseAddress } from './address.ts';
import type { InstanceSpec } from './service.ts';
import { parseWeight } from './weight.ts';

/** Weight of an instance for which none is said. */
export const DEFAULT_WEIGHT = 1;

/**
 * Parses `10.0.1.11:8080`, `10.0.1.11:8080=3` or `[fd00::1]:8080=3`.
 * @throws SluiceError `invalid-spec`
 */
export function parseInstanceArgument(text: string, field = 'instance'): InstanceSpec {
  const equals = text.indexOf('=');
  const address = parseAddress(equals < 0 ? text : text.slice(0, equals), field);
  const weight = equals < 0 ? DEFAULT_WEIGHT : parseWeight(text.slice(equals + 1), `${field} weight`);
  return { ...address, weight };
}

/** Canonical text: the weight is written only if it is not 1. */
export function formatInstanceArgument(instance: InstanceSpec): string {
  const address = formatAddress(instance);
  return instance.weight === DEFAULT_WEIGHT ? address : `${address}=${instance.weight}`;
}
