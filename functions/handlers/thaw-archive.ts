import { thawArchive } from '../operations/restore/thaw-archive.ts'
import { withBase } from '../runtime/compose/base.ts'
import { withStore } from '../runtime/compose/store.ts'
import { defineHandler } from '../runtime/define-handler.ts'

export const handler = defineHandler('ThawArchive', thawArchive, (call) => ({
  ...withBase(call),
  ...withStore(call),
}))
