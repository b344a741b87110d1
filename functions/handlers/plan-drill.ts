import { planDrill } from '../operations/restore/plan-drill.ts'
import { withBase } from '../runtime/compose/base.ts'
import { withProvider } from '../runtime/compose/provider.ts'
import { withStore } from '../runtime/compose/store.ts'
import { defineHandler } from '../runtime/define-handler.ts'

export const handler = defineHandler('PlanDrill', planDrill, (call) => ({
  ...withBase(call),
  ...withStore(call),
  ...withProvider(call),
}))
