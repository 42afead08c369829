/**
 * Owns what must hold between the parts of a service, wherever it comes from (flags, spec file, `instance add`): addresses that can be
 * dialled, nothing twice, no loops, caps. Pure.
 */
import { SluiceError } from '../errors.ts';
import { type Address, formatAddress } from './address.ts';
import { type Entry, formatEntry } from './entry.ts';
import { MAX_ENTRIES, MAX_INSTANCES } from './limits.ts';
import { reservedBecause } from './reserved.ts';

/** A rule that does not hold, and for which part. */
export interface RuleBreak {
  readonly part: 'entries' | 'instances';
  /** Index in the list, or undefined for the list as a whole. */
  readonly index?: number | undefined;
  readonly value: string;
  readonly what: string;
  readonly allowed: string;
}

/** What the rules are checked on. */
export interface ServiceParts {
  readonly entries: readonly Entry[];
  readonly instances: readonly Address[];
}

function listBreaks(part: RuleBreak['part'], texts: readonly string[]): RuleBreak | undefined {
  const [least, most] = part === 'entries' ? [1, MAX_ENTRIES] : [0, MAX_INSTANCES];
  if (texts.length >= least && texts.length <= most) return undefined;
  const what = `${texts.length} ${part} are ${texts.length < least ? 'too few' : 'too many'}`;
  return { part, value: String(texts.length), what, allowed: `${least} to ${most} ${part} a service` };
}

/** Breaks of one list by itself: its length, reserved addresses, repeats. */
function breaksOf(
  part: RuleBreak['part'],
  list: readonly Address[],
  texts: readonly string[],
): readonly RuleBreak[] {
  const wrongLength = listBreaks(part, texts);
  if (wrongLength !== undefined) return [wrongLength];
  const one = part === 'entries' ? 'an entry' : 'an instance';
  const seen = new Set<string>();
  return list.flatMap((address, index): readonly RuleBreak[] => {
    const value = texts[index] ?? '';
    const because = reservedBecause(address.ip);
    if (because !== undefined) {
      return [
        { part, index, value, what: `${value} cannot be ${one}: ${because}`, allowed: 'a unicast address' },
      ];
    }
    const isRepeat = seen.has(value);
    seen.add(value);
    return isRepeat
      ? [{ part, index, value, what: `${value} is there twice`, allowed: `each of the ${part} once` }]
      : [];
  });
}

/** All rules that do not hold, in the order of the parts. */
export function serviceBreaks({ entries, instances }: ServiceParts): readonly RuleBreak[] {
  const own = new Set(entries.map(formatAddress));
  const instanceTexts = instances.map(formatAddress);
  const loops = instanceTexts.flatMap((value, index): readonly RuleBreak[] => {
    const what = `${value} is an entry of the service itself: connections would go round in a loop`;
    const allowed = 'an address where a program answers';
    return own.has(value) ? [{ part: 'instances', index, value, what, allowed }] : [];
  });
  return [
    ...breaksOf('entries', entries, entries.map(formatEntry)),
    ...breaksOf('instances', instances, instanceTexts),
    ...loops,
  ];
}

function fieldOf({ part, index }: RuleBreak): string {
  return index === undefined ? part : `${part}[${index}]`;
}

/**
 * Checks the rules.
 * @param service name for the message
 * @throws SluiceError `invalid-spec` for the first rule that does not hold; details.errors has all of up to 20
 */
export function assertService(service: string, parts: ServiceParts): void {
  const breaks = serviceBreaks(parts);
  const first = breaks[0];
  if (first === undefined) return;
  const errors = breaks.slice(0, 20).map((found) => ({
    field: fieldOf(found),
    value: found.value,
    what: found.what,
    allowed: found.allowed,
  }));
  throw new SluiceError('invalid-spec', `service '${service}': ${first.what}`, {
    why: `allowed: ${first.allowed}`,
    fix: 'change the list and try again; nothing was written',
    details: { service, field: fieldOf(first), value: first.value, allowed: first.allowed, errors },
  });
}

const isIpv6 = (address: Address): boolean => address.ip.includes(':');

/** What is allowed but hardly meant, one line each: for stderr. */
export function serviceWarnings(parts: {
  readonly entries: readonly Entry[];
  readonly instances: readonly (Address & { readonly weight: number })[];
  readonly template?: object | undefined;
  readonly registry?: string | undefined;
}): readonly string[] {
  const { entries, instances, template, registry } = parts;
  if (template !== undefined || registry !== undefined) return [];
  if (instances.length === 0) return ['the service has no instances: connections to it are refused'];
  if (instances.every((instance) => instance.weight === 0)) {
    return ['all weights are 0: new connections are refused'];
  }
  const families = new Set(instances.filter(({ weight }) => weight > 0).map(isIpv6));
  return entries
    .filter((entry) => !families.has(isIpv6(entry)))
    .map(
      (entry) =>
        `${formatEntry(entry)} has no ${isIpv6(entry) ? 'IPv6' : 'IPv4'} instance: connections to it are refused`,
    );
}
