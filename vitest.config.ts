/** Owns how tests run: `unit` needs nothing but Node; `real` needs etcd, the kernel and a network of its own (npm test). */
import { defineConfig } from 'vitest/config';

// oxlint-disable-next-line import/no-default-export -- vitest asks for it
export default defineConfig({
  test: {
    maxWorkers: 3, // many tests of `real` wait for leases and deadlines
    globalSetup: ['test/cluster/harness/programs.ts'],
    projects: [
      {
        test: {
          name: 'unit',
          include: ['test/**/*.test.ts'],
          exclude: ['test/cluster/**', 'test/contract/**', 'test/long/**'],
          isolate: false, // loading everything anew for each file takes as long as the tests do
          testTimeout: 20_000, // two cores may be busy with other things
        },
      },
      {
        test: {
          name: 'real',
          include: ['test/cluster/**/*.test.ts', 'test/contract/**/*.test.ts'],
          pool: 'forks',
          isolate: false,
          testTimeout: 60_000,
          hookTimeout: 60_000,
        },
      },
    ],
  },
});
