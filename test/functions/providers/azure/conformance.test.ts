import { describeCore } from '../core-conformance.ts'
import { azureBed, DB, WEB } from './bed.ts'

const unknown = '00000000-0000-4000-8000-000000000000'

describeCore('Azure, by restore points', async () => {
  const bed = await azureBed()
  return { provider: bed.provider, guest: WEB, unknown, close: () => bed.close() }
})

describeCore('Azure, by snapshots', async () => {
  const bed = await azureBed()
  return { provider: bed.open({ freeze: 'snapshots' }), guest: WEB, unknown, close: () => bed.close() }
})

describeCore('Azure, of a machine that is off', async () => {
  const bed = await azureBed()
  return { provider: bed.provider, guest: DB, unknown, close: () => bed.close() }
})
