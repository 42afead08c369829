/** Owns the driver `systemd`: its keeper in the driver that all keepers share. */
import { readCgroupMounts } from '../cgroup/mounts.ts';
import type { Driver } from '../driver.ts';
import { type KeptDriverOptions, openKeptDriver } from '../kept/kept-driver.ts';
import { openSystemdKeeper } from './systemd-keeper.ts';

/** Opens the driver. @throws SluiceError or the system's error if its folder cannot be made */
export async function openSystemdDriver(options: KeptDriverOptions): Promise<Driver> {
  const mounts = options.mounts ?? readCgroupMounts();
  const { root, admit, clock } = options;
  return await openKeptDriver(openSystemdKeeper({ root, admit, clock, mounts }), { ...options, mounts });
}
