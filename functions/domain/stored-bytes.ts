import type { Manifest } from '../contracts/manifest.ts'
import type { ArchiveEvidence, Finding } from '../contracts/verification.ts'

/** What was read against what the manifest says was archived: every byte counts, whatever the format can't sum up. */
export function matchManifest(read: ArchiveEvidence, manifest: Pick<Manifest, 'artifacts'>): Finding[] {
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
