/** All workflows: the key under which this machine runs them, and their part of the state machine's name on AWS. */
export const workflowNames = {
  exportRun: 'export-run',
  exportGuest: 'export-guest',
  sweepUploads: 'sweep-uploads',
  verifyArchives: 'verify-archives',
  judgeCoverage: 'judge-coverage',
  cleanUpRun: 'clean-up-run',
  pruneArchives: 'prune-archives',
  restoreGuest: 'restore-guest',
  restoreDrill: 'restore-drill',
  cleanUpRestore: 'clean-up-restore',
} as const

export type WorkflowKey = keyof typeof workflowNames
export type WorkflowName = (typeof workflowNames)[WorkflowKey]
