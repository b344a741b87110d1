import { reportRun } from '../operations/report-run.ts'
import { withBase } from '../runtime/compose/base.ts'
import { withStore } from '../runtime/compose/store.ts'
import { defineHandler } from '../runtime/define-handler.ts'

export const handler = defineHandler('ReportRun', reportRun, (call) => ({ ...withBase(call), ...withStore(call) }))
