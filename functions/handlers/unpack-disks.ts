import { unpackDisks } from '../operations/restore/unpack-disks.ts'
import { withBase } from '../runtime/compose/base.ts'
import { withStore } from '../runtime/compose/store.ts'
import { defineHandler } from '../runtime/define-handler.ts'

export const handler = defineHandler('UnpackDisks', unpackDisks, (call) => ({
  ...withBase(call),
  ...withStore(call),
}))
