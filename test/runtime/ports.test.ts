import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { parseBoundPorts } from '../../src/runtime/bound-ports.ts';
import { openPortBook, portRangeWarning } from '../../src/runtime/ports.ts';

describe('ports of instances', () => {
  let folder: string;
  let nowMs: number;
  const clock = { now: () => new Date(nowMs) };
  const ip = '127.0.0.1';
  /** A range that nobody else of this machine is likely to use. */
  const from = 21_000 + (process.pid % 8_000);
  const ranges = [{ from, to: from + 2 }];
  const open = (): ReturnType<typeof openPortBook> => openPortBook(path.join(folder, 'ports.json'), clock);
  beforeEach(() => {
    folder = mkdtempSync(path.join(tmpdir(), 'sluice-ports-'));
    nowMs = Date.parse('2026-01-01T00:00:00Z');
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  it('are each of one instance, the same again when asked again, also by the next agent', async () => {
    const book = await open();
    const ports = await Promise.all(['a', 'b', 'a'].map((id) => book.reserve({ id, ip, ranges })));
    expect(ports).toEqual([from, from + 1, from]);
    expect([...(await open()).reserved()]).toEqual([
      ['a', from],
      ['b', from + 1],
    ]);
  });

  it('rest after use, and no longer because the clock was set', async () => {
    const book = await open();
    await book.reserve({ id: 'a', ip, ranges });
    await book.release('a');
    await book.release('a');
    expect(await (await open()).reserve({ id: 'b', ip, ranges })).toBe(from + 1);
    nowMs += 60_000;
    expect(await book.reserve({ id: 'c', ip, ranges })).toBe(from);
    await book.release('c');
    nowMs -= 3_600_000;
    expect(await (await open()).reserve({ id: 'd', ip, ranges })).toBe(from);
  });

  it('are not those that somebody listens on', async () => {
    const server = createServer();
    await new Promise<void>((resolve) => void server.listen(0, ip, resolve));
    const found = server.address();
    const port = typeof found === 'object' ? (found?.port ?? 0) : 0;
    const book = await open();
    const only = [{ from: port, to: port }];
    await expect(book.reserve({ id: 'a', ip, ranges: only })).rejects.toMatchObject({ code: 'conflict' });
    await new Promise((resolve) => void server.close(resolve));
    expect(await book.reserve({ id: 'a', ip, ranges: only })).toBe(port);
  });

  it('run out with a clear error, and are refused on a foreign address', async () => {
    const book = await open();
    for (const id of ['a', 'b', 'c']) await book.reserve({ id, ip, ranges });
    await expect(book.reserve({ id: 'd', ip, ranges })).rejects.toMatchObject({
      code: 'conflict',
      why: expect.stringContaining(`${from}-${from + 2}`) as unknown,
    });
    const foreign = { id: 'd', ip: '192.0.2.1', ranges: [{ from: from + 3, to: from + 3 }] };
    await expect(book.reserve(foreign)).rejects.toMatchObject({ code: 'config' });
  });

  it('prefer the one that was asked for', async () => {
    const book = await open();
    expect(await book.reserve({ id: 'a', ip, ranges, preferred: from + 2 })).toBe(from + 2);
    expect(await book.reserve({ id: 'b', ip, ranges, preferred: 22 })).toBe(from);
  });

  it('start anew from a damaged book', async () => {
    writeFileSync(path.join(folder, 'ports.json'), '{"reserved": [1], "resting": {"x"');
    expect((await open()).reserved().size).toBe(0);
  });

  it('are read from the tables of the kernel', () => {
    const table =
      '  sl  local_address rem_address   st\n   0: 0100007F:1F90 00000000:0000 0A 0\n   1: 0100007F:1F91 0100007F:1F90 01 0';
    expect(parseBoundPorts(table, '0A')).toEqual([8_080]);
  });

  it('are warned of where outgoing connections take theirs', () => {
    expect(portRangeWarning({ from: 20_000, to: 29_999 }, '32768\t60999')).toBeUndefined();
    expect(portRangeWarning({ from: 30_000, to: 40_000 }, '32768\t60999')).toMatch(/32768-60999/);
    expect(portRangeWarning({ from: 1, to: 65_535 }, '')).toBeUndefined();
  });
});
