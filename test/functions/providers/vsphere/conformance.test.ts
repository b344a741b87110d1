import { describeCore } from '../core-conformance.ts'
import { vsphereBed, WEB } from './bed.ts'

describeCore('VMware vSphere', async () => {
  const bed = await vsphereBed()
  return {
    provider: bed.provider,
    guest: WEB,
    unknown: '50010000-0000-4000-8000-00000000ffff',
    close: () => bed.close(),
  }
})
