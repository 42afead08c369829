/** Owns references: how a thing is named on the command line and in `-o name`. Pure. */
import { SluiceError } from '../errors.ts';
import { canonicalIp, formatAddress, parsePort } from './address.ts';
import { isName } from './name.ts';
import { quoteValue } from './text.ts';

/** `web` or `service/web`; `web/10.0.1.11:8080` or `service/web/10.0.1.11:8080`; `node/n3`. */
export type Reference =
  | { readonly kind: 'service'; readonly service: string }
  | { readonly kind: 'instance'; readonly service: string; readonly id: string }
  | { readonly kind: 'node'; readonly node: string };

const ID = /^[0-9A-Za-z]([0-9A-Za-z.:-]{0,126}[0-9A-Za-z])?$/;
const RULE = 'SERVICE, SERVICE/IP:PORT or node/NAME';

/** The id as stored: an address in canonical spelling, or the id itself; undefined if it can be none. */
function canonicalId(text: string): string | undefined {
  const bracketed = /^\[([^\]]{1,39})\]:([0-9]{1,5})$/.exec(text);
  if (bracketed === null) return ID.test(text) ? text : undefined;
  const ip = canonicalIp(bracketed[1] ?? '');
  const port = parsePort(bracketed[2] ?? '');
  return ip === undefined || port === undefined ? undefined : formatAddress({ ip, port });
}

function parts(text: string): Reference | undefined {
  const [first = '', second, third, ...rest] = text.split('/');
  if (rest.length > 0) return undefined;
  if (second === undefined) return isName(first) ? { kind: 'service', service: first } : undefined;
  if (third === undefined && (first === 'service' || first === 'node')) {
    if (!isName(second)) return undefined;
    return first === 'node' ? { kind: 'node', node: second } : { kind: 'service', service: second };
  }
  if (third !== undefined && first !== 'service') return undefined;
  const service = third === undefined ? first : second;
  const id = canonicalId(third ?? second);
  return id === undefined || !isName(service) ? undefined : { kind: 'instance', service, id };
}

/**
 * Parses a reference. IPv6 addresses may be in any spelling.
 * @throws SluiceError `invalid-spec`
 */
export function parseReference(text: string): Reference {
  const reference = parts(text);
  if (reference !== undefined) return reference;
  throw new SluiceError('invalid-spec', `${quoteValue(text)} names nothing`, {
    why: `a reference is ${RULE}`,
    fix: 'write for example web, web/10.0.1.11:8080 or node/n3',
    details: { field: 'reference', value: text.slice(0, 80), allowed: RULE },
  });
}

/** Text that parses back to the same reference: `service/web`, `web/10.0.1.11:8080`, `node/n3`. */
export function formatReference(reference: Reference): string {
  if (reference.kind === 'service') return `service/${reference.service}`;
  if (reference.kind === 'node') return `node/${reference.node}`;
  const isWord = reference.service === 'service' || reference.service === 'node';
  return `${isWord ? 'service/' : ''}${reference.service}/${reference.id}`;
}
