/** Owns the driver `podman`: its keeper in the driver that all keepers share. */
import { readCgroupMounts } from '../cgroup/mounts.ts';
import type { Driver } from '../driver.ts';
import { type KeptDriverOptions, openKeptDriver } from '../kept/kept-driver.ts';
import { openPodmanKeeper } from './podman-keeper.ts';

/** Opens the driver. @throws SluiceError or the system's error if its folder cannot be made */
export async function openPodmanDriver(options: KeptDriverOptions): Promise<Driver> {
  const mounts = options.mounts ?? readCgroupMounts();
  const { root, admit } = options;
  return await openKeptDriver(openPodmanKeeper({ root, admit, mounts }), { ...options, mounts });
}
