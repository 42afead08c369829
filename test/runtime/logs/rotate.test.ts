/** Tests the output files of instances from inside the agent: rotated while they are written, tails, following through rotations. */
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statfsSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Exec } from '../../../src/host/exec.ts';
import { waitUntil } from '../../../src/host/wait.ts';
import { type LogFile, openLogFile } from '../../../src/runtime/logs/log-file.ts';
import { readLogs } from '../../../src/runtime/logs/read-logs.ts';
import { rotate } from '../../../src/runtime/logs/rotate.ts';
import { createRotator } from '../../../src/runtime/logs/rotation.ts';
import { systemClock } from '../../../src/host/clock.ts';

let folder = '';
let file = '';
let log: LogFile;
let block = 0;
/** What the instance writes in the very moment that the front is cut off. */
let meanwhile = '';

beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'sluice-rotate-'));
  file = path.join(folder, 'stdout.log');
  log = openLogFile(file);
  block = statfsSync(folder).bsize;
  meanwhile = '';
});
afterEach(() => rmSync(folder, { recursive: true }));

const write = (text: string): void => appendFileSync(file, text);
const of = (name: string): string => readFileSync(path.join(folder, name), 'utf8');
const all = (): string =>
  readdirSync(folder)
    .filter((name) => name.startsWith('stdout.log'))
    .toSorted()
    .toReversed()
    .map(of)
    .join('');
/** So many numbered lines, each of 64 bytes. */
const lines = (from: number, count: number): string =>
  Array.from({ length: count }, (_, at) => `${String(from + at).padEnd(63)}\n`).join('');

/** A file system that can cut the front off a file: `fallocate --collapse-range` in place of which the test does it. */
const cutting: Exec = async (_, args) => {
  const bytes = Number(args[args.indexOf('--length') + 1]);
  write(meanwhile);
  writeFileSync(file, readFileSync(file).subarray(bytes));
  return { exitCode: 0, stdout: '', stderr: '' };
};
const notCutting: Exec = async () => {
  write(meanwhile);
  return { exitCode: 1, stdout: '', stderr: 'not supported' };
};

async function textOf(tail?: number): Promise<string> {
  const options = { stream: 'stdout', tail, follow: false, signal: new AbortController().signal } as const;
  const chunks: Uint8Array[] = [];
  for await (const chunk of readLogs([log], options, systemClock)) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
}

describe('a rotation', () => {
  it.each([
    ['cut', cutting],
    ['emptied', notCutting],
  ] as const)('loses no byte, also of what is written meanwhile (%s)', async (how, run) => {
    const text = lines(0, (3 * block) / 64 + 5);
    write(text);
    meanwhile = 'written in that moment\n';
    expect(await rotate(log, 3, run)).toBe(how);
    write('after it\n');
    expect(all()).toBe(`${text}${meanwhile}after it\n`);
    expect(await textOf()).toBe(all());
    expect(readdirSync(folder).toSorted()).toEqual(['stdout.log', 'stdout.log.1']);
  });

  it('keeps so many files and no more; places in the text stay the same', async () => {
    for (let round = 0; round < 5; round += 1) {
      write(lines(round * 1_000, block / 64 + 1));
      await rotate(log, 2, cutting);
    }
    expect(readdirSync(folder).toSorted()).toEqual(['stdout.log', 'stdout.log.1', 'stdout.log.2']);
    const written = 5 * (block / 64 + 1) * 64;
    expect(log.bounds().end).toBe(written);
    expect((await textOf()).endsWith(lines(4_000 + block / 64, 1))).toBe(true);
  });

  it('keeps nothing where none is to be kept', async () => {
    write(lines(0, block / 64 + 1));
    expect(await rotate(log, 0, cutting)).toBe('cut');
    expect(readdirSync(folder)).toEqual(['stdout.log']);
    expect(of('stdout.log')).toBe(lines(block / 64, 1));
  });

  it('leaves a file alone that has less than a block', async () => {
    write('little\n');
    expect(await rotate(log, 3, cutting)).toBeUndefined();
    expect(readdirSync(folder)).toEqual(['stdout.log']);
  });

  it('that cannot copy changes nothing, says so once, and again after it went well', async () => {
    const said: string[] = [];
    const say = (message: string): void => void said.push(message);
    const rotator = createRotator({ warn: say, error: say }, notCutting);
    const rotated = [{ id: 'a', log, maxBytes: 10, keep: 2 }];
    const text = lines(0, (2 * block) / 64);
    write(text);
    const obstacle = `${file}.tmp`;
    mkdirSync(path.join(obstacle, 'x'), { recursive: true });
    await expect(rotate(log, 2, notCutting)).rejects.toMatchObject({});
    await rotator.look(rotated);
    await rotator.look(rotated);
    expect(of('stdout.log')).toBe(text);
    expect([said.length, said[0]]).toEqual([1, expect.stringContaining('cannot be rotated')]);
    rmSync(obstacle, { recursive: true, force: true });
    await rotator.look(rotated);
    write(text);
    await rotator.look(rotated);
    expect(said.slice(1)).toEqual([expect.stringContaining('emptying the file')]);
    expect(existsSync(`${file}.2`)).toBe(true);
  });
});

describe('output read by the agent', () => {
  it('begins with the last lines, wherever rotations have put them', async () => {
    write(lines(0, block / 64 + 2));
    await rotate(log, 3, cutting);
    write('a last one without an end');
    expect(await textOf(1)).toBe('a last one without an end');
    expect(await textOf(4)).toBe(`${lines(block / 64 - 1, 3)}a last one without an end`);
    expect(await textOf(0)).toBe('');
    expect(await textOf(100_000)).toBe(all());
  });

  it('is followed through rotations, each byte once', async () => {
    const stop = new AbortController();
    let seen = '';
    const options = { stream: 'stdout', follow: true, signal: stop.signal } as const;
    // Looks at the file as often as it can: the pauses are what a test has no time for.
    const clock = {
      ...systemClock,
      sleep: async () => await new Promise<void>((resolve) => void setImmediate(resolve)),
    };
    write('');
    const following = (async () => {
      for await (const chunk of readLogs([log], options, clock)) seen += Buffer.from(chunk).toString();
    })();
    let written = '';
    for (let round = 0; round < 20; round += 1) {
      const text = lines(round * 1_000, block / 64 + round);
      write(text);
      written += text;
      await rotate(log, 50, round % 2 === 0 ? cutting : notCutting);
    }
    await waitUntil(() => seen.length >= written.length, { what: 'all of it', timeoutMs: 15_000 });
    stop.abort();
    await following;
    expect(seen === written).toBe(true);
  });
});
