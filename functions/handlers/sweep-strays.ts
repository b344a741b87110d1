import { sweepStrays } from '../operations/sweep/sweep-strays.ts'
import { withBase } from '../runtime/compose/base.ts'
import { withStore } from '../runtime/compose/store.ts'
import { withProvider } from '../runtime/compose/provider.ts'
import { defineHandler } from '../runtime/define-handler.ts'

export const handler = defineHandler('SweepStrays', sweepStrays, (call) => ({
  ...withBase(call),
  ...withStore(call),
  ...withProvider(call),
}))
