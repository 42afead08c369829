/** Owns how the test of the dashboard runs: `npm run test:dashboard`, with Chromium from the distribution; too large a download for `npm test`. */
import { defineConfig } from 'vitest/config';

// oxlint-disable-next-line import/no-default-export -- vitest asks for it
export default defineConfig({
  test: { include: ['test/dashboard/*.browser.ts'], pool: 'forks', testTimeout: 60_000, hookTimeout: 60_000 },
});
