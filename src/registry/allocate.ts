/** Owns which entry and which name an app gets that no service draws from: the same wherever it is decided, as long as both are free. Pure. */
import { createHash } from 'node:crypto';
import { addressesOf, type EntryRange } from '../model/entry-range.ts';
import type { Entry } from '../model/entry.ts';
import { isName } from '../model/name.ts';

/** Characters of a name before what is added to make it another. */
const NAME_LENGTH = 56;

const hashOf = (app: string): string => createHash('sha256').update(app).digest('hex');

/**
 * The first free address of a range, beginning where the app's hash points: apps that come and go do not move each other.
 * @param isTaken whether another has the address, on whatever port
 * @returns undefined if none is free
 */
export function entryFor(
  app: string,
  { network, port, protocol }: EntryRange,
  isTaken: (ip: string) => boolean,
): Entry | undefined {
  const addresses = addressesOf(network);
  if (addresses === undefined) return undefined;
  const start = Number.parseInt(hashOf(app).slice(0, 12), 16) % addresses.size;
  for (let step = 0; step < addresses.size; step += 1) {
    const ip = addresses.at((start + step) % addresses.size);
    if (!isTaken(ip)) return { ip, port, protocol };
  }
  return undefined;
}

/** The app's name in the spelling of services, with a part of its hash where that is another's or would be none. */
export function serviceNameFor(app: string, isTaken: (name: string) => boolean): string {
  const plain = app
    .toLowerCase()
    .replaceAll(/[^a-z0-9-]/g, '-')
    .slice(0, NAME_LENGTH)
    .replaceAll(/^-+|-+$/g, '');
  if (plain === app.toLowerCase() && isName(plain) && !isTaken(plain)) return plain;
  return `${plain === '' ? 'app' : plain}-${hashOf(app).slice(0, 6)}`;
}
