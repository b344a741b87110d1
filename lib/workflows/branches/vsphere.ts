import { startAndWait } from './branch.ts'

/** vSphere: a snapshot, and where its files can't be read, a clone of it; then the files that it holds still. */
export const vsphereBranch = startAndWait({ start: 'Create snapshot', noun: 'snapshot' })
