import type { Fault } from './fault.ts'
import { functionFaults } from './functions.ts'
import { resumeFaults } from './resume.ts'
import { sourceConnectionFaults } from './source-connection.ts'
import { sourceFileFaults } from './source-file.ts'
import { storeFaults } from './store.ts'

/** Everything that is known to go wrong, in the order of the table in docs/faults.md. */
export const faultTable: readonly Fault[] = [
  ...sourceConnectionFaults,
  ...sourceFileFaults,
  ...storeFaults,
  ...functionFaults,
  ...resumeFaults,
]
