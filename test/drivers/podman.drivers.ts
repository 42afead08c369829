/** The driver contract on containers of podman, and what only they have: images. */
import { afterAll, beforeAll } from 'vitest';
import { agentDeathContract } from '../contract/agent-death-suite.ts';
import { driverContract } from '../contract/driver-suite.ts';
import { openPodmanMachine } from './podman-machine.ts';

let close: () => void;
beforeAll(async () => {
  close = await openPodmanMachine();
});
afterAll(() => close());

driverContract('podman');
agentDeathContract('podman', [0, 60, 150, 300, 450, 700]);
