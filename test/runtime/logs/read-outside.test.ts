/** Tests reading an instance's output from outside its agent: tails over rotated files, following through rotations. */
import { once } from 'node:events';
import {
  appendFileSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../../src/host/clock.ts';
import type { LogOptions } from '../../../src/runtime/driver.ts';
import { outputFolder, readOutput } from '../../../src/runtime/logs/read-outside.ts';
import { run } from '../../cli/run.ts';

let stateDir = '';
let folder = '';
const log = (name: string): string => path.join(folder, name);

beforeEach(() => {
  stateDir = mkdtempSync(path.join(tmpdir(), 'sluice-logs-'));
  folder = path.join(stateDir, 'drivers', 'process', 'instances', 'web-1');
  mkdirSync(folder, { recursive: true });
});
afterEach(() => rmSync(stateDir, { recursive: true }));

async function text(options: Partial<LogOptions> = {}): Promise<string> {
  const chunks: Uint8Array[] = [];
  const all = { stream: 'both', follow: false, signal: new AbortController().signal, ...options } as const;
  for await (const chunk of readOutput(folder, all, systemClock)) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
}

/** As the agent does it: older ones make room, a copy becomes .1, then the file is cut. */
function rotate(): void {
  for (let age = 8; age >= 1; age -= 1)
    if (existsSync(log(`stdout.log.${age}`)))
      renameSync(log(`stdout.log.${age}`), log(`stdout.log.${age + 1}`));
  copyFileSync(log('stdout.log'), log('stdout.log.tmp'));
  renameSync(log('stdout.log.tmp'), log('stdout.log.1'));
  writeFileSync(log('stdout.log'), '');
}

const refuse = async (): Promise<never> => {
  throw new Error('the store was asked');
};

describe('output read from outside', () => {
  it('is all there is, the oldest rotated file first, stdout before stderr', async () => {
    writeFileSync(log('stdout.log.2'), 'a\n');
    writeFileSync(log('stdout.log.1'), 'b\nc');
    writeFileSync(log('stdout.log'), 'd\ne');
    writeFileSync(log('stderr.log'), 'x\n');
    expect(await text()).toBe('a\nb\ncd\nex\n');
    expect(await text({ stream: 'stdout' })).toBe('a\nb\ncd\ne');
    expect(await text({ stream: 'stderr' })).toBe('x\n');
  });

  it.each([
    [0, ''],
    [1, 'e\n'],
    [2, 'cd\ne\n'],
    [3, 'b\ncd\ne\n'],
    [4, 'a\nb\ncd\ne\n'],
    [99, 'a\nb\ncd\ne\n'],
  ])('is the last %d lines over rotated files', async (tail, expected) => {
    writeFileSync(log('stdout.log.2'), 'a\n');
    writeFileSync(log('stdout.log.1'), 'b\nc');
    writeFileSync(log('stdout.log'), 'd\ne\n');
    expect(await text({ tail })).toBe(expected);
  });

  it('is the last lines of long ones', async () => {
    const line = `${'x'.repeat(100_000)}\n`;
    writeFileSync(log('stdout.log'), line.repeat(3));
    expect(await text({ tail: 2 })).toBe(line.repeat(2));
  });

  it('is nothing where nothing was written', async () => {
    expect(await text()).toBe('');
    expect(await text({ tail: 5 })).toBe('');
  });

  it('is followed through rotations without losing or repeating a line', async () => {
    writeFileSync(log('stdout.log'), '0\n');
    const ended = new AbortController();
    const lines = Array.from({ length: 60 }, (_, index) => `line ${index + 1}`);
    const seen: Buffer[] = [];
    const reading = (async () => {
      const options = { stream: 'stdout', follow: true, signal: ended.signal } as const;
      // Looked at after every few lines, so that rotations fall between looks and into them.
      const clock = { sleep: async () => systemClock.sleep(1, ended.signal) };
      for await (const chunk of readOutput(folder, options, clock)) {
        seen.push(Buffer.from(chunk));
        if (Buffer.concat(seen).toString().includes('line 60\n')) ended.abort();
      }
    })();
    for (const [index, line] of lines.entries()) {
      appendFileSync(log('stdout.log'), `${line}\n`);
      if (index % 10 === 9) {
        rotate();
        await systemClock.sleep(20);
      }
      if (index % 3 === 0) await systemClock.sleep(2);
    }
    await reading;
    expect(Buffer.concat(seen).toString()).toBe(`0\n${lines.join('\n')}\n`);
  });

  it('is whole when it is rotated between a look at it and the reading', async () => {
    writeFileSync(log('stdout.log'), '0\n');
    const slept = new AbortController();
    const looking = once(slept.signal, 'abort');
    const clock = { sleep: async () => slept.abort() };
    const options = { stream: 'stdout', follow: true, signal: new AbortController().signal } as const;
    const reading = readOutput(folder, options, clock);
    const next = async (): Promise<string> => Buffer.from((await reading.next()).value ?? []).toString();
    expect(await next()).toBe('0\n');
    appendFileSync(log('stdout.log'), 'before\n');
    const asked = next();
    // Some turns later the file was looked at, and is being opened.
    await looking;
    for (let turn = 0; turn < 50; turn += 1) await Promise.resolve();
    rotate();
    appendFileSync(log('stdout.log'), 'after the cut\n');
    expect(await asked).toBe('before\n');
    expect(await next()).toBe('after the cut\n');
    await reading.return(undefined);
  });

  it('is found for plain ids only', () => {
    expect(outputFolder(stateDir, 'web-1')).toBe(folder);
    expect(outputFolder(stateDir, 'web-2')).toBeUndefined();
    expect(outputFolder(stateDir, '../process/instances/web-1')).toBeUndefined();
    expect(outputFolder(stateDir, '..')).toBeUndefined();
    expect(outputFolder(path.join(stateDir, 'none'), 'web-1')).toBeUndefined();
  });

  it('is shown by sluice logs, without the store', async () => {
    writeFileSync(log('stdout.log'), 'one\ntwo\n');
    const words = ['logs', 'web/web-1', '--state-dir', stateDir];
    const deps = { openStore: refuse };
    expect(await run(words, { deps })).toEqual({ code: 0, stdout: 'one\ntwo\n', stderr: '' });
    expect((await run([...words, '--tail', '1'], { deps })).stdout).toBe('two\n');
    expect((await run([...words, '--tail', 'x'], { deps })).code).toBe(64);
    expect((await run(['logs', 'web', '--state-dir', stateDir], { deps })).code).toBe(64);
    expect((await run(['logs', 'web/web-9', '--state-dir', stateDir])).code).toBe(4);
  });
});
