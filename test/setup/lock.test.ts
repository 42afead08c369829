import { EventEmitter, once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect, it } from 'vitest';
import { withLock } from '../../bin/setup/lock.js';

it('two set-ups of one tree come after each other, two of different trees do not wait', async () => {
  const one = await mkdtemp(path.join(tmpdir(), 'sluice-lock-'));
  const log: string[] = [];
  const gate = new EventEmitter();
  const first = withLock(one, async () => {
    log.push('first begins');
    await once(gate, 'open');
    log.push('first ends');
  });
  await withLock(`${one}-other`, async () => await Promise.resolve(log.push('other')));
  const second = withLock(one, async () => await Promise.resolve(log.push('second')));
  gate.emit('open');
  await Promise.all([first, second]);
  expect(log).toEqual(['first begins', 'other', 'first ends', 'second']);
  await rm(one, { recursive: true });
});

it('a failed set-up gives its lock back', async () => {
  const folder = path.join(tmpdir(), `sluice-lock-${process.pid}`);
  await expect(withLock(folder, async () => await Promise.reject(new Error('no')))).rejects.toThrow('no');
  expect(await withLock(folder, async () => await Promise.resolve(1))).toBe(1);
});
