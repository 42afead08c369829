import { execFile, spawn } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { readAgentStatus, writeAgentStatus } from '../../src/host/agent-status.ts';
import { readBounded, readChecksummed, writeAtomic, writeChecksummed } from '../../src/host/files.ts';

let folder = '';
const at = (name: string): string => path.join(folder, name);
beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'sluice-files-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

describe('a bounded read', () => {
  it('gives text, and undefined for no file', async () => {
    await writeFile(at('a'), 'zwölf');
    expect(await readBounded(at('a'))).toBe('zwölf');
    expect(await readBounded(at('b'))).toBeUndefined();
  });

  it('takes a file of exactly the bound and refuses one byte more', async () => {
    await writeFile(at('a'), '1234');
    expect(await readBounded(at('a'), 4)).toBe('1234');
    await expect(readBounded(at('a'), 3)).rejects.toMatchObject({
      code: 'failed',
      why: 'it is longer than 3 bytes',
    });
  });

  it('ends at the bound also for a file without an end', async () => {
    await expect(readBounded('/dev/zero', 100_000)).rejects.toMatchObject({ code: 'failed' });
  });

  it('refuses a directory', async () => {
    await expect(readBounded(folder)).rejects.toMatchObject({ code: 'failed', details: { path: folder } });
  });
});

describe('an atomic write', () => {
  it('replaces the file, readable by its owner only, and leaves nothing else behind', async () => {
    await writeAtomic(at('a'), 'one');
    await writeAtomic(at('a'), 'two');
    expect(await readFile(at('a'), 'utf8')).toBe('two');
    expect((await stat(at('a'))).mode & 0o777).toBe(0o600);
    expect(await readdir(folder)).toEqual(['a']);
  });

  it('says what is wrong where there is no directory', async () => {
    await expect(writeAtomic(at('x/a'), 'one')).rejects.toMatchObject({
      code: 'failed',
      details: { errno: 'ENOENT' },
    });
  });
});

describe('a checksummed file', () => {
  it('gives back what was written, of any length', async () => {
    for (const text of ['', 'one line', 'ü\n\0\u2028'.repeat(1_000)]) {
      await writeChecksummed(at('s'), text);
      expect(await readChecksummed(at('s'))).toEqual({ text, from: 'current', damage: undefined });
    }
    expect((await readdir(folder)).toSorted()).toEqual(['s', 's.previous']);
  });

  it('that never was is undefined', async () => {
    expect(await readChecksummed(at('s'))).toBeUndefined();
  });

  it.each([
    ['cut short', (file: string) => truncate(file, 105), /^it has \d+ bytes of \d+$/],
    ['emptied', (file: string) => truncate(file, 0), /^it has no header$/],
    [
      'changed',
      async (file: string) => writeFile(file, (await readFile(file, 'utf8')).replace('two', 'tWo')),
      /checksum/,
    ],
    ['deleted', (file: string) => rm(file), /^it is missing$/],
  ])('that is %s is replaced by the previous one, and says so', async (_, damage, why) => {
    await writeChecksummed(at('s'), 'number one');
    await writeChecksummed(at('s'), 'number two');
    await damage(at('s'));
    const read = await readChecksummed(at('s'));
    expect(read).toMatchObject({ text: 'number one', from: 'previous' });
    expect(read?.damage).toMatch(why);
  });

  it('with both versions damaged is an error, not an empty state', async () => {
    await writeChecksummed(at('s'), 'one');
    await writeChecksummed(at('s'), 'two');
    await truncate(at('s'), 3);
    await truncate(at('s.previous'), 3);
    await expect(readChecksummed(at('s'))).rejects.toMatchObject({ code: 'failed' });
  });

  it('that is the first and damaged is an error too', async () => {
    await writeFile(at('s'), 'garbage');
    await expect(readChecksummed(at('s'))).rejects.toMatchObject({ code: 'failed' });
  });
});

describe('the status file of an agent', () => {
  const STATUS = {
    node: 'n1',
    revision: 12,
    appliedAt: '2026-01-02T03:04:05.000Z',
    rulesHash: 'ab',
    connected: false,
    staleSince: '2026-01-02T03:04:06.000Z',
    entries: 1,
    instances: 2,
    failures: ['no route'],
    pid: process.pid,
  };

  it('comes back whole, and knows that its writer runs', async () => {
    await writeAgentStatus(folder, STATUS);
    expect(await readAgentStatus(folder)).toEqual({ ...STATUS, running: true });
  });

  it('knows a dead writer', async () => {
    const child = spawn('sleep', ['60'], { stdio: 'ignore' });
    await writeAgentStatus(folder, { ...STATUS, pid: child.pid ?? 0 });
    expect((await readAgentStatus(folder))?.running).toBe(true);
    const exited = new Promise((resolve) => child.once('exit', resolve));
    child.kill('SIGKILL');
    await exited;
    expect((await readAgentStatus(folder))?.running).toBe(false);
  });

  it('does not take another process of the same pid for the writer', async () => {
    await writeAgentStatus(folder, STATUS);
    const text = await readFile(at('status.json'), 'utf8');
    await writeFile(at('status.json'), text.replace(/"pidStartTicks": \d+/, '"pidStartTicks": 1'));
    expect((await readAgentStatus(folder))?.running).toBe(false);
  });

  it('is undefined where no agent ever ran, and an error if it is damaged', async () => {
    expect(await readAgentStatus(folder)).toBeUndefined();
    const wrong = [{ failures: [1] }, { managed: [{}] }, { managed: {} }].map((change) =>
      JSON.stringify({ ...STATUS, ...change }),
    );
    for (const text of ['', '[]', '{"node":"n1"}', ...wrong]) {
      await writeFile(at('status.json'), text);
      await expect(readAgentStatus(folder)).rejects.toMatchObject({ code: 'failed' });
    }
  });
});

describe.skipIf(process.getuid?.() !== 0)('on a full disk (needs root for a small file system)', () => {
  it('a write fails and the old file stays whole', async () => {
    // The bundle of the module runs in its own mount namespace on 64 KiB of tmpfs.
    const script = `
      import { readChecksummed, writeChecksummed } from ${JSON.stringify(at('files.mjs'))};
      await writeChecksummed('/mnt/s', 'good');
      const error = await writeChecksummed('/mnt/s', 'x'.repeat(200_000)).catch((reason) => reason);
      console.log(JSON.stringify([error?.details?.errno, await readChecksummed('/mnt/s')]));
    `;
    const esbuild = await import('esbuild');
    await esbuild.build({
      entryPoints: [path.resolve(import.meta.dirname, '../../src/host/files.ts')],
      outfile: at('files.mjs'),
      bundle: true,
      platform: 'node',
      format: 'esm',
    });
    await writeFile(at('run.mjs'), script);
    const command = `mount -t tmpfs -o size=64k tmpfs /mnt && exec ${process.execPath} ${at('run.mjs')}`;
    const { stdout } = await promisify(execFile)('unshare', ['--mount', 'sh', '-c', command]);
    expect(JSON.parse(stdout)).toEqual(['ENOSPC', { text: 'good', from: 'current' }]);
  });
});
