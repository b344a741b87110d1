import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vitest/config'
import { BaseSequencer, type TestSpecification } from 'vitest/node'

/** Tests that start processes: the command line, the functions of a local run, a browser. */
const startProcesses = ['bin', 'browser', 'chaos', 'e2e', 'local/cli', 'local/run', 'mutate'].map(
  (folder) => `test/${folder}/**/*.test.ts`,
)

/** They take minutes, mostly waiting. Begun last, they would go on alone when everything else is done. */
const longest = [
  'test/e2e/fault-table/',
  'test/e2e/',
  'test/chaos/',
  'test/lib/workflows/scale',
  'test/functions/readers/push',
]

/** By what is known beforehand: a fresh checkout has no record of durations, and a file's size says little about them. */
class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const rank = ({ moduleId }: TestSpecification): number => {
      const place = longest.findIndex((path) => moduleId.includes(path))
      return place === -1 ? longest.length : place
    }
    return (await super.sort(files)).toSorted((one, other) => rank(one) - rank(other))
  }
}

export default defineConfig({
  test: {
    sequence: { sequencer: LongestFirst },
    // Tests talk to real sockets and run whole workflows: on two busy cores the default five seconds are too few.
    testTimeout: 120_000,
    hookTimeout: 120_000,
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
          // Each runs whole workflows; side by side on two cores they take several times as long as alone.
          testTimeout: 300_000,
          hookTimeout: 300_000,
        },
      },
    ],
  },
})
