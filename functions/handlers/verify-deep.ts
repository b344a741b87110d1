import { verifyDeepTask } from '../operations/verification/verify-deep.ts'
import { withBase } from '../runtime/compose/base.ts'
import { withLocks } from '../runtime/compose/locks.ts'
import { withStore } from '../runtime/compose/store.ts'
import { defineHandler } from '../runtime/define-handler.ts'

export const handler = defineHandler('VerifyDeep', verifyDeepTask, (call) => ({
  ...withBase(call),
  ...withStore(call),
  ...withLocks(call),
}))
