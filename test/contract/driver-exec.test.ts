/** The driver contract on the administrator's own commands. */
import { programContract } from './driver-programs.ts';
import { driverContract } from './driver-suite.ts';

driverContract('exec');
programContract('exec');
