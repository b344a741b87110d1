import type { PlatformTraits } from '../traits.ts'

export const ec2Traits = {
  name: 'AWS EC2',
  guestKinds: ['vm'],
  flow: 'copy',
  route: false,
  makes: 'temporary',
  formats: ['raw.zst'],
  liveBackup: true,
  compression: ['zstd'],
  snapshots: true,
  streaming: false,
  incremental: false,
  restore: true,
  multiNode: true,
  api: 'EC2 query API and EBS direct',
} as const satisfies PlatformTraits
