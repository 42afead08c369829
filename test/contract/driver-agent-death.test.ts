/** The driver process under agents that are killed in the middle of a start, and on a disk that is full. */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { agentDeathContract, buildVictim } from './agent-death-suite.ts';
import { freshId } from './driver-suite.ts';
import { TEST_USER } from './driver-world.ts';

agentDeathContract('process', [0, 10, 25, 40, 60, 90, 130]);

describe('an agent of its own process', () => {
  let folder: string;
  let victim: string;
  beforeAll(async () => {
    folder = mkdtempSync(path.join(tmpdir(), 'sluice-victim-'));
    victim = await buildVictim(folder);
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

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
    const words = [
      process.execPath,
      victim,
      'fill',
      'process',
      path.join(disk, 'driver'),
      TEST_USER,
      freshId(),
    ];
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
