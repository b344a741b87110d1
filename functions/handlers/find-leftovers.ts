import { findLeftovers } from '../operations/backup/find-leftovers.ts'
import { withBase } from '../runtime/compose/base.ts'
import { withStore } from '../runtime/compose/store.ts'
import { defineHandler } from '../runtime/define-handler.ts'

export const handler = defineHandler('FindLeftovers', findLeftovers, (call) => ({
  ...withBase(call),
  ...withStore(call),
}))
