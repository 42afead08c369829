/** Owns what becomes of instances when sluice is removed from a node: they are told, and ended only where that was asked for. */
import { rm } from 'node:fs/promises';
import path from 'node:path';
import { SluiceError } from '../../errors.ts';
import type { Clock } from '../../host/clock.ts';
import type { Log } from '../../host/log.ts';
import type { Driver, Observed } from '../../runtime/driver.ts';
import { noteFiles } from './notes.ts';
import { openDrivers } from './open-drivers.ts';

/** An agent is not there to drain: connections have this time to end. */
const GRACE_MS = 10_000;

/** What cleaning up needs. */
export interface InstanceCleanup {
  readonly stateDir: string;
  /** End what runs; otherwise it is an error that something does. */
  readonly stop: boolean;
  readonly clock: Clock;
  readonly log: Log;
}

interface Found {
  readonly driver: Driver;
  readonly observed: Observed;
}

function refuse(running: readonly Found[]): SluiceError {
  const names = running.map(({ observed }) => `${observed.service}/${observed.id}`).toSorted();
  return new SluiceError('conflict', `${running.length} instances run on this node`, {
    why: names.slice(0, 10).join(', '),
    fix: 'drain the node first (sluice drain node/NAME), or end them here and now with --instances',
    details: { instances: names },
  });
}

function admit(): never {
  throw new SluiceError('internal', 'nothing is started by a cleanup');
}

/**
 * Ends the node's instances and removes their files and notes.
 * @throws SluiceError `conflict` if some run and `stop` is false, `failed`
 */
export async function cleanUpInstances({ stateDir, stop, clock, log }: InstanceCleanup): Promise<void> {
  const opened = await openDrivers({ stateDir, admit, clock, log });
  try {
    const lists = [...opened.drivers.values()].map(async (driver) =>
      (await driver.list()).map((observed): Found => ({ driver, observed })),
    );
    const found = (await Promise.all(lists)).flat();
    const running = found.filter(({ observed }) => observed.kind === 'running');
    if (running.length > 0 && !stop) throw refuse(running);
    await Promise.all(
      found.map(async ({ driver, observed }) => {
        await driver.stop(observed.id, { signal: 'SIGTERM', graceMs: GRACE_MS });
        await driver.remove(observed.id);
      }),
    );
  } finally {
    await opened.close();
  }
  const files = [...noteFiles(stateDir), path.join(stateDir, 'ports.json'), path.join(stateDir, 'drivers')];
  for (const file of files) {
    await rm(file, { recursive: true, force: true }).catch((cause: unknown) => {
      throw new SluiceError('failed', `cannot remove ${file}`, { why: String(cause), cause });
    });
  }
}
