/** Owns how `npm run test:drivers` runs: drivers that need systemd and podman, in the space that bin/setup/drivers.js makes. */
import { defineConfig } from 'vitest/config';

// oxlint-disable-next-line import/no-default-export -- vitest asks for it
export default defineConfig({
  test: {
    globalSetup: ['test/cluster/harness/programs.ts'],
    include: ['test/drivers/**/*.drivers.ts'],
    pool: 'forks',
    maxWorkers: 2,
    testTimeout: 120_000,
    hookTimeout: 60_000,
  },
});
