import { compareGuest } from '../operations/restore/compare-guest.ts'
import { withBase } from '../runtime/compose/base.ts'
import { withDiskWriter } from '../runtime/compose/disk-writer.ts'
import { withRestorer } from '../runtime/compose/provider.ts'
import { withStore } from '../runtime/compose/store.ts'
import { defineHandler } from '../runtime/define-handler.ts'

export const handler = defineHandler('CompareGuest', compareGuest, (call) => ({
  ...withBase(call),
  ...withStore(call),
  ...withRestorer(call),
  ...withDiskWriter(call),
}))
