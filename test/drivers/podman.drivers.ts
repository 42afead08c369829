/** The driver contract on containers of podman, and what only they have: images. */
import { afterAll, beforeAll } from 'vitest';
import { driverContract } from '../contract/driver-suite.ts';
import { openPodmanMachine } from './podman-machine.ts';

let close: () => void;
beforeAll(async () => {
  close = await openPodmanMachine();
});
afterAll(() => close());

driverContract('podman');
