import type { PlatformTraits } from '../traits.ts'

export const azureTraits = {
  name: 'Microsoft Azure',
  guestKinds: ['vm'],
  flow: 'copy',
  route: false,
  makes: 'temporary',
  // Azure's list, zone 1, after the first 100 GB a month: from memory.
  egress: { dollarsPerGB: 0.087, asOf: '2026-11' },
  formats: ['vhd.zst', 'vhdx.zst'],
  liveBackup: true,
  compression: ['zstd'],
  snapshots: true,
  streaming: false,
  incremental: false,
  restore: false,
  siteConfiguration: false,
  multiNode: true,
  api: 'Azure Resource Manager and page blobs',
} as const satisfies PlatformTraits
