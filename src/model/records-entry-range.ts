/** Owns the stored form of entry ranges and of what was allocated from them. Pure. */
import * as v from 'valibot';
import { addressesOf, type Allocation, type EntryRange } from './entry-range.ts';
import { formatEntry, parseEntry } from './entry.ts';
import { nameField, secondsField, timeField } from './fields.ts';
import { NAME_RULE, isName } from './name.ts';
import { badRecord, type Decoded, decodeRecord, encodeRecord } from './records.ts';
import { APP_RULE, isAppName } from './registration.ts';

const PORT = 'must be a port from 1 to 65535';
const ENTRY = 'must be an entry';

const rangeSchema = v.object({
  network: v.pipe(
    v.string('must be a network'),
    v.check((text) => addressesOf(text) !== undefined, 'must be a network of usable addresses'),
  ),
  port: v.pipe(v.number(PORT), v.integer(PORT), v.minValue(1, PORT), v.maxValue(65_535, PORT)),
  protocol: v.picklist(['tcp', 'udp'], 'must be tcp or udp'),
  keepSeconds: secondsField,
  createdAt: timeField,
});

function isEntry(text: string): boolean {
  try {
    return formatEntry(parseEntry(text)) === text;
  } catch {
    return false;
  }
}

const allocationSchema = v.object({
  service: nameField,
  entry: v.pipe(v.string(ENTRY), v.check(isEntry, ENTRY)),
  range: nameField,
  keepSeconds: secondsField,
  createdAt: timeField,
});

/**
 * Reads `entry-range/<name>`.
 * @throws SluiceError `failed`
 */
export function decodeEntryRange(name: string, json: string): Decoded<EntryRange> {
  const key = `entry-range/${name}`;
  if (!isName(name)) throw badRecord(key, { field: '', value: name, why: `a range is called ${NAME_RULE}` });
  const { value, raw } = decodeRecord(key, json, rangeSchema);
  return { value: { name, ...value }, raw };
}

/** JSON of `entry-range/<name>`; the name is in the key only. */
export function encodeEntryRange({ name: _name, ...fields }: EntryRange): string {
  return encodeRecord(rangeSchema, fields);
}

/**
 * Reads `allocation/<app>`.
 * @throws SluiceError `failed`
 */
export function decodeAllocation(app: string, json: string): Decoded<Allocation> {
  const key = `allocation/${app}`;
  if (!isAppName(app)) throw badRecord(key, { field: '', value: app, why: `an app is ${APP_RULE}` });
  const { value, raw } = decodeRecord(key, json, allocationSchema);
  return { value: { app, ...value, entry: parseEntry(value.entry) }, raw };
}

/** JSON of `allocation/<app>`; the app is in the key only. */
export function encodeAllocation({ app: _app, entry, ...fields }: Allocation): string {
  return encodeRecord(allocationSchema, { ...fields, entry: formatEntry(entry) });
}
