import { keepConfiguration } from '../operations/configuration/keep-configuration.ts'
import { withBase } from '../runtime/compose/base.ts'
import { withProvider } from '../runtime/compose/provider.ts'
import { withStore } from '../runtime/compose/store.ts'
import { defineHandler } from '../runtime/define-handler.ts'

export const handler = defineHandler('KeepConfiguration', keepConfiguration, (call) => ({
  ...withBase(call),
  ...withStore(call),
  ...withProvider(call),
}))
