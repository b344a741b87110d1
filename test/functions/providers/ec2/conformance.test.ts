import { describeCore } from '../core-conformance.ts'
import { ec2Bed, WEB } from './bed.ts'

describeCore('AWS EC2', async () => {
  const { provider, close } = await ec2Bed()
  return { provider, guest: WEB, unknown: 'i-00000000000000000', close }
})
