/**
 * Owns opening the node's drivers: those that work here. One that cannot be opened (a full disk) is tried again, so that what it started is
 * found as soon as it can be.
 */
import type { Clock } from '../../host/clock.ts';
import type { Log } from '../../host/log.ts';
import type { DriverName } from '../../model/template.ts';
import type { Admit } from '../../runtime/admission.ts';
import type { Driver } from '../../runtime/driver.ts';
import { openExecDriver } from '../../runtime/exec/exec-driver.ts';
import { openPodmanDriver } from '../../runtime/podman/podman-driver.ts';
import { openProcessDriver } from '../../runtime/process/process-driver.ts';
import { driverFolder } from '../../runtime/running.ts';
import { openSystemdDriver } from '../../runtime/systemd/systemd-driver.ts';
import { whyText } from './words.ts';

const OPEN_AGAIN_MS = 5_000;

/** What a driver is opened with. */
interface OpenOptions {
  readonly root: string;
  readonly admit: Admit;
  readonly clock: Clock;
  readonly log: Log;
}

/** Every driver there is, and how it is opened. */
const OPENERS: Readonly<Record<DriverName, (options: OpenOptions) => Promise<Driver>>> = {
  process: openProcessDriver,
  exec: openExecDriver,
  systemd: openSystemdDriver,
  podman: openPodmanDriver,
};

/** The node's drivers. */
export interface OpenDrivers {
  /** Those that are open and work; grows when one that could not be opened is. */
  readonly drivers: ReadonlyMap<DriverName, Driver>;
  /** Those, and those that are tried again. */
  readonly expected: readonly DriverName[];
  /** Why others do not work here. */
  readonly absent: ReadonlyMap<DriverName, string>;
  readonly close: () => Promise<void>;
}

/** What opening needs. */
export interface OpenDriversOptions {
  readonly stateDir: string;
  readonly admit: Admit;
  readonly clock: Clock;
  readonly log: Log;
}

/** Opens all drivers that work on this node. Never throws for one that does not. */
export async function openDrivers({ stateDir, admit, clock, log }: OpenDriversOptions): Promise<OpenDrivers> {
  const drivers = new Map<DriverName, Driver>();
  const expected: DriverName[] = [];
  const absent = new Map<DriverName, string>();
  const closing = new AbortController();

  /** @returns false if it has to be tried again */
  const open = async (name: DriverName, isFirst: boolean): Promise<boolean> => {
    try {
      const root = driverFolder(stateDir, name);
      const driver = await OPENERS[name]({ root, admit, clock, log });
      const { ok, why } = await driver.fingerprint();
      if (ok) drivers.set(name, driver);
      else {
        absent.set(name, why ?? 'it does not work');
        log.info('a driver does not work on this node', { driver: name, why });
        await driver.close();
      }
      return true;
    } catch (error) {
      if (isFirst) log.error('a driver cannot be opened, trying on', { driver: name, why: whyText(error) });
      return false;
    }
  };
  const tryOn = async (name: DriverName): Promise<void> => {
    while (!closing.signal.aborted) {
      await clock.sleep(OPEN_AGAIN_MS, closing.signal);
      if (closing.signal.aborted || (await open(name, false))) return;
    }
  };

  const trying: Promise<void>[] = [];
  for (const name of ['process', 'exec', 'systemd', 'podman'] as const) {
    const isDone = await open(name, true);
    if (!isDone) trying.push(tryOn(name));
    if (!isDone || drivers.has(name)) expected.push(name);
  }
  return {
    drivers,
    expected,
    absent,
    close: async () => {
      closing.abort();
      await Promise.all(trying);
      await Promise.all([...drivers.values()].map(async (driver) => await driver.close()));
    },
  };
}
