/** Owns which key families there are and what reads a value of each: nothing that Sluice could not read gets into the store. Pure. */
import { SluiceError } from '../../errors.ts';
import { decodeComputedWeights } from '../../model/computed-weights.ts';
import { decodeLoad } from '../../model/load.ts';
import { decodeLock } from '../../model/lock.ts';
import { NAME_RULE, isName } from '../../model/name.ts';
import { decodeToken } from '../../model/records-access.ts';
import { decodeAudit } from '../../model/records-audit.ts';
import { decodeAllocation, decodeEntryRange } from '../../model/records-entry-range.ts';
import { decodeApplied, decodeHolder, decodeNode, decodeNodeAlive } from '../../model/records-node.ts';
import { decodeAlive, decodeRegistration } from '../../model/records-registration.ts';
import { decodeScalingState } from '../../model/records-scaling.ts';
import {
  decodeEntryClaim,
  decodeGeneration,
  decodeInstance,
  decodeService,
} from '../../model/records-service.ts';
import { type Raw, readRaw } from '../../model/records.ts';
import { quoteValue } from '../../model/text.ts';
import { TOMBSTONE } from '../../store/resolve.ts';

/** A key taken apart. */
export interface KeyParts {
  readonly key: string;
  readonly family: string;
  /** What follows `family/`, '' for a key of one word. */
  readonly tail: string;
  /** Parts of the tail. */
  readonly parts: readonly string[];
}

/** Reads a value. @throws SluiceError `failed` naming key and field */
type Reader = (key: KeyParts, json: string) => Raw;

/** A family whose values have no schema of their own here: a JSON object, under a key of so many parts of which the first ones are names. */
const plain =
  (parts: number, names: number): Reader =>
  (key, json) => {
    const [bad] = key.parts.slice(0, names).filter((part) => !isName(part));
    if (bad !== undefined) throw badKey(key.key, `a name in a key is ${NAME_RULE}`);
    if (key.parts.length !== parts || key.parts.includes('')) {
      throw badKey(key.key, `a key of ${key.family} has ${parts} parts after it`);
    }
    return readRaw(key.key, json);
  };

/**
 * A line a family. A family that gets a record of its own (model/records-*.ts) gets its reader here; what is not here cannot be written
 * through an API server.
 */
const READERS: ReadonlyMap<string, Reader> = new Map<string, Reader>([
  ['access', ({ tail }, json) => decodeToken(tail, json).raw],
  ['alive', ({ tail }, json) => decodeAlive(tail, json).raw],
  ['allocation', ({ tail }, json) => decodeAllocation(tail, json).raw],
  ['app', ({ tail }, json) => decodeRegistration(tail, json).raw],
  ['applied', ({ tail }, json) => decodeApplied(tail, json).raw],
  ['assignment', plain(3, 2)],
  ['audit', ({ tail }, json) => (json === TOMBSTONE ? {} : decodeAudit(tail, json).raw)],
  ['current-load', ({ tail }, json) => decodeLoad(tail, json).raw],
  ['decision', plain(2, 1)],
  ['demand', (key, json) => readDemand(key, json)],
  ['entry', ({ tail }, json) => decodeEntryClaim(tail, json).raw],
  ['entry-range', ({ tail }, json) => decodeEntryRange(tail, json).raw],
  ['event', plain(1, 0)],
  ['generation', (_key, json) => decodeGeneration(json).raw],
  ['holder', ({ tail }, json) => decodeHolder(tail, json).raw],
  ['instance', (key, json) => readInstance(key, json)],
  ['leader', plain(0, 0)],
  ['lock', ({ tail }, json) => decodeLock(tail, json).raw],
  ['node', ({ tail }, json) => decodeNode(tail, json).raw],
  ['node-alive', ({ tail }, json) => decodeNodeAlive(tail, json).raw],
  ['service', ({ tail }, json) => decodeService(tail, json).raw],
  ['weights', ({ tail }, json) => decodeComputedWeights(tail, json).raw],
]);

function readDemand({ key, tail }: KeyParts, json: string): Raw {
  if (!isName(tail)) throw badKey(key, `a name in a key is ${NAME_RULE}`);
  return decodeScalingState(key, json).raw;
}

function readInstance({ parts: [service = '', ...id] }: KeyParts, json: string): Raw {
  return decodeInstance(service, id.join('/'), json).raw;
}

/** Takes a key apart. @throws SluiceError `invalid-spec` if there is no such family */
export function keyParts(key: string): KeyParts {
  const [family = '', ...parts] = key.split('/');
  if (!READERS.has(family)) throw badKey(key, `there are the families ${[...READERS.keys()].join(', ')}`);
  return { key, family, tail: parts.join('/'), parts };
}

/**
 * Reads what is to be written.
 * @throws SluiceError `invalid-spec` naming key and field
 */
export function readValue(key: KeyParts, json: string): Raw {
  try {
    const reader = READERS.get(key.family);
    if (reader === undefined) throw badKey(key.key, 'there is no such family');
    return reader(key, json);
  } catch (error) {
    if (!(error instanceof SluiceError) || error.code !== 'failed') throw error;
    const { field } = error.details;
    throw new SluiceError('invalid-spec', `${quoteValue(key.key)} cannot be written`, {
      why: `${typeof field === 'string' && field !== '' ? `${field}: ` : ''}${error.why ?? error.message}`,
      fix: 'correct the value',
      details: { ...error.details, written: false },
      cause: error,
    });
  }
}

function badKey(key: string, why: string): SluiceError {
  return new SluiceError('invalid-spec', `${quoteValue(key)} is not a key of Sluice`, {
    why,
    fix: 'docs/architecture.md has the keys',
    details: { written: false, field: 'key', value: quoteValue(key), allowed: why },
  });
}
