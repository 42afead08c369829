import { chmod, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { keepNotes, loadNotes, type Note } from '../../../src/agent/instances/notes.ts';
import { systemClock, type Clock } from '../../../src/host/clock.ts';
import { waitUntil } from '../../../src/host/wait.ts';
import { keptLog, stateDirectory } from '../world.ts';
import { lifeIn } from './lives.ts';

const note = (until: number): Note => ({
  service: 'web',
  id: 'web-1',
  life: lifeIn({ kind: 'failed', until, loop: false }, { ends: [until - 500] }),
  since: '2026-01-01T00:00:00.000Z',
});

const clockAt = (wallMs: number, monotonicMs: number): Clock => ({
  ...systemClock,
  now: () => new Date(wallMs),
  monotonicMs: () => monotonicMs,
});

describe('notes of instances', () => {
  it('come back with their times moved to the monotonic time of the next agent', async () => {
    const stateDir = await stateDirectory();
    const log = keptLog();
    const first = keepNotes({ stateDir, all: () => [note(10_000)], clock: clockAt(1_000_000, 9_000), log });
    await first.flush();
    await first.close();
    const [back] = await loadNotes(stateDir, clockAt(1_000_300, 50));
    expect(back?.life).toMatchObject({ phase: { kind: 'failed', until: 750 }, ends: [250] });
    const [earlier] = await loadNotes(stateDir, clockAt(5, 50));
    expect(earlier?.life.phase).toMatchObject({ until: 1_050 });
  });

  it('are none where there is no file', async () => {
    expect(await loadNotes(await stateDirectory(), systemClock)).toEqual([]);
  });

  it('that another version wrote, or that are damaged twice, are an error', async () => {
    const stateDir = await stateDirectory();
    await writeFile(path.join(stateDir, 'instances.json'), 'half of a fi');
    await expect(loadNotes(stateDir, systemClock)).rejects.toMatchObject({ code: 'failed' });
  });

  it('share a write when many ask for one', async () => {
    const stateDir = await stateDirectory();
    let writes = 0;
    const all = (): readonly Note[] => {
      writes += 1;
      return [];
    };
    const notes = keepNotes({ stateDir, all, clock: systemClock, log: keptLog() });
    await Promise.all(Array.from({ length: 100 }, () => notes.flush()));
    expect(writes).toBeLessThan(5);
    await notes.close();
  });

  it('that a disk refuses are told once, keep the file as it was, and are written when it takes them again', async () => {
    const stateDir = await stateDirectory();
    const log = keptLog();
    let known: readonly Note[] = [note(1)];
    const notes = keepNotes({ stateDir, all: () => known, clock: systemClock, log });
    await notes.flush();
    const before = await readFile(path.join(stateDir, 'instances.json'), 'utf8');
    // A folder in the way of the temporary file: refused for root too.
    const obstacle = path.join(stateDir, 'instances.json.tmp');
    await mkdir(obstacle);
    await chmod(obstacle, 0o700);
    known = [];
    await expect(notes.flush()).rejects.toMatchObject({ code: 'failed' });
    await expect(notes.flush()).rejects.toMatchObject({ code: 'failed' });
    expect(log.lines.filter((line) => line.includes('cannot be written'))).toHaveLength(1);
    expect(await readFile(path.join(stateDir, 'instances.json'), 'utf8')).toBe(before);
    await rm(obstacle, { recursive: true, force: true });
    await waitUntil(() => log.lines.some((line) => line.includes('written again')), {
      what: 'the notes to be written',
      timeoutMs: 10_000,
    });
    expect(await loadNotes(stateDir, systemClock)).toEqual([]);
    await notes.close();
  });
});
