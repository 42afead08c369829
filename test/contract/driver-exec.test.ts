/** The driver contract on the administrator's own commands. */
import { driverContract } from './driver-suite.ts';

driverContract('exec');
