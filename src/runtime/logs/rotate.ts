/**
 * Owns rotating an instance's output while it is written. What is there is copied, then cut off the front of the file (fallocate
 * --collapse-range), which moves no writer and loses no byte. Where the file system cannot do that, the file is emptied right after the
 * copy; what is written in between is lost, and the outcome says so. A full disk leaves everything as it is.
 */
import { closeSync, fstatSync, ftruncateSync, openSync, readSync, writeSync } from 'node:fs';
import { open, rename, rm, stat, statfs } from 'node:fs/promises';
import type { Exec } from '../../host/exec.ts';
import { leanExec } from '../../host/lean-exec.ts';
import { type LogFile, rotatedName } from './log-file.ts';

/** What a rotation did. `cut`: nothing can be lost. `emptied`: lines written in the same instant may be. */
export type Rotation = 'cut' | 'emptied';

const CHUNK_BYTES = 1024 * 1024;

/** Copies the first bytes of a file, synced to disk. */
async function copyHead(from: string, to: string, bytes: number): Promise<void> {
  const source = await open(from, 'r');
  try {
    const target = await open(to, 'w', 0o640);
    try {
      const buffer = Buffer.alloc(Math.min(CHUNK_BYTES, bytes));
      for (let at = 0; at < bytes;) {
        const { bytesRead } = await source.read(buffer, 0, Math.min(buffer.length, bytes - at), at);
        if (bytesRead === 0) throw new Error(`${from} became shorter while it was copied`);
        await target.writeFile(buffer.subarray(0, bytesRead));
        at += bytesRead;
      }
      await target.sync();
    } finally {
      await target.close();
    }
  } finally {
    await source.close();
  }
}

/** Copies from an open file, from a place to its present end. @returns the end */
function copyRest(source: number, target: number, from: number): number {
  const buffer = Buffer.alloc(CHUNK_BYTES);
  let at = from;
  while (fstatSync(source).size > at) {
    const bytes = readSync(source, buffer, 0, buffer.length, at);
    for (let done = 0; done < bytes;) done += writeSync(target, buffer, done, bytes - done);
    at += bytes;
  }
  return at;
}

/**
 * Copies what has come since to the end of the copy, and empties the file, without giving anybody a turn in between.
 * @param to undefined: nothing is kept
 * @returns the size that it had
 */
function emptyAfterCopy(from: string, to: string | undefined, copied: number): number {
  const source = openSync(from, 'r+');
  const target = to === undefined ? undefined : openSync(to, 'a');
  try {
    const size = target === undefined ? fstatSync(source).size : copyRest(source, target, copied);
    ftruncateSync(source, 0);
    return size;
  } finally {
    closeSync(source);
    if (target !== undefined) closeSync(target);
  }
}

/** Makes room for a new `.1`; the oldest goes first, as its room may be what the copy needs. */
async function shiftRotated(file: string, keep: number): Promise<void> {
  for (let age = keep - 1; age >= 1; age -= 1) {
    await rename(rotatedName(file, age), rotatedName(file, age + 1)).catch(() => undefined);
  }
}

async function collapse(file: string, bytes: number, run: Exec): Promise<boolean> {
  const args = ['--collapse-range', '--offset', '0', '--length', String(bytes), '--', file];
  const { exitCode } = await run('fallocate', args).catch(() => ({ exitCode: 1 }));
  return exitCode === 0;
}

/** Copies the front of the file to a new `.1`. @returns its path, undefined if none are kept */
async function keepFront(file: string, bytes: number, keep: number): Promise<string | undefined> {
  await rm(rotatedName(file, Math.max(keep, 1)), { force: true });
  if (keep === 0) return undefined;
  const staged = `${file}.tmp`;
  try {
    await copyHead(file, staged, bytes);
    await shiftRotated(file, keep);
    await rename(staged, rotatedName(file, 1));
  } catch (error) {
    await rm(staged, { force: true });
    throw error;
  }
  return rotatedName(file, 1);
}

async function rotateAlone(log: LogFile, keep: number, run: Exec): Promise<Rotation | undefined> {
  const { bsize } = await statfs(log.file);
  const { size } = await stat(log.file);
  // Whole blocks, and never all of it: the kernel refuses to cut up to the end.
  const bytes = Math.floor((size - 1) / bsize) * bsize;
  if (bytes <= 0) return undefined;
  const copy = await keepFront(log.file, bytes, keep);
  if (await collapse(log.file, bytes, run)) {
    log.cut(bytes);
    return 'cut';
  }
  log.cut(emptyAfterCopy(log.file, copy, bytes));
  return 'emptied';
}

/**
 * Rotates a file that has grown beyond its size. `keep` rotated files stay, the oldest is deleted.
 * @returns undefined if there was too little in it
 * @throws the system's error (ENOSPC); nothing of the present file is lost then
 */
export function rotate(log: LogFile, keep: number, run: Exec = leanExec): Promise<Rotation | undefined> {
  return log.alone(() => rotateAlone(log, keep, run));
}
