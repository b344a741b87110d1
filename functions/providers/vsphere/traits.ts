import type { PlatformTraits } from '../traits.ts'

export const vsphereTraits = {
  name: 'VMware vSphere',
  guestKinds: ['vm'],
  flow: 'copy',
  route: false,
  makes: 'temporary',
  turns: 'datastore',
  formats: ['raw.zst', 'vmdk'],
  liveBackup: true,
  compression: ['zstd'],
  snapshots: true,
  streaming: false,
  incremental: false,
  siteConfiguration: false,
  restore: true,
  multiNode: true,
  api: 'vSphere Web Services API (vim25) and datastore files by HTTPS',
} as const satisfies PlatformTraits
