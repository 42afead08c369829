/** Owns opening any driver under test; free of vitest, as small agents of their own open drivers, too. */
import type { Driver } from '../../src/runtime/driver.ts';
import { openExecDriver } from '../../src/runtime/exec/exec-driver.ts';
import { openPodmanDriver } from '../../src/runtime/podman/podman-driver.ts';
import { openProcessDriver, type ProcessDriverOptions } from '../../src/runtime/process/process-driver.ts';
import { openSystemdDriver } from '../../src/runtime/systemd/systemd-driver.ts';

/** Image of containers under test, made by test/drivers. */
export const TEST_IMAGE = 'localhost/sluice-test:1';

const OPENERS = {
  process: openProcessDriver,
  exec: openExecDriver,
  systemd: openSystemdDriver,
  podman: openPodmanDriver,
} as const;

/** Drivers that pass the contract. */
export type TestedDriver = keyof typeof OPENERS;

/** Opens one. */
export const openTested = async (name: TestedDriver, options: ProcessDriverOptions): Promise<Driver> =>
  await OPENERS[name](options);

/** What an instance does of which nothing else is said. The first process of a container ignores what it has no handler for. */
export const defaultScript = (name: TestedDriver): string =>
  name === 'podman' ? "trap 'exit 143' TERM; sleep 1000 & wait" : 'exec sleep 1000';
