import { expect, it } from 'vitest'
import { nearestFirst } from './graph.ts'

it('asks the tests that load a file by the fewest steps first, and of equals its own', () => {
  const distances = new Map([
    ['functions/operations/transfer/copy-parts.ts', 0],
    ['test/e2e/interrupted-run.test.ts', 1],
    ['test/functions/operations/backup/copy.test.ts', 1],
    ['test/functions/operations/transfer/copy-parts-exact.test.ts', 1],
    ['functions/handlers/copy-parts.ts', 1],
    ['test/functions/operations/transfer/copy-parts.test.ts', 2],
    ['test/functions/operations/transfer/other.test.ts', 1],
  ])
  expect(nearestFirst('functions/operations/transfer/copy-parts.ts', distances)).toEqual([
    'test/functions/operations/transfer/copy-parts-exact.test.ts',
    'test/functions/operations/transfer/other.test.ts',
    'test/functions/operations/backup/copy.test.ts',
    'test/e2e/interrupted-run.test.ts',
    'test/functions/operations/transfer/copy-parts.test.ts',
  ])
})
