import { StoreDenied } from '../../contracts/errors.ts'
import type { KeptVerdict } from '../../contracts/kept-verdict.ts'
import type { Manifest } from '../../contracts/manifest.ts'
import type { Verification } from '../../contracts/verification.ts'
import { keptVerdictKey } from '../../domain/books/object-keys.ts'
import { keptVerdictShape } from '../books/shapes.ts'
import { writeRecord } from '../books/stored-json.ts'
import type { Ports } from '../ports.ts'

/** A broken file may have thousands. */
const FINDINGS_KEPT = 20

/**
 * Keep what a reading found by its day. Neither a later reading nor a pruning takes it away. Returns why it isn't kept, a
 * sentence, where the store refuses that: hours of reading are not thrown away for it.
 */
export async function keepVerdict(
  folder: string,
  manifest: Manifest,
  { verifiedAt, tool, result, findings, evidence }: Verification,
  { store, keyPrefix }: Pick<Ports, 'store' | 'keyPrefix'>,
): Promise<string[]> {
  const { kind, id, name, identity } = manifest.guest
  const verdict: KeptVerdict = {
    version: 1,
    folder,
    site: manifest.site,
    guest: { kind, id, name, ...(identity === undefined ? {} : { identity }) },
    createdAt: manifest.createdAt,
    verifiedAt,
    tool,
    result,
    findings: findings.slice(0, FINDINGS_KEPT),
    files: evidence.map(({ fileName, sizeBytes, crc32 }) => {
      const manifestChecksum = manifest.artifacts.find((one) => one.fileName === fileName)?.checksum
      return { fileName, sizeBytes, crc32, ...(manifestChecksum === undefined ? {} : { manifestChecksum }) }
    }),
  }
  const key = keptVerdictKey(keyPrefix, folder, verifiedAt)
  try {
    await writeRecord(store, key, keptVerdictShape, verdict, { onlyIf: { absent: true } })
    return []
  } catch (error) {
    if (!(error instanceof StoreDenied)) throw error
    return [`The history of verifications lacks this reading: s3://${store.bucket}/${key} could not be written.`]
  }
}
