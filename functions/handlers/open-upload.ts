import { openUpload } from '../operations/transfer/open-upload.ts'
import { withBase } from '../runtime/compose/base.ts'
import { withStore } from '../runtime/compose/store.ts'
import { withRoute } from '../runtime/compose/route.ts'
import { defineHandler } from '../runtime/define-handler.ts'

export const handler = defineHandler('OpenUpload', openUpload, (call) => ({
  ...withBase(call),
  ...withStore(call),
  ...withRoute(call),
}))
