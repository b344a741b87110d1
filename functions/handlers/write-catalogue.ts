import { writeCatalogue } from '../operations/catalogue/write-catalogue.ts'
import { withBase } from '../runtime/compose/base.ts'
import { withStore } from '../runtime/compose/store.ts'
import { defineHandler } from '../runtime/define-handler.ts'

export const handler = defineHandler('WriteCatalogue', writeCatalogue, (call) => ({
  ...withBase(call),
  ...withStore(call),
}))
