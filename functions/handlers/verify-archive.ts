import { verifyArchive } from '../operations/transfer/verify-archive.ts'
import { withBase } from '../runtime/compose/base.ts'
import { withStore } from '../runtime/compose/store.ts'
import { defineHandler } from '../runtime/define-handler.ts'

export const handler = defineHandler('VerifyArchive', verifyArchive, (call) => ({
  ...withBase(call),
  ...withStore(call),
}))
