/** Owns how the benchmark of data planes runs: `npm run bench:dataplane`, in the sandbox of the tests; it takes minutes, so it is no part of `npm run bench`. */
import { defineConfig } from 'vitest/config';

// oxlint-disable-next-line import/no-default-export -- vitest asks for it
export default defineConfig({
  test: {
    include: ['test/bench/dataplane/*.bench.ts'],
    pool: 'forks',
    hookTimeout: 60_000,
  },
});
