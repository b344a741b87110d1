import { checkTarget } from '../operations/restore/check-target.ts'
import { withBase } from '../runtime/compose/base.ts'
import { withDelivery } from '../runtime/compose/delivery.ts'
import { withRestoreLimits } from '../runtime/compose/limits.ts'
import { withRestorer } from '../runtime/compose/provider.ts'
import { withStore } from '../runtime/compose/store.ts'
import { defineHandler } from '../runtime/define-handler.ts'

export const handler = defineHandler('CheckTarget', checkTarget, (call) => ({
  ...withBase(call),
  ...withStore(call),
  ...withRestorer(call),
  ...withDelivery(call),
  ...withRestoreLimits(call),
}))
