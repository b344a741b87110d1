import type { Chunk, Upload } from '../../contracts/upload.ts'
import type { PartEncoder } from '../../domain/encoding/part-encoder.ts'
import { recordedParts } from '../books/part-records.ts'
import type { Ports } from '../ports.ts'
import { provedUpload } from './proved-upload.ts'

/** Parts that have to be made, ascending, as S3's list and the records tell. With a chunk, only those of it. */
export async function missingOf(
  encoder: PartEncoder,
  upload: Upload,
  ports: Pick<Ports, 'store' | 'keyPrefix'>,
  chunk?: Chunk,
): Promise<number[]> {
  const listed = await provedUpload(upload, ports).list(chunk)
  const recorded = encoder.keepsRecords ? await recordedParts(ports, upload.key) : new Set<number>()
  const missing = encoder.missing(listed, recorded)
  return chunk === undefined ? missing : missing.filter((part) => part >= chunk.firstPart && part <= chunk.lastPart)
}

/** Bytes of the source that these parts take; of all parts where none are named. */
export function readBytesOf(encoder: PartEncoder, parts?: readonly number[]): number {
  if (parts !== undefined) return parts.reduce((sum, part) => sum + encoder.partOfSource(part).readBytes, 0)
  let sum = 0
  for (let part = 1; part <= encoder.sourceParts; part += 1) sum += encoder.partOfSource(part).readBytes
  return sum
}
