import { completeUpload } from '../operations/transfer/complete-upload.ts'
import { withBase } from '../runtime/compose/base.ts'
import { withStore } from '../runtime/compose/store.ts'
import { withRoute } from '../runtime/compose/route.ts'
import { defineHandler } from '../runtime/define-handler.ts'

export const handler = defineHandler('CompleteUpload', completeUpload, (call) => ({
  ...withBase(call),
  ...withStore(call),
  ...withRoute(call),
}))
