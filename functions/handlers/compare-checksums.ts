import { compareChecksums } from '../operations/compare-checksums.ts'
import { withBase } from '../runtime/compose/base.ts'
import { withStore } from '../runtime/compose/store.ts'
import { defineHandler } from '../runtime/define-handler.ts'

export const handler = defineHandler('CompareChecksums', compareChecksums, (call) => ({
  ...withBase(call),
  ...withStore(call),
}))
