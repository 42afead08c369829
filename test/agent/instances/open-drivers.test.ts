/** Tests opening a node's drivers: each works, or there is a word why it does not. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openDrivers } from '../../../src/agent/instances/open-drivers.ts';
import { systemClock } from '../../../src/host/clock.ts';

const quiet = (): undefined => undefined;
const admit = (): Promise<never> => Promise.reject(new Error('nothing may run'));

describe('opening drivers', () => {
  let stateDir: string;
  const pathVariable = process.env['PATH'];
  beforeEach(() => {
    stateDir = mkdtempSync(path.join(tmpdir(), 'sluice-drivers-'));
  });
  afterEach(() => {
    process.env['PATH'] = pathVariable;
    rmSync(stateDir, { recursive: true, force: true });
  });

  it('gives those that work here, and says in a line why others do not', async () => {
    process.env['PATH'] = stateDir; // whatever this machine has installed
    const log = { debug: quiet, info: quiet, warn: quiet, error: quiet };
    const opened = await openDrivers({ stateDir, admit, clock: systemClock, log });
    await opened.close();
    expect(opened.drivers.has('process')).toBe(true);
    expect(opened.absent.get('podman')).toBe('podman is not installed');
    const told = [...opened.drivers.keys(), ...opened.absent.keys()];
    expect(told.toSorted()).toEqual(['exec', 'podman', 'process', 'systemd']);
    for (const why of opened.absent.values()) expect(why).toMatch(/^[^\n]{5,200}$/);
  });
});
