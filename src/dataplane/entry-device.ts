/**
 * Owns the device that entries are routed to, by iproute2: it swallows what is sent to it. A `dummy` where the kernel has it, else a bridge
 * without ports; neither asks for neighbours, so that nothing waits for an answer that cannot come.
 */
import type { Exec } from '../host/exec.ts';
import { ENTRY_DEVICE } from '../rules/entry-device.ts';

const KINDS = ['dummy', 'bridge'] as const;

const ip = async (exec: Exec, ...args: readonly string[]): Promise<boolean> =>
  (await exec('ip', args)).exitCode === 0;

/** True if it is there. */
export async function hasDevice(exec: Exec): Promise<boolean> {
  return ip(exec, 'link', 'show', 'dev', ENTRY_DEVICE);
}

/** Makes it, if it is not there. @returns false where the kernel has neither kind */
export async function ensureDevice(exec: Exec): Promise<boolean> {
  if (!(await hasDevice(exec)) && !(await makeDevice(exec))) return false;
  // One after the other: in one call the kernel brings it up first, and makes it an address before it reads that it should have none.
  const isQuiet = await ip(exec, 'link', 'set', ENTRY_DEVICE, 'addrgenmode', 'none', 'arp', 'off');
  return isQuiet && (await ip(exec, 'link', 'set', ENTRY_DEVICE, 'up'));
}

async function makeDevice(exec: Exec): Promise<boolean> {
  for (const kind of KINDS) if (await ip(exec, 'link', 'add', ENTRY_DEVICE, 'type', kind)) return true;
  return false;
}

/** Removes it, with the routes that lead to it. */
export async function removeDevice(exec: Exec): Promise<void> {
  if (await hasDevice(exec)) await ip(exec, 'link', 'del', ENTRY_DEVICE);
}
