import type { PlatformTraits } from '../traits.ts'

export const proxmoxTraits = {
  name: 'Proxmox VE',
  guestKinds: ['vm', 'container'],
  flow: 'copy',
  route: true,
  makes: 'copy',
  turns: 'node',
  formats: ['vma.zst', 'vma.gz', 'vma.lzo', 'vma', 'tar.zst', 'tar.gz', 'tar.lzo', 'tar'],
  liveBackup: true,
  compression: ['zstd', 'gzip', 'lzo', 'none'],
  snapshots: true,
  streaming: false,
  incremental: false,
  restore: true,
  siteConfiguration: true,
  multiNode: true,
  api: 'REST (/api2/json); files over sftp, https or push',
} as const satisfies PlatformTraits
