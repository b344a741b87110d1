import { reportVerification } from '../operations/report-verification.ts'
import { withBase } from '../runtime/compose/base.ts'
import { withStore } from '../runtime/compose/store.ts'
import { defineHandler } from '../runtime/define-handler.ts'

export const handler = defineHandler('ReportVerification', reportVerification, (call) => ({
  ...withBase(call),
  ...withStore(call),
}))
