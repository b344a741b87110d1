import { applyRetention } from '../operations/pruning/apply-retention.ts'
import { withBase } from '../runtime/compose/base.ts'
import { withRetention } from '../runtime/compose/retention.ts'
import { withStore } from '../runtime/compose/store.ts'
import { defineHandler } from '../runtime/define-handler.ts'

export const handler = defineHandler('ApplyRetention', applyRetention, (call) => ({
  ...withBase(call),
  ...withStore(call),
  ...withRetention(call),
}))
