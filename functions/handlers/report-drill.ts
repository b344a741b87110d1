import { reportDrill } from '../operations/restore/report-drill.ts'
import { withBase } from '../runtime/compose/base.ts'
import { withStore } from '../runtime/compose/store.ts'
import { defineHandler } from '../runtime/define-handler.ts'

export const handler = defineHandler('ReportDrill', reportDrill, (call) => ({
  ...withBase(call),
  ...withStore(call),
}))
