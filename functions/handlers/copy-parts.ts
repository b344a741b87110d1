import { copyParts } from '../operations/transfer/copy-parts.ts'
import { withBase } from '../runtime/compose/base.ts'
import { withMeter } from '../runtime/compose/meter.ts'
import { withStore } from '../runtime/compose/store.ts'
import { withRoute } from '../runtime/compose/route.ts'
import { defineHandler } from '../runtime/define-handler.ts'

export const handler = defineHandler('CopyParts', copyParts, (call) => ({
  ...withBase(call),
  ...withMeter(call),
  ...withStore(call),
  ...withRoute(call),
}))
