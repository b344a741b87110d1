import { fetchDisks } from '../operations/restore/fetch-disks.ts'
import { withBase } from '../runtime/compose/base.ts'
import { withRestoreLimits } from '../runtime/compose/limits.ts'
import { withRestorer } from '../runtime/compose/provider.ts'
import { withStore } from '../runtime/compose/store.ts'
import { defineHandler } from '../runtime/define-handler.ts'

export const handler = defineHandler('FetchDisks', fetchDisks, (call) => ({
  ...withBase(call),
  ...withStore(call),
  ...withRestorer(call),
  ...withRestoreLimits(call),
}))
