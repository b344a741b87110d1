import { planDelivery } from '../operations/restore/plan-delivery.ts'
import { withBase } from '../runtime/compose/base.ts'
import { withDelivery } from '../runtime/compose/delivery.ts'
import { withRestoreLimits } from '../runtime/compose/limits.ts'
import { withStore } from '../runtime/compose/store.ts'
import { defineHandler } from '../runtime/define-handler.ts'

export const handler = defineHandler('PlanDelivery', planDelivery, (call) => ({
  ...withBase(call),
  ...withStore(call),
  ...withDelivery(call),
  ...withRestoreLimits(call),
}))
