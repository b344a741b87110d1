import { EBS_BLOCK_BYTES } from '../../contracts/aws-access.ts'
import type { PlatformTraits } from '../traits.ts'

export const ec2Traits = {
  name: 'AWS EC2',
  guestKinds: ['vm'],
  flow: 'copy',
  route: false,
  makes: 'temporary',
  billedBlockBytes: EBS_BLOCK_BYTES,
  formats: ['raw.zst'],
  liveBackup: true,
  compression: ['zstd'],
  snapshots: true,
  streaming: false,
  incremental: false,
  restore: true,
  siteConfiguration: false,
  multiNode: true,
  api: 'EC2 query API and EBS direct',
} as const satisfies PlatformTraits
