import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vitest/config'

const filesIn = (...folders: string[]) => folders.map((folder) => `test/${folder}/**/*.test.ts`)

/** Values in, values out, and fakes: no socket, no program, no synthesis. `npm run test:unit` runs these alone. */
const unit = [
  'test/*.test.ts',
  ...filesIn('functions/contracts', 'functions/domain', 'functions/operations', 'functions/runtime'),
  ...filesIn('boot', 'local/asl', 'local/iam', 'local/vectors', 'local/verdicts', 'schemas'),
]
/** Whole workflows over processes of their own, which are ended from outside: each file has its process for itself. */
const alone = filesIn('browser', 'ceph', 'chaos', 'e2e', 'mutate')

export default defineConfig({
  test: {
    // Tests talk to real sockets and run whole workflows; side by side on two busy cores they take many times as long as alone.
    testTimeout: 300_000,
    hookTimeout: 600_000,
    // What is polled for comes when a core is free for it.
    expect: { poll: { timeout: 60_000 } },
    pool: 'forks',
    // A fourth keeps two cores so busy that a run's test of store and route, which has seconds, goes unanswered.
    maxWorkers: 3,
    // Node.js keeps what it compiled; each process that a test starts would else compile the same sources again.
    env: {
      NODE_COMPILE_CACHE: fileURLToPath(new URL('.guestlift/compile-cache', import.meta.url)),
      // CDK's rules about templates take each process ten CPU seconds to load. test/lib/cloudformation-rules.test.ts asks them.
      CDK_VALIDATION: 'false',
      // Times are shown by the local clock.
      TZ: 'UTC',
    },
    // CI reads the counts from the file.
    reporters:
      process.env['CI'] === 'true'
        ? ['default', ['json', { outputFile: '.guestlift/test-results.json' }]]
        : ['default'],
    // Loading the modules anew for each file takes as long as most files' tests together.
    isolate: false,
    // Node.js strips types itself and keeps what it compiled. Nothing here mocks modules, which is what Vite's loader is for.
    experimental: { viteModuleRunner: false, nodeLoader: false },
    setupFiles: ['test/set-up/leave-no-trace.ts'],
    exclude: ['test/mutate/fixture/**'],
    projects: [
      { extends: true, test: { name: 'unit', include: unit } },
      {
        extends: true,
        test: { name: 'in one process', include: filesIn('**'), exclude: [...unit, ...alone] },
      },
      // Whole runs side by side in one process: more of them starve one another, and take no less time together.
      { extends: true, test: { name: 'alone', include: alone, isolate: true, maxConcurrency: 3 } },
    ],
  },
})
