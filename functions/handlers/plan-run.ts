import { planRun } from '../operations/run/plan-run.ts'
import { withBase } from '../runtime/compose/base.ts'
import { withLocks } from '../runtime/compose/locks.ts'
import { withStore } from '../runtime/compose/store.ts'
import { withProvider } from '../runtime/compose/provider.ts'
import { withRoute } from '../runtime/compose/route.ts'
import { defineHandler } from '../runtime/define-handler.ts'

export const handler = defineHandler('PlanRun', planRun, (call) => ({
  ...withBase(call),
  ...withStore(call),
  ...withLocks(call),
  ...withProvider(call),
  ...withRoute(call),
}))
