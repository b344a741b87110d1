import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    // Tests talk to real sockets and run whole workflows: on two busy cores the default five seconds are too few.
    testTimeout: 120_000,
    hookTimeout: 120_000,
    pool: 'forks',
    // Most of the time they wait for sockets and simulated work, not for a core.
    maxWorkers: 4,
    // CI reads the counts from the file.
    reporters:
      process.env['CI'] === 'true'
        ? ['default', ['json', { outputFile: '.guestlift/test-results.json' }]]
        : ['default'],
  },
})
