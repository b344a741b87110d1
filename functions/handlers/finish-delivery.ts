import { finishDelivery } from '../operations/restore/finish-delivery.ts'
import { withBase } from '../runtime/compose/base.ts'
import { withDelivery } from '../runtime/compose/delivery.ts'
import { withStore } from '../runtime/compose/store.ts'
import { defineHandler } from '../runtime/define-handler.ts'

export const handler = defineHandler('FinishDelivery', finishDelivery, (call) => ({
  ...withBase(call),
  ...withStore(call),
  ...withDelivery(call),
}))
