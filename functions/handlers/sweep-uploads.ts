import { sweepUploads } from '../operations/sweep/sweep-uploads.ts'
import { withBase } from '../runtime/compose/base.ts'
import { withStore } from '../runtime/compose/store.ts'
import { defineHandler } from '../runtime/define-handler.ts'

export const handler = defineHandler('SweepUploads', sweepUploads, (call) => ({
  ...withBase(call),
  ...withStore(call),
}))
