import type { Manifest } from '../../contracts/manifest.ts'
import {
  type ArchiveEvidence,
  type Finding,
  NOT_INSPECTED,
  type VerificationResult,
} from '../../contracts/verification.ts'

/** What reading one file found. */
export interface FileJudgement {
  result: VerificationResult
  findings: Finding[]
  notes: string[]
}

/**
 * What was read against what the manifest says was archived: every byte counts, whatever the format can't sum up. Other
 * bytes are refused even where nothing is known of the format; the same bytes are accepted there, with a note.
 */
export function judgeAgainstManifest(
  read: FileJudgement & { evidence: ArchiveEvidence },
  manifest: Pick<Manifest, 'artifacts'>,
): FileJudgement {
  const mismatch = matchManifest(read.evidence, manifest)
  if (mismatch.length > 0) return { result: 'refused', findings: [...read.findings, ...mismatch], notes: read.notes }
  const unknown = read.findings.length > 0 && read.findings.every(({ code }) => code === NOT_INSPECTED)
  if (!unknown) return { result: read.result, findings: read.findings, notes: read.notes }
  const proof = 'Its size and its CRC-32 over all bytes are those that were archived.'
  return {
    result: 'accepted',
    findings: [],
    notes: [...read.notes, ...read.findings.map(({ message }) => `${message} ${proof}`)],
  }
}

function matchManifest(read: ArchiveEvidence, manifest: Pick<Manifest, 'artifacts'>): Finding[] {
  const artifact = manifest.artifacts.find(({ fileName }) => fileName === read.fileName)
  if (artifact === undefined) {
    return [{ code: 'not-in-manifest', message: `The manifest names no ${read.fileName}: it is of another archive.` }]
  }
  const checksum = `CRC32:${read.crc32}`
  if (artifact.sizeBytes === read.sizeBytes && artifact.checksum === checksum) return []
  const message =
    `${read.fileName} has ${read.sizeBytes} bytes with ${checksum}; the manifest says ${artifact.sizeBytes} bytes with ` +
    `${artifact.checksum}: it is not what was archived.`
  return [{ code: 'manifest-mismatch', message }]
}
