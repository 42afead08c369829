/** Owns the errors for things that are not there: they say what there is, and what was probably meant. */
import { SluiceError } from '../errors.ts';
import { suggest } from '../model/suggest.ts';
import { SERVICES } from '../store/keys.ts';
import type { CallOptions, Store } from '../store/store.ts';
import type { InvalidRecord } from './views.ts';

/** Names kept in `details.names`; a cluster may have 10,000. */
const MAX_NAMES = 100;

/** What is missing, and where it was looked for. */
export interface Missing {
  /** e.g. 'service "wbe"' */
  readonly what: string;
  /** As typed, for did-you-mean. */
  readonly word: string;
  readonly known: readonly string[];
  /** Shows what there is, e.g. 'sluice list services'. */
  readonly command: string;
  readonly details?: Readonly<Record<string, unknown>> | undefined;
}

/** The error for something that is not there. */
export function notFound({ what, word, known, command, details }: Missing): SluiceError {
  const near = suggest(word, known);
  const count = known.length === 1 ? 'there is 1' : `there are ${known.length}`;
  return new SluiceError('not-found', `${what} not found`, {
    why: near === undefined ? `${count}, none of that name` : `did you mean ${near}?`,
    fix: `${command} shows what there is`,
    details: { names: known.slice(0, MAX_NAMES), suggestion: near, ...details },
  });
}

/** The error for missing services. @throws SluiceError `unavailable`, `permission` if the names cannot be read */
export async function serviceNotFound(
  store: Store,
  missing: readonly string[],
  options: CallOptions = {},
): Promise<SluiceError> {
  const { items } = await store.list(SERVICES, options);
  const names = missing.map((name) => JSON.stringify(name)).join(', ');
  return notFound({
    what: `${missing.length === 1 ? 'service' : 'services'} ${names}`,
    word: missing[0] ?? '',
    known: items.map(({ key }) => key.slice(SERVICES.start.length)),
    command: 'sluice list services',
    details: { missing },
  });
}

/**
 * The error for a service that cannot be changed in part: it went away since it was looked up, or its record cannot be read.
 * @param invalid what could not be read
 */
export function unreadable(service: string, invalid: readonly InvalidRecord[]): SluiceError {
  const [first] = invalid;
  if (first === undefined) {
    return new SluiceError('not-found', `service ${JSON.stringify(service)} not found`, {
      why: 'it was deleted a moment ago',
      fix: 'sluice list services shows what there is',
      details: { missing: [service] },
    });
  }
  return new SluiceError('failed', `service ${JSON.stringify(service)} cannot be read`, {
    why: first.why,
    fix: `sluice publish ${service} … writes it anew`,
    details: { service, invalid },
  });
}
