import { probeGuest } from '../operations/restore/probe-guest.ts'
import { withBase } from '../runtime/compose/base.ts'
import { withRestorer } from '../runtime/compose/provider.ts'
import { withStore } from '../runtime/compose/store.ts'
import { defineHandler } from '../runtime/define-handler.ts'

export const handler = defineHandler('ProbeGuest', probeGuest, (call) => ({
  ...withBase(call),
  ...withStore(call),
  ...withRestorer(call),
}))
