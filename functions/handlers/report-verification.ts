import { reportVerification } from '../operations/verification/report-verification.ts'
import { withBase } from '../runtime/compose/base.ts'
import { withDeployment } from '../runtime/compose/deployment.ts'
import { withStore } from '../runtime/compose/store.ts'
import { defineHandler } from '../runtime/define-handler.ts'

export const handler = defineHandler('ReportVerification', reportVerification, (call) => ({
  ...withBase(call),
  ...withDeployment(call),
  ...withStore(call),
}))
