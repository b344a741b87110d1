import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vitest/config'

/** Tests that start processes: the command line, the functions of a local run, a browser. */
const startProcesses = ['bin', 'browser', 'chaos', 'e2e', 'local/cli', 'local/run', 'mutate'].map(
  (folder) => `test/${folder}/**/*.test.ts`,
)

export default defineConfig({
  test: {
    // Tests talk to real sockets and run whole workflows; side by side on two busy cores they take many times as long as alone.
    testTimeout: 300_000,
    hookTimeout: 600_000,
    // What is polled for comes when a core is free for it.
    expect: { poll: { timeout: 60_000 } },
    pool: 'forks',
    // Most of the time they wait for sockets and simulated work, not for a core.
    maxWorkers: 4,
    // Node.js keeps what it compiled; each process that a test starts would else compile the same sources again.
    env: { NODE_COMPILE_CACHE: fileURLToPath(new URL('.guestlift/compile-cache', import.meta.url)) },
    // CI reads the counts from the file.
    reporters:
      process.env['CI'] === 'true'
        ? ['default', ['json', { outputFile: '.guestlift/test-results.json' }]]
        : ['default'],
    projects: [
      {
        extends: true,
        test: {
          name: 'in one process',
          include: ['test/**/*.test.ts'],
          exclude: [...startProcesses, 'test/mutate/fixture/**'],
          // Loading the modules anew for each file takes as long as all tests of these files together.
          isolate: false,
        },
      },
      {
        extends: true,
        test: {
          name: 'with processes',
          include: startProcesses,
          exclude: ['test/mutate/fixture/**'],
        },
      },
    ],
  },
})
