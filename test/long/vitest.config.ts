/** Owns how tests run that are too long for `npm test`: `npm run test:long`. */
import { defineConfig } from 'vitest/config';

// oxlint-disable-next-line import/no-default-export -- vitest asks for it
export default defineConfig({
  test: {
    maxWorkers: 2,
    globalSetup: ['test/cluster/harness/programs.ts'],
    include: ['test/long/*.test.ts'],
    pool: 'forks',
    testTimeout: 60_000,
    hookTimeout: 60_000,
  },
});
