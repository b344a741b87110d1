import { planCopies } from '../operations/transfer/plan-copies.ts'
import { withBase } from '../runtime/compose/base.ts'
import { withSiteLimits } from '../runtime/compose/limits.ts'
import { withStore } from '../runtime/compose/store.ts'
import { defineHandler } from '../runtime/define-handler.ts'

export const handler = defineHandler('PlanCopies', planCopies, (call) => ({
  ...withBase(call),
  ...withStore(call),
  ...withSiteLimits(call),
}))
