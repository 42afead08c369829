/** Owns the schema of each kind of field in stored records: one rule, one message. Pure. */
import * as v from 'valibot';
import { type Address, formatAddress, parseAddress, canonicalIp } from './address.ts';
import { formatAffinity, parseAffinity } from './affinity.ts';
import { type Entry, formatEntry, parseEntry } from './entry.ts';
import { isName, NAME_RULE } from './name.ts';
import { APP_RULE, isAppName } from './registration.ts';
import { reservedBecause } from './reserved.ts';
import { isPlainText } from './text.ts';
import { timeMs } from './time.ts';
import { isWeight, MAX_WEIGHT } from './weight.ts';

/** Longest free text that is stored. */
export const MAX_TEXT = 4_096;

function textThat(holds: (text: string) => boolean, message: string): v.GenericSchema<string, string> {
  return v.pipe(v.string(message), v.check(holds, message));
}

/** A name of a service or node. */
export const nameField = textThat(isName, `must be ${NAME_RULE}`);

/** The name of an app of the registry. */
export const appField = textThat(isAppName, `must be the name of an app: ${APP_RULE}`);

/** RFC 3339 in UTC. */
export const timeField = textThat((text) => timeMs(text) !== undefined, 'must be an RFC 3339 time in UTC');

/** Free text of one line. */
export const textField = textThat(
  (text) => text.length <= MAX_TEXT && isPlainText(text),
  `must be one line of at most ${MAX_TEXT} characters without control characters`,
);

/** An IP address in canonical text. */
export const ipField = textThat((text) => canonicalIp(text) === text, 'must be a canonical IP address');

/** A request id: what nobody else can choose. */
export const requestIdField = textThat((text) => /^[0-9A-Za-z-]{1,64}$/.test(text), 'must be a request id');

/** A hash in hex. */
export const hashField = textThat((text) => /^[0-9a-f]{0,128}$/.test(text), 'must be a hash in hex');

/** A whole number from 0 that a double holds exactly: revisions, counts, bytes. */
export const countField = v.pipe(
  v.number('must be a whole number from 0'),
  v.safeInteger('must be a whole number from 0'),
  v.minValue(0, 'must be a whole number from 0'),
);

/** A length of time: seconds, at most a day. */
export const secondsField = v.pipe(
  v.number('must be seconds, at most a day'),
  v.minValue(0, 'must be seconds, at most a day'),
  v.maxValue(86_400, 'must be seconds, at most a day'),
);

/** A weight. */
export const weightField = v.pipe(
  v.number(`must be a whole number 0-${MAX_WEIGHT}`),
  v.check((weight) => isWeight(weight), `must be a whole number 0-${MAX_WEIGHT}`),
);

/** Yes or no. */
export const flagField = v.boolean('must be true or false');

/** Parses, and gives undefined where the parser refuses, where the text is not the canonical one, or where the address is reserved. */
function canonical<T extends Address>(
  text: string,
  parse: (text: string) => T,
  format: (value: T) => string,
): T | undefined {
  try {
    const value = parse(text);
    return format(value) === text && reservedBecause(value.ip) === undefined ? value : undefined;
  } catch {
    return undefined;
  }
}

/** Canonical `IP:PORT` that can be dialled, as text to data, or `IP:0`: an instance that has no port yet. */
export const portlessField: v.GenericSchema<string, Address> = canonicalField((text) => {
  if (!text.endsWith(':0')) return canonical(text, parseAddress, formatAddress);
  const address = canonical(`${text.slice(0, -1)}1`, parseAddress, formatAddress);
  return address === undefined ? undefined : { ip: address.ip, port: 0 };
}, 'must be a canonical IP:PORT that can be dialled');

/** Canonical `IP:PORT/proto` that can be dialled, as text to data. */
export const entryField: v.GenericSchema<string, Entry> = canonicalField(
  (text) => canonical(text, parseEntry, formatEntry),
  'must be a canonical IP:PORT/tcp|udp that can be dialled',
);

/** A session affinity other than none, as canonical text to seconds. */
export const affinityField: v.GenericSchema<string, number> = canonicalField((text) => {
  try {
    const seconds = parseAffinity(text);
    return formatAffinity(seconds) === text ? seconds : undefined;
  } catch {
    return undefined;
  }
}, 'must be client-ip=TIME');

function canonicalField<T>(
  read: (text: string) => T | undefined,
  message: string,
): v.GenericSchema<string, T> {
  return v.pipe(
    v.string(message),
    v.rawTransform<string, T>(({ dataset, addIssue, NEVER }) => {
      const value = read(dataset.value);
      if (value !== undefined) return value;
      addIssue({ message });
      return NEVER;
    }),
  );
}
