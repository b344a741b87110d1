import type { BackupEvidence } from '../../functions/contracts/evidence.ts'
import type { SourceArtifact, StoredArtifact } from '../../functions/contracts/nouns.ts'

export const artifact: SourceArtifact = {
  artifactRef: 'local:backup/vzdump-qemu-100-2026_11_22-02_00_07.vma.zst',
  fileName: 'vzdump-qemu-100-2026_11_22-02_00_07.vma.zst',
  sizeBytes: 1000,
  createdAt: '2026-11-22T02:00:07.000Z',
  location: {
    node: 'pve1',
    path: '/var/lib/vz/dump/vzdump-qemu-100-2026_11_22-02_00_07.vma.zst',
    storage: 'local',
    volume: 'backup/vzdump-qemu-100-2026_11_22-02_00_07.vma.zst',
  },
}

export const stored: StoredArtifact = {
  key: `archives/hq/vm-100/2026-11-22T02-00-07Z/${artifact.fileName}`,
  fileName: artifact.fileName,
  sizeBytes: 1000,
  checksum: 'CRC32:AAAAAA==',
  partSizeBytes: 64 * 2 ** 20,
  partCount: 1,
  source: { sizeBytes: 1000, modifiedAt: '2026-11-22T02:01:00.000Z' },
  bytesSent: 1000,
}

/** Evidence of a backup that went well. */
export const goodEvidence: BackupEvidence = {
  jobRef: 'job-1',
  jobStartedAt: '2026-11-22T02:00:05.000Z',
  exitStatus: 'OK',
  ending: 'ok',
  warnings: [],
  errors: [],
  guestFinished: true,
  logComplete: true,
  archiveName: artifact.fileName,
  listed: artifact,
  listedAgainSizeBytes: 1000,
  notes: 'before the upgrade',
}
