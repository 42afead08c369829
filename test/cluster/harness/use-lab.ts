/** Owns the bond of a lab to a describe block of vitest: up before all its tests, down after, process output shown on failure. */
import { afterAll, beforeAll, beforeEach } from 'vitest';
import { startLab, type Lab, type LabSize } from './lab.ts';
import { startStoreWay } from './store-way.ts';

/**
 * One lab for all tests of a describe block.
 * @returns gives the lab inside tests and hooks
 */
export function useLab(size: LabSize): () => Lab {
  let lab: Lab | undefined;
  beforeAll(async () => {
    lab = await startLab(size);
    if ((size.etcd ?? 0) > 0) await startStoreWay(lab);
  });
  beforeEach(({ onTestFailed }) => {
    onTestFailed(() => {
      const machines = [...(lab?.nodes ?? []), ...(lab?.clients ?? [])];
      process.stderr.write(machines.map((machine) => machine.report()).join(''));
    });
  });
  afterAll(async () => {
    await lab?.close();
  });
  return () => {
    if (lab === undefined) throw new Error('the lab is up only inside tests and hooks');
    return lab;
  };
}
