import { sentence } from '../../domain/words/sentence.ts'
import { crc32 } from 'node:zlib'
import type { StoredObject } from '../../aws/archive-store.ts'
import { GuestliftError } from '../../contracts/errors.ts'
import type { ArchiveEvidence } from '../../contracts/verification.ts'
import { contentIndexKey } from '../../domain/books/object-keys.ts'
import type { ContentIndexWriter } from '../books/content-index.ts'
import type { Ports } from '../ports.ts'

type Needs = Pick<Ports, 'store'>

/** An index that is to lie beside an archive's file, or a sentence that says why there is none. */
export type MadeIndex = { key: string; body: Buffer } | { whyNone: string }

/** The index of what was read; `undefined` for what isn't the archive of a container. */
export function madeIndex(
  artifactKey: string,
  { sizeBytes, etag }: StoredObject,
  { fileName, crc32: sum, compression, format, contentBytes }: ArchiveEvidence,
  writer: ContentIndexWriter,
): MadeIndex | undefined {
  if (format !== 'tar' || compression === undefined) return undefined
  const body = writer.finish({ format, compression, fileName, sizeBytes, etag, crc32: sum, contentBytes })
  return body === undefined ? { whyNone: writer.whyNone ?? '' } : { key: contentIndexKey(artifactKey), body }
}

export interface KeptIndexes {
  /** Why an index is missing, in sentences: that says nothing against the archive. */
  notes: string[]
  /** Those that were written now. */
  written: { key: string; etag: string }[]
}

/** Writes each index unless the same one is there already. An archive is verified with or without its index. */
export async function keepContentIndexes(
  readings: readonly { index?: MadeIndex }[],
  ports: Needs,
): Promise<KeptIndexes> {
  const kept: KeptIndexes = { notes: [], written: [] }
  for (const { index } of readings) {
    if (index === undefined) continue
    const why = 'whyNone' in index ? index.whyNone : await keep(index, kept.written, ports)
    if (why !== undefined) kept.notes.push(`There is no new index of its members. ${why}`)
  }
  return kept
}

/** Returns why it could not be written. */
async function keep(
  { key, body }: { key: string; body: Buffer },
  written: KeptIndexes['written'],
  { store }: Needs,
): Promise<string | undefined> {
  try {
    const there = await store.head(key)
    if (there?.sizeBytes === body.length && there.crc32 === crc32(body)) return undefined
    const onlyIf = there === undefined ? { absent: true as const } : { etag: there.etag }
    const etag = await store.writeText(key, body, { contentType: 'application/zstd', onlyIf })
    // Another verification of the same archive came between: its index is as good.
    if (etag !== undefined) written.push({ key, etag })
    return undefined
  } catch (error) {
    if (!(error instanceof GuestliftError)) throw error
    return `s3://${store.bucket}/${key} could not be written: ${sentence(error.message)}`
  }
}
