import { reportCoverage } from '../operations/coverage/report-coverage.ts'
import { withBase } from '../runtime/compose/base.ts'
import { withDeployment } from '../runtime/compose/deployment.ts'
import { withProvider } from '../runtime/compose/provider.ts'
import { withStore } from '../runtime/compose/store.ts'
import { defineHandler } from '../runtime/define-handler.ts'

export const handler = defineHandler('JudgeCoverage', reportCoverage, (call) => ({
  ...withBase(call),
  ...withDeployment(call),
  ...withStore(call),
  ...withProvider(call),
}))
