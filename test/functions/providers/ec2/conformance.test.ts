import { describeCore } from '../core-conformance.ts'
import { ec2Bed, WEB } from './bed.ts'

describeCore('AWS EC2', async () => {
  const bed = await ec2Bed()
  return { provider: bed.provider, guest: WEB, unknown: 'i-00000000000000000', close: () => bed.close() }
})
