import { planVerification } from '../operations/verification/plan-verification.ts'
import { withBase } from '../runtime/compose/base.ts'
import { withStore } from '../runtime/compose/store.ts'
import { defineHandler } from '../runtime/define-handler.ts'

export const handler = defineHandler('PlanVerification', planVerification, (call) => ({
  ...withBase(call),
  ...withStore(call),
}))
