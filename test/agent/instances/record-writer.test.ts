import { describe, expect, it, onTestFinished } from 'vitest';
import { type OwnWords, startRecordWriter } from '../../../src/agent/instances/record-writer.ts';
import { type Clock, systemClock } from '../../../src/host/clock.ts';
import { waitUntil } from '../../../src/host/wait.ts';
import { decodeInstance } from '../../../src/model/records-service.ts';
import { encodeAssignment } from '../../../src/model/records-assignment.ts';
import type { InstanceState } from '../../../src/model/service.ts';
import { assignmentKey, instanceKey } from '../../../src/store/keys.ts';
import { createMemoryStore } from '../../../src/store/memory/memory.ts';
import type { KeyValue } from '../../../src/store/store.ts';
import { createVirtualClock } from '../../harness/virtual-clock.ts';
import { keptLog } from '../world.ts';
import { assignment } from './supervised.ts';

const NAME = { service: 'web', id: 'a' };
const KEY = instanceKey('web', 'a');

const words = (state: InstanceState, why?: string): OwnWords => ({
  ...NAME,
  ip: '10.77.0.1',
  port: 20_000,
  weight: 1,
  origin: 'managed',
  node: 'n1',
  state,
  why,
  createdAt: '2026-01-31T09:30:00.000Z',
});

async function world(clock: Clock = systemClock) {
  const store = createMemoryStore();
  await store.transact({
    compares: [],
    operations: [
      { kind: 'put', key: assignmentKey('n1', 'web', 'a'), value: encodeAssignment(assignment('a')) },
    ],
  });
  const writer = startRecordWriter({
    store,
    node: 'n1',
    clock,
    log: keptLog(),
    copyOf: () => undefined,
    onWritten: () => {},
  });
  onTestFinished(() => writer.close());
  return {
    writer,
    /** The record once it says so. */
    record: async (state: InstanceState, why?: string): Promise<KeyValue> =>
      await waitUntil(
        async () => {
          const { item } = await store.get(KEY);
          if (item === undefined) return undefined;
          const { value } = decodeInstance('web', 'a', item.value);
          return value.state === state && value.why === why ? item : undefined;
        },
        { what: `a record that says ${state}`, timeoutMs: 10_000 },
      ),
  };
}

describe('the record of an instance', () => {
  it('is written once for all that it was on its way up, as soon as it is ready', async () => {
    const { writer, record } = await world();
    for (const [state, why] of [['pending'], ['starting'], ['starting', 'refused']] as const)
      writer.want(NAME, { words: words(state, why), assigned: true, mayWait: true });
    writer.want(NAME, { words: words('ready'), assigned: true });
    expect((await record('ready')).version).toBe(1);
  });

  it('says after a moment what it is, where that lasts', async () => {
    const { writer, record } = await world();
    writer.want(NAME, { words: words('pending'), assigned: true, mayWait: true });
    writer.want(NAME, { words: words('starting', 'refused'), assigned: true, mayWait: true });
    expect((await record('starting', 'refused')).version).toBe(1);
  });

  it('is not put off by what may wait: no time need pass', async () => {
    const { writer, record } = await world(createVirtualClock());
    writer.want(NAME, { words: words('failed', 'exit code 1'), assigned: true });
    writer.want(NAME, { words: words('pending', 'exit code 1'), assigned: true, mayWait: true });
    expect((await record('pending', 'exit code 1')).version).toBe(1);
  });
});
