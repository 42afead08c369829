/** Owns which keys nodes and registries may write: their own. Must not know the other roles. */
import type { Caller } from '../../model/access.ts';
import { type Raw, readRaw } from '../../model/records.ts';
import type { GuardedTransaction } from '../../store/resolve.ts';
import { before, type Present } from './before.ts';
import type { KeyParts } from './families.ts';
import { notAllowed } from './may-read.ts';

/** One key of a transaction of somebody who has only some. `after` undefined: it is deleted. */
export interface OwnWrite {
  readonly caller: Caller;
  readonly key: KeyParts;
  readonly after: Raw | undefined;
  readonly transaction: GuardedTransaction;
  readonly present: Present;
}

/** Fields of `node/<node>` that people write. */
const FIELDS_OF_PEOPLE = ['cordoned', 'drain'];

/** Families of which a node has the key with its name. */
const BY_NAME = ['node', 'node-alive', 'applied', 'current-load'];

/**
 * Lets a write of an own key pass.
 * @throws SluiceError `permission`; Outdated (before.ts)
 */
export async function checkOwn(write: OwnWrite): Promise<void> {
  if (write.caller.role === 'node') return nodeMay(write);
  if (write.caller.role === 'registry') return registryMay(write);
  throw notAllowed(write.caller, `write ${write.key.key}`, 'this role only reads');
}

async function nodeMay(write: OwnWrite): Promise<void> {
  const { caller, key } = write;
  if (BY_NAME.includes(key.family) && key.tail === caller.name) {
    if (key.family === 'node') await keepsFieldsOfPeople(write);
    return;
  }
  if (key.family === 'holder') return isOf(write, 'node');
  if (key.family === 'instance') {
    await isOf(write, 'node');
    return isAssigned(write);
  }
  throw refused(write, 'it is not one of its own');
}

async function registryMay(write: OwnWrite): Promise<void> {
  const { key, after } = write;
  if (key.family === 'alive' || key.family === 'app') return;
  if (key.family !== 'instance')
    throw refused(write, 'a registry writes registrations, their instances and their marks');
  const found = await valueBefore(write);
  for (const value of [found, after]) {
    if (value !== undefined && value['origin'] !== 'registered') throw refused(write, 'it is not registered');
  }
}

/** What was and what will be name the caller. */
async function isOf(write: OwnWrite, field: string): Promise<void> {
  const found = await valueBefore(write);
  for (const value of [found, write.after]) {
    if (value !== undefined && value[field] !== write.caller.name)
      throw refused(write, 'another node has it');
  }
}

/** A new instance needs its assignment, which the transaction must compare, so that it stands when it is written. */
async function isAssigned(write: OwnWrite): Promise<void> {
  const { transaction, caller, key } = write;
  if ((await valueBefore(write)) !== undefined) return;
  const assignment = `assignment/${caller.name}/${key.tail}`;
  const stands = transaction.compares.some(
    (compare) => compare.kind !== 'range-unchanged' && compare.key === assignment && compare.equals > 0,
  );
  if (!stands) throw refused(write, `it does not compare that ${assignment} stands`);
}

async function keepsFieldsOfPeople(write: OwnWrite): Promise<void> {
  const found = await valueBefore(write);
  for (const field of FIELDS_OF_PEOPLE) {
    const [was, is] = [found?.[field], write.after?.[field]];
    if (JSON.stringify(was) !== JSON.stringify(is)) throw refused(write, `${field} is for people to set`);
  }
}

async function valueBefore({ transaction, key, present }: OwnWrite): Promise<Raw | undefined> {
  const item = await before(transaction, key.key, present);
  if (item === undefined) return undefined;
  try {
    return readRaw(item.key, item.value);
  } catch {
    // Nobody can say whose it is.
    return {};
  }
}

function refused({ caller, key, after }: OwnWrite, why: string): Error {
  return notAllowed(caller, `${after === undefined ? 'delete' : 'write'} ${key.key}`, why);
}
