import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    exclude: ['test/bench/**'],
    globalSetup: ['test/support/services.setup.ts'],
    testTimeout: 30_000,
    hookTimeout: 60_000,
  },
});
