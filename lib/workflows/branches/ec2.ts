import { startAndWait } from './branch.ts'

/** AWS EC2: snapshots of all volumes at one instant, then their blocks. Nothing waits for a turn. */
export const ec2Branch = startAndWait({ start: 'Create snapshots', noun: 'snapshots' })
