import { writeManifest } from '../operations/transfer/write-manifest.ts'
import { withBase } from '../runtime/compose/base.ts'
import { withStore } from '../runtime/compose/store.ts'
import { defineHandler } from '../runtime/define-handler.ts'

export const handler = defineHandler('WriteManifest', writeManifest, (call) => ({
  ...withBase(call),
  ...withStore(call),
}))
