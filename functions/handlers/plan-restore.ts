import { planRestore } from '../operations/restore/plan-restore.ts'
import { withBase } from '../runtime/compose/base.ts'
import { withStore } from '../runtime/compose/store.ts'
import { defineHandler } from '../runtime/define-handler.ts'

export const handler = defineHandler('PlanRestore', planRestore, (call) => ({
  ...withBase(call),
  ...withStore(call),
}))
