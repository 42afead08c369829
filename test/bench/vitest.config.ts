/** Owns how benchmarks run: `npm run bench`, one after the other, in the sandbox of the tests. */
import { defineConfig } from 'vitest/config';

// oxlint-disable-next-line import/no-default-export -- vitest asks for it
export default defineConfig({
  test: {
    globalSetup: ['test/cluster/harness/programs.ts'],
    include: ['test/bench/*.bench.ts'],
    pool: 'forks',
    fileParallelism: false,
    testTimeout: 300_000,
    hookTimeout: 120_000,
  },
});
