/** Owns the question that every driver asks right before it starts or runs something: does this node's policy allow it, and what is it really? */
import type { DriverName } from '../model/template.ts';
import type { StartOrder } from './driver.ts';

/** What may be run: programs as absolute paths, the folder by its real path. */
export interface Admission {
  readonly command: readonly string[];
  readonly hooks: StartOrder['hooks'];
  readonly workingDirectory: string;
}

/**
 * Looks at what an order names as it is now, and asks the node's policy.
 * @throws SluiceError `permission` with the rule that refused, `failed` if a program or folder is missing or cannot be executed
 */
export type Admit = (driver: DriverName, order: StartOrder) => Promise<Admission>;
