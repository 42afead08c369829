/** Owns what every driver owes an agent that is killed in the middle of a start. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { build } from 'esbuild';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { TestedDriver } from './driver-openers.ts';
import { freshId } from './driver-suite.ts';
import { eventually, openDriverWorld, runsOf, TEST_USER } from './driver-world.ts';

/** Makes the program of driver-victim.ts. @returns its file */
export async function buildVictim(folder: string): Promise<string> {
  const outfile = path.join(folder, 'victim.mjs');
  const entryPoints = [path.resolve(import.meta.dirname, 'driver-victim.ts')];
  await build({ entryPoints, outfile, bundle: true, platform: 'node', format: 'esm' });
  return outfile;
}

/** Runs it on one driver. @param delaysMs after which the agent is killed, which starts three instances one after the other */
export function agentDeathContract(name: TestedDriver, delaysMs: readonly number[]): void {
  describe(`an agent with driver ${name}`, () => {
    let folder: string;
    let victim: string;
    beforeAll(async () => {
      folder = mkdtempSync(path.join(tmpdir(), 'sluice-victim-'));
      victim = await buildVictim(folder);
    });
    afterAll(() => rmSync(folder, { recursive: true, force: true }));

    it('may be killed at any moment of a start: what runs is found, nothing runs twice or unknown', async () => {
      const world = await openDriverWorld(name);
      try {
        for (const delayMs of delaysMs) {
          const ids = [freshId(), freshId(), freshId()];
          const agent = spawn(process.execPath, [victim, 'start', name, world.root, TEST_USER, ...ids]);
          const gone = once(agent, 'exit');
          await once(agent.stdout, 'data');
          await new Promise((resolve) => void setTimeout(resolve, delayMs));
          agent.kill('SIGKILL');
          await gone;
          const next = await world.open();
          const found = new Map((await next.list()).map((one) => [one.id, one]));
          for (const id of ids) {
            const runs = found.get(id)?.kind === 'running' ? 1 : 0;
            // What runs may still be on its way to its program: what stands in /proc is nothing meanwhile.
            await eventually(() => expect([delayMs, runsOf(id).size]).toEqual([delayMs, runs]));
            const { kind } = await next.start(world.order({ id }));
            await eventually(() => expect([delayMs, kind, runsOf(id).size]).toEqual([delayMs, 'running', 1]));
          }
        }
      } finally {
        await world.close();
      }
    });
  });
}
