import { planPruning } from '../operations/pruning/plan-pruning.ts'
import { withBase } from '../runtime/compose/base.ts'
import { withProvider } from '../runtime/compose/provider.ts'
import { withStore } from '../runtime/compose/store.ts'
import { defineHandler } from '../runtime/define-handler.ts'

export const handler = defineHandler('PlanPruning', planPruning, (call) => ({
  ...withBase(call),
  ...withStore(call),
  ...withProvider(call),
}))
