import { deliverParts } from '../operations/restore/deliver-parts.ts'
import { withBase } from '../runtime/compose/base.ts'
import { withDelivery } from '../runtime/compose/delivery.ts'
import { withMeter } from '../runtime/compose/meter.ts'
import { withStore } from '../runtime/compose/store.ts'
import { defineHandler } from '../runtime/define-handler.ts'

export const handler = defineHandler('DeliverParts', deliverParts, (call) => ({
  ...withBase(call),
  ...withMeter(call),
  ...withStore(call),
  ...withDelivery(call),
}))
