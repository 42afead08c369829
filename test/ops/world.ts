/** Owns what tests of use cases start from: a store in memory, a clock that tells fixed times, admins, specs. */
import type { Reaches } from '../../src/model/node.ts';
import { systemClock } from '../../src/host/clock.ts';
import { SluiceError } from '../../src/errors.ts';
import type { Audit } from '../../src/model/audit.ts';
import { decodeAudit } from '../../src/model/records-audit.ts';
import { parseEntry } from '../../src/model/entry.ts';
import { parseInstanceArgument } from '../../src/model/instance-argument.ts';
import { encodeApplied, encodeNode, encodeNodeAlive } from '../../src/model/records-node.ts';
import type { ServiceSpec } from '../../src/model/service.ts';
import type { WriteDeps } from '../../src/ops/deps.ts';
import { appliedKey, AUDIT, nodeAliveKey, nodeKey } from '../../src/store/keys.ts';
import { createMemoryStore, type MemoryStore } from '../../src/store/memory/memory.ts';
import type { KeyValue, Operation, Store } from '../../src/store/store.ts';

/** What the clock of tests says at first; every look is a millisecond later. */
export const START = '2026-01-02T03:04:05.000Z';

/** Wall time that steps by 1 ms a look; real sleeps. */
export function steppingClock(): WriteDeps['clock'] {
  let ms = Date.parse(START);
  return { ...systemClock, now: () => new Date((ms += 1)) };
}

/** An admin at a store. */
export function admin(store: Store, actor = 'ann', changes: Partial<WriteDeps> = {}): WriteDeps {
  let id = 0;
  return {
    store,
    clock: steppingClock(),
    newId: () => `${actor}-${(id += 1)}`,
    random: () => 0,
    origin: { actor, host: `${actor}-pc`, command: `sluice by ${actor}` },
    ...changes,
  };
}

const words = (text: string): readonly string[] => text.split(' ').filter((word) => word !== '');

/** `spec('web', '10.96.0.10:80', '10.0.1.11:8080=3 10.0.1.12:8080')`; lists are separated by spaces. */
export function spec(name: string, entries: string, instances = '10.0.1.11:8080'): ServiceSpec {
  return {
    name,
    entries: words(entries).map((text) => parseEntry(text)),
    instances: words(instances).map((text) => parseInstanceArgument(text)),
    masquerade: false,
  };
}

/** Everything in a store, by key. */
export async function everything(store: Store): Promise<ReadonlyMap<string, KeyValue>> {
  const { items } = await store.list({ start: '!', end: '~' });
  return new Map(items.map((item) => [item.key, item]));
}

/** Puts keys as they are, in one transaction. */
export async function putRaw(store: Store, values: Readonly<Record<string, string>>): Promise<number> {
  const operations = Object.entries(values).map(([key, value]): Operation => ({ kind: 'put', key, value }));
  return (await store.transact({ compares: [], operations })).revision;
}

/** What a node says of itself. */
export interface NodeSays {
  readonly applied?: number | undefined;
  readonly failures?: readonly string[] | undefined;
  readonly alive?: boolean | undefined;
  /** Whether other nodes answer it. */
  readonly reaches?: Reaches | undefined;
}

/** Lets a node speak. */
export async function nodeSays(store: Store, name: string, says: NodeSays): Promise<number> {
  const { applied, failures = [], alive = true, reaches } = says;
  const facts = {
    name,
    addresses: ['10.0.0.1'],
    cpus: 2,
    memoryBytes: 1,
    version: '0.1.0',
    kernel: '6.1',
    dataplane: 'memory',
    startedAt: START,
  };
  return putRaw(store, {
    [nodeKey(name)]: encodeNode(facts),
    ...(alive ? { [nodeAliveKey(name)]: encodeNodeAlive({ name, since: START, reaches }) } : {}),
    ...(applied === undefined
      ? {}
      : {
          [appliedKey(name)]: encodeApplied({
            node: name,
            revision: applied,
            rulesHash: 'ab',
            entries: 1,
            instances: 2,
            appliedAt: START,
            failures,
          }),
        }),
  });
}

/** Deletes one key. */
export async function remove(store: Store, key: string): Promise<void> {
  await store.transact({ compares: [], operations: [{ kind: 'delete', key }] });
}

/** The SluiceError that a promise ends with. */
export async function failure(promise: Promise<unknown>): Promise<SluiceError> {
  const error = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (!(error instanceof SluiceError)) throw new Error(`no SluiceError: ${String(error)}`);
  return error;
}

/** The audit trail, oldest first. */
export async function trail(store: Store): Promise<readonly Audit[]> {
  const { items } = await store.list(AUDIT);
  return items.map(({ key, value }) => decodeAudit(key.slice(AUDIT.start.length), value).value);
}

/** A fresh store in memory with an admin. */
export function world(): { readonly store: MemoryStore; readonly ann: WriteDeps; readonly bob: WriteDeps } {
  const store = createMemoryStore();
  return { store, ann: admin(store, 'ann'), bob: admin(store, 'bob') };
}

/** A store that does something before each transaction: what others do between our read and our write. */
export function withOthers(
  store: Store,
  before: (attempt: number) => Promise<unknown>,
): Store & { attempts: number } {
  const wrapped = {
    ...store,
    attempts: 0,
    transact: async (...args: Parameters<Store['transact']>) => {
      wrapped.attempts += 1;
      await before(wrapped.attempts);
      return store.transact(...args);
    },
  };
  return wrapped;
}
