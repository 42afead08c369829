/** The driver contract on transient units of systemd. */
import { driverContract } from '../contract/driver-suite.ts';

driverContract('systemd');
