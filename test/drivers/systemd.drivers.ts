/** The driver contract on transient units of systemd. */
import { agentDeathContract } from '../contract/agent-death-suite.ts';
import { programContract } from '../contract/driver-programs.ts';
import { driverContract } from '../contract/driver-suite.ts';

driverContract('systemd');
agentDeathContract('systemd', [0, 20, 40, 60, 90, 130]);
programContract('systemd');
