/** The index beside a container's archive: a hint that saves reading, and is left aside wherever it doesn't fit. */
import type { ContentIndex, IndexBlock, IndexedMember } from '../../../functions/contracts/content-index.ts'
import { GuestliftError } from '../../../functions/contracts/errors.ts'
import type { FilePattern } from '../../../functions/archive-formats/proxmox/file-patterns.ts'
import { type ReadRange, RangeCursor } from '../../../functions/archive-formats/range-cursor.ts'
import { IndexUnusable, readDirectory, readMembers } from '../../../functions/operations/books/content-index.ts'
import type { ArchiveSource } from './archive-source.ts'

export interface OpenIndex {
  directory: ContentIndex
  /** @throws IndexUnusable */
  members(blocks: readonly IndexBlock[]): AsyncGenerator<{ member: IndexedMember; fileBytes: number }>
}

/** What an index says of the files that are sought. */
export interface FoundByIndex {
  directory: ContentIndex
  /** In the archive's order. */
  members: readonly IndexedMember[]
  /** At most so many bytes of a compressed file are read up to the last of them. */
  fileBytes: number
}

/** For more files than this the archive is read in order: jumping from one to the next saves little then. */
const MOST_FOUND = 10_000

/** `undefined` where there is none. One that can't be used is reported, and is as none. */
export async function openIndex(source: ArchiveSource): Promise<OpenIndex | undefined> {
  return orLeftAside(source, async () => {
    const bytes = await source.index()
    if (bytes === undefined) return undefined
    const directory = await readDirectory(bytes)
    requireFit(directory, source)
    const read: ReadRange = (firstByte, size) => bytes.read(firstByte, size)
    return {
      directory,
      members(blocks) {
        // Blocks that lie beside each other come in few requests.
        const cursor = new RangeCursor(read, bytes.sizeBytes)
        return readMembers(blocks, {
          async read(firstByte, size) {
            await cursor.skip(firstByte - cursor.offset)
            return cursor.take(size)
          },
        })
      },
    }
  })
}

/** `undefined` where no index tells. */
export async function findByIndex(
  source: ArchiveSource,
  patterns: readonly FilePattern[],
): Promise<FoundByIndex | undefined> {
  const index = await openIndex(source)
  if (index === undefined) return undefined
  const { directory } = index
  return orLeftAside(source, async () => {
    const found: { members: IndexedMember[]; fileBytes: number } = { members: [], fileBytes: 0 }
    const blocks = directory.blocks.filter((block) => patterns.some((pattern) => mayHold(block, pattern)))
    for await (const { member, fileBytes } of index.members(blocks)) {
      if (!patterns.some((pattern) => pattern.fits(member.path))) continue
      found.members.push(member)
      found.fileBytes = fileBytes
      if (found.members.length > MOST_FOUND) return undefined
    }
    return { directory, ...found }
  })
}

function mayHold({ first, last }: IndexBlock, { beginning }: FilePattern): boolean {
  return last >= beginning && (first <= beginning || first.startsWith(beginning))
}

/** @throws IndexUnusable where it is of another file, or nobody can tell */
function requireFit({ sizeBytes, etag, crc32, format }: ContentIndex, source: ArchiveSource): void {
  if (format !== 'tar') throw new IndexUnusable('it is not the index of a tar')
  if (sizeBytes === source.sizeBytes && etag === source.etag) return
  if (source.expected === undefined) throw new IndexUnusable('nothing states the CRC-32 of the file beside it')
  // A copy of the object has another ETag, and the same bytes.
  if (sizeBytes !== source.sizeBytes || `CRC32:${crc32}` !== source.expected.checksum) {
    throw new IndexUnusable('it is of another file')
  }
}

async function orLeftAside<T>({ place }: ArchiveSource, work: () => Promise<T>): Promise<T | undefined> {
  try {
    return await work()
  } catch (error) {
    if (!(error instanceof IndexUnusable || error instanceof GuestliftError)) throw error
    reportLeftAside(place, error)
    return undefined
  }
}

export function reportLeftAside(place: string, { message }: Error): void {
  process.stderr.write(`The index of ${place} was left aside: ${message}. The archive itself is read.\n`)
}
