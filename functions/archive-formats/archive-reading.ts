/** What reading an archive gives, whatever its format. */
import type { IndexedMember } from '../contracts/content-index.ts'
import type { DiskContent } from '../contracts/disk-archive.ts'
import type { Guest } from '../contracts/nouns.ts'
import type { ArchiveEvidence, Finding, VerificationResult } from '../contracts/verification.ts'

export interface ArchiveReading {
  result: VerificationResult
  findings: Finding[]
  notes: string[]
  evidence: ArchiveEvidence
}

export interface ExpectedArchive {
  fileName: string
  /** Whose archive it should be; without it, the name alone tells. */
  guest?: Pick<Guest, 'id' | 'kind' | 'name'>
  /** Of an archive of a disk: what its manifest says of the disk. */
  disk?: Pick<DiskContent, 'sizeBytes' | 'crc32'>
  /** Is told of each member of a container's archive when it has passed, in the archive's order. */
  onMember?: (member: IndexedMember) => void
}
