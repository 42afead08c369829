/** The driver contract on transient units of systemd. */
import { programContract } from '../contract/driver-programs.ts';
import { driverContract } from '../contract/driver-suite.ts';

driverContract('systemd');
programContract('systemd');
