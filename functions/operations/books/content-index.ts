/**
 * The index of what a container's archive holds: frames of zstd with a line of JSON for each member, one with the directory,
 * and a mark that says where that is. `zstd -dc` shows all of it; whoever looks for a path reads the mark, the directory
 * and the blocks that may hold it.
 */
import { constants, zstdCompressSync, zstdDecompressSync } from 'node:zlib'
import type { ContentIndex, IndexBlock, IndexedMember } from '../../contracts/content-index.ts'
import { formatBytes } from '../../domain/words/byte-size.ts'
import { newerAdvice, type Shape } from '../../domain/books/stored-record.ts'
import { contentIndexShape, indexedMemberShape } from './shapes.ts'
import { recordIn, recordText } from './stored-json.ts'

/** Lines of a block: about 3,000 members. Less would make the directory long, more would make each look-up read more. */
const BLOCK_LINE_BYTES = 512 * 1024
/** An index is made in memory: beyond this, which is about 2 million members, there is none. */
const MOST_INDEX_BYTES = 64 * 1024 * 1024
/** A damaged directory may claim anything. */
const MOST_LINE_BYTES = 64 * 1024 * 1024

/** The mark at the end is a skippable frame (RFC 8878, 3.1.2): `zstd -d` passes over it. */
const SKIPPABLE_MAGIC = 0x184d2a5d
const MARK = 0x78694c47
const MARK_BYTES = 28
/** With the mark most directories fit into this: one request. */
const END_BYTES = 64 * 1024

/** What is told of a member while its archive is read. */
export interface PassedMember {
  member: IndexedMember
  /** Bytes of the archive's file that were read so far. */
  fileBytes: number
}

/** Makes an index while an archive passes. Takes up to 64 MiB of memory. */
export class ContentIndexWriter {
  readonly #frames: Buffer[] = []
  readonly #blocks: IndexBlock[] = []
  #lines: string[] = []
  #lineLength = 0
  #range: { first: string; last: string } | undefined
  #bytes = 0
  #members = 0
  #fileBytes = 0
  readonly #mostBytes: number
  /** Why there is none, a sentence: no reason to refuse an archive. */
  whyNone: string | undefined

  constructor(mostBytes = MOST_INDEX_BYTES) {
    this.#mostBytes = mostBytes
  }

  add({ member, fileBytes }: PassedMember): void {
    if (this.whyNone !== undefined) return
    const { path } = member
    if (!indexedMemberShape.schema.safeParse(member).success) {
      this.#giveUp(`The header of ${JSON.stringify(path)} holds figures that an index has no form for.`)
      return
    }
    const line = `${JSON.stringify(member)}\n`
    const { first = path, last = path } = this.#range ?? {}
    this.#range = { first: path < first ? path : first, last: path > last ? path : last }
    this.#lines.push(line)
    this.#lineLength += line.length
    this.#members += 1
    this.#fileBytes = fileBytes
    if (this.#lineLength >= BLOCK_LINE_BYTES) this.#endBlock()
  }

  /** The index; `undefined` where there is none. */
  finish(of: Omit<ContentIndex, 'version' | 'members' | 'blocks'>): Buffer | undefined {
    this.#endBlock()
    if (this.whyNone !== undefined) return undefined
    const text = recordText(contentIndexShape, { version: 1, ...of, members: this.#members, blocks: this.#blocks })
    const lineBytes = Buffer.byteLength(text)
    const directory = frame(text)
    const mark = Buffer.alloc(MARK_BYTES)
    mark.writeUInt32LE(SKIPPABLE_MAGIC)
    mark.writeUInt32LE(MARK_BYTES - 8, 4)
    mark.writeBigUInt64LE(BigInt(this.#bytes), 8)
    mark.writeUInt32LE(directory.length, 16)
    mark.writeUInt32LE(lineBytes, 20)
    mark.writeUInt32LE(MARK, 24)
    return Buffer.concat([...this.#frames, directory, mark])
  }

  #endBlock(): void {
    if (this.#range === undefined) return
    const text = this.#lines.join('')
    const bytes = frame(text)
    this.#blocks.push({
      at: this.#bytes,
      bytes: bytes.length,
      lineBytes: Buffer.byteLength(text),
      members: this.#lines.length,
      ...this.#range,
      fileBytes: this.#fileBytes,
    })
    this.#frames.push(bytes)
    this.#bytes += bytes.length
    this.#lines = []
    this.#lineLength = 0
    this.#range = undefined
    if (this.#bytes > this.#mostBytes)
      this.#giveUp(`It has more members than ${formatBytes(this.#mostBytes)} of index hold.`)
  }

  #giveUp(why: string): void {
    this.whyNone = why
    this.#frames.length = 0
    this.#lines = []
    this.#range = undefined
  }
}

function frame(text: string): Buffer {
  return zstdCompressSync(text, { params: { [constants.ZSTD_c_checksumFlag]: 1 } })
}

/** An index's object, wherever it lies. */
export interface IndexBytes {
  sizeBytes: number
  /** Exactly these bytes, all of which exist. */
  read: (firstByte: number, bytes: number) => Promise<Buffer>
}

/** There is an index, and it can't be read, or doesn't fit its archive. The message says why, without a full stop. */
export class IndexUnusable extends Error {}

/** @throws IndexUnusable */
export async function readDirectory({ sizeBytes, read }: IndexBytes): Promise<ContentIndex> {
  const endBytes = Math.min(sizeBytes, END_BYTES)
  const end = endBytes < MARK_BYTES ? Buffer.alloc(MARK_BYTES) : await read(sizeBytes - endBytes, endBytes)
  const mark = end.subarray(-MARK_BYTES)
  if (mark.readUInt32LE(0) !== SKIPPABLE_MAGIC || mark.readUInt32LE(24) !== MARK) {
    throw new IndexUnusable('it is cut short, or no index')
  }
  const at = Number(mark.readBigUInt64LE(8))
  const [bytes, lineBytes] = [mark.readUInt32LE(16), mark.readUInt32LE(20)]
  if (at + bytes !== sizeBytes - MARK_BYTES) throw new IndexUnusable('its mark is damaged')
  const held = end.length - MARK_BYTES
  const directory = bytes <= held ? end.subarray(held - bytes, held) : await read(at, bytes)
  const found = lineIn(contentIndexShape, unpacked(directory, lineBytes))
  let next = 0
  for (const block of found.blocks) {
    if (block.at !== next) throw new IndexUnusable('its blocks do not follow each other')
    next += block.bytes
  }
  if (next !== at) throw new IndexUnusable('its blocks do not reach its directory')
  return found
}

/** The members of blocks, in order. @throws IndexUnusable */
export async function* readMembers(
  blocks: readonly IndexBlock[],
  { read }: Pick<IndexBytes, 'read'>,
): AsyncGenerator<PassedMember> {
  for (const { at, bytes, lineBytes, members, fileBytes } of blocks) {
    const lines = unpacked(await read(at, bytes), lineBytes)
      .trimEnd()
      .split('\n')
    if (lines.length !== members) throw new IndexUnusable('a block of it has another number of lines than it should')
    for (const line of lines) yield { member: lineIn(indexedMemberShape, line), fileBytes }
  }
}

function unpacked(bytes: Buffer, lineBytes: number): string {
  if (lineBytes > MOST_LINE_BYTES) throw new IndexUnusable('a block of it is larger than any index has')
  let lines: Buffer
  try {
    lines = zstdDecompressSync(bytes, { maxOutputLength: Math.max(1, lineBytes) })
  } catch (error) {
    throw new IndexUnusable(`a block of it is damaged (${error instanceof Error ? error.message : String(error)})`)
  }
  if (lines.length !== lineBytes) throw new IndexUnusable('a block of it has another size than it should')
  return lines.toString('utf8')
}

function lineIn<Value>(shape: Shape<Value>, line: string): Value {
  const found = recordIn(shape, line)
  if ('value' in found) return found.value
  if ('newerVersion' in found) {
    throw new IndexUnusable(newerAdvice(found).replace(/\.$/, '').replace(/^It/, 'it'))
  }
  throw new IndexUnusable(found.unreadable)
}
