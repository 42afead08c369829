import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { loadSnapshot, type SnapshotSaver, startSnapshotSaver } from '../../src/agent/saved-snapshot.ts';
import { systemClock } from '../../src/host/clock.ts';
import type { KeyValue } from '../../src/store/store.ts';
import { silentLog } from '../harness/log.ts';

/** Items that know how often they were asked for. */
class Items {
  asked = 0;
  readonly #value: string;
  constructor(value: string) {
    this.#value = value;
  }
  readonly read = (): readonly KeyValue[] => {
    this.asked += 1;
    const revisions = { createRevision: 1, modRevision: 1, version: 1 };
    return [{ key: 'service/web', value: this.#value, ...revisions }];
  };
}

let stateDir = '';
let saver: SnapshotSaver;
beforeEach(() => {
  stateDir = mkdtempSync(path.join(tmpdir(), 'sluice-saved-'));
  saver = startSnapshotSaver({ stateDir, clock: systemClock, log: silentLog });
});
afterEach(() => rmSync(stateDir, { recursive: true, force: true }));

/** Resolves when it is on disk. */
async function save(revision: number, items: Items): Promise<void> {
  saver.save(revision, items.read);
  await saver.close();
}
const saved = async (): Promise<unknown> => {
  const { revision, items } = (await loadSnapshot(stateDir)) ?? {};
  return [revision, items?.map(({ value }) => value)];
};

describe('the snapshot on disk', () => {
  it('is written once a revision, however often rules are made of it', async () => {
    const items = new Items('a');
    for (let time = 0; time < 3; time += 1) await save(7, items);
    expect(items.asked).toBe(1);
    await save(8, items);
    expect(items.asked).toBe(2);
    expect(await saved()).toEqual([8, ['a']]);
  });

  it('is written anew after another listing, be it of the same revision', async () => {
    await save(7, new Items('a'));
    await save(7, new Items('b'));
    expect(await saved()).toEqual([7, ['b']]);
  });

  it('is tried again after a disk that refused', async () => {
    const items = new Items('a');
    // A folder stands where the file should be put.
    mkdirSync(path.join(stateDir, 'snapshot.json/x'), { recursive: true });
    await save(7, items);
    rmSync(path.join(stateDir, 'snapshot.json'), { recursive: true });
    await save(7, items);
    expect(items.asked).toBe(2);
    expect(await saved()).toEqual([7, ['a']]);
  });
});
