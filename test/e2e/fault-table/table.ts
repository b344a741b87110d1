import type { Fault } from './fault.ts'
import { functionFaults } from './functions.ts'
import { restoreFaults } from './restores.ts'
import { instanceFaults } from './instances.ts'
import { resumeFaults } from './resume.ts'
import { sourceConnectionFaults } from './source-connection.ts'
import { sourceFileFaults } from './source-file.ts'
import { storeFaults } from './store.ts'

const backupFaults = [
  ...sourceConnectionFaults,
  ...sourceFileFaults,
  ...storeFaults,
  ...functionFaults,
  ...resumeFaults,
]

/** Everything that is known to go wrong, in the order of the table in docs/faults.md. */
export const faultTable: readonly Fault[] = [
  ...backupFaults.map((fault) => ({ scenario: 'backup' as const, ...fault })),
  ...restoreFaults.map((fault) => ({ scenario: 'restore' as const, ...fault })),
  ...instanceFaults.map((fault) => ({ scenario: 'instance' as const, route: 'blocks' as const, ...fault })),
]
