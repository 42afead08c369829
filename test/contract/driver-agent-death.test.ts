/** The driver process under agents that are killed in the middle of a start, and on a disk that is full. */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { build } from 'esbuild';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { freshId } from './driver-suite.ts';
import { eventually, openDriverWorld, pidsOf, TEST_USER } from './driver-world.ts';

describe('an agent of its own process', () => {
  let folder: string;
  let victim: string;
  beforeAll(async () => {
    folder = mkdtempSync(path.join(tmpdir(), 'sluice-victim-'));
    victim = path.join(folder, 'victim.mjs');
    const entryPoints = [path.resolve(import.meta.dirname, 'driver-victim.ts')];
    await build({ entryPoints, outfile: victim, bundle: true, platform: 'node', format: 'esm' });
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it('may be killed at any moment of a start: what runs is found, nothing runs twice or unknown', async () => {
    const world = await openDriverWorld('process');
    try {
      for (const delayMs of [0, 10, 25, 40, 60, 90, 130]) {
        const ids = [freshId(), freshId(), freshId()];
        const agent = spawn(process.execPath, [victim, 'start', world.root, TEST_USER, ...ids]);
        const gone = once(agent, 'exit');
        await once(agent.stdout, 'data');
        await new Promise((resolve) => void setTimeout(resolve, delayMs));
        agent.kill('SIGKILL');
        await gone;
        const next = await world.open();
        const found = new Map((await next.list()).map((one) => [one.id, one]));
        for (const id of ids) {
          const pids = found.get(id)?.kind === 'running' ? 1 : 0;
          // One that was found may still be on its way to its program.
          await eventually(() => expect([delayMs, pidsOf(id).length]).toEqual([delayMs, pids]));
          const { kind } = await next.start(world.order({ id }));
          expect([kind, pidsOf(id).length]).toEqual(['running', 1]);
        }
      }
    } finally {
      await world.close();
    }
  });

  it('leaves instances running on a full disk, loses no log, and says it once', async ({ skip }) => {
    const args = [
      '--mount',
      '--',
      'sh',
      '-c',
      'mount -t tmpfs -o size=1m none "$1" && shift && exec "$@"',
      'x',
    ];
    const disk = path.join(folder, 'disk');
    mkdirSync(disk);
    const canMount = spawnSync('unshare', [...args, disk, 'true']).status === 0;
    skip(!canMount, 'cannot mount a small disk here');
    const words = [process.execPath, victim, 'fill', path.join(disk, 'driver'), TEST_USER, freshId()];
    const agent = spawn('unshare', [...args, disk, ...words], { stdio: ['ignore', 'pipe', 'inherit'] });
    let output = '';
    agent.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
    await once(agent, 'close');
    const told: unknown = JSON.parse(output.replace('up\n', ''));
    expect(told).toMatchObject({
      kind: 'running',
      said: expect.toSatisfy(
        (said: readonly string[]) => said.filter((line) => line.includes('cannot be rotated')).length === 1,
      ) as unknown,
      size: expect.toSatisfy((size: number) => size > 100_000) as unknown,
      shrunk: false,
      exit: { signal: 'SIGTERM', lost: false },
    });
  });
});
