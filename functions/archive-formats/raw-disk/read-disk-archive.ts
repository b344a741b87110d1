/** Reads a disk's archive from its first byte to its last and says whether `zstd -d` would give the disk back. */
import { crc32 } from 'node:zlib'
import { type DiskContent } from '../../contracts/disk-archive.ts'
import { NOT_INSPECTED, type VerificationResult } from '../../contracts/verification.ts'
import { PassingSample } from '../../domain/catalogue/entropy.ts'
import { combineCrc32, crc32OfZeros, crc32ToBase64 } from '../../domain/transfer/crc32.ts'
import type { ArchiveReading, ExpectedArchive } from '../archive-reading.ts'
import { Damage, Findings } from '../damage.ts'
import { TappedSource } from '../tapped-source.ts'
import { FrameContents } from './frame-content.ts'
import { readSeekTable, type SeekEntry } from './seek-table.ts'
import { type WalkedFrame, walkFrames } from './walk-frames.ts'

/**
 * Reads the source to its end, whatever is found on the way, a frame at a time.
 * Errors of the source itself are thrown: they say nothing about the archive.
 */
export async function readDiskArchive(
  source: AsyncIterable<Buffer>,
  expected: ExpectedArchive,
): Promise<ArchiveReading> {
  const sum = { crc32: 0 }
  const file = new TappedSource(source, (chunk) => {
    sum.crc32 = crc32(chunk, sum.crc32)
  })
  try {
    const reading = new Reading()
    await reading.readAll(file, expected.disk)
    await file.drain()
    const { findings, sample, diskBytes, frames, pads, diskCrc32 } = reading
    const entropyBitsPerByte = sample.counter.bitsPerByte
    return {
      result: resultOf(findings.list),
      findings: findings.list,
      notes: [],
      evidence: {
        fileName: expected.fileName,
        sizeBytes: file.bytes,
        crc32: crc32ToBase64(sum.crc32),
        compression: 'zstd',
        contentBytes: diskBytes,
        ...(entropyBitsPerByte === undefined ? {} : { entropyBitsPerByte }),
        disk: { frames, pads, crc32: crc32ToBase64(diskCrc32) },
      },
    }
  } finally {
    await file.close()
  }
}

function resultOf(findings: ArchiveReading['findings']): VerificationResult {
  if (findings.length === 0) return 'accepted'
  return findings.every(({ code }) => code === NOT_INSPECTED) ? 'not-verified' : 'refused'
}

/** What was seen so far. */
class Reading {
  readonly findings = new Findings()
  readonly sample = new PassingSample()
  diskBytes = 0
  diskCrc32 = 0
  frames = 0
  pads = 0
  readonly #contents = new FrameContents()
  /** What the seek table has to say. */
  readonly #seen: SeekEntry[] = []
  #tableAt: number | undefined

  async readAll(file: TappedSource, expected: Pick<DiskContent, 'sizeBytes' | 'crc32'> | undefined): Promise<void> {
    try {
      for await (const frame of walkFrames(file)) await this.#read(frame)
      this.#judgeEnd(file.bytes)
      if (expected !== undefined) this.#judgeDisk(expected)
    } catch (error) {
      if (!(error instanceof Damage)) throw error
      this.findings.add(error.finding)
    }
  }

  async #read(frame: WalkedFrame): Promise<void> {
    if (this.#tableAt !== undefined) {
      const message = `Something follows the seek table, at byte ${frame.offset}: two archives in one file, or a wrong order of parts.`
      throw new Damage('after-seek-table', message, 'file', frame.offset)
    }
    if (frame.kind === 'seek-table') this.#readTable(frame.bytes, frame.offset)
    else if (frame.kind === 'pad') {
      this.pads += 1
      this.#seen.push({ storedBytes: frame.storedBytes, diskBytes: 0 })
    } else await this.#readData(frame)
  }

  async #readData({ bytes, contentBytes, checksum, offset }: Extract<WalkedFrame, { kind: 'data' }>): Promise<void> {
    for await (const piece of this.#contents.of(bytes, contentBytes, this.diskBytes, offset)) {
      const of = piece.bytes === undefined ? crc32OfZeros(piece.sizeBytes) : crc32(piece.bytes)
      this.diskCrc32 = combineCrc32(this.diskCrc32, of, piece.sizeBytes)
      if (piece.bytes !== undefined) this.sample.pass(piece.bytes)
    }
    this.frames += 1
    this.diskBytes += contentBytes
    this.#seen.push({ storedBytes: bytes.length, diskBytes: contentBytes, checksum })
  }

  #readTable(bytes: Buffer, offset: number): void {
    this.#tableAt = offset
    let index = 0
    for (const entry of readSeekTable(bytes, offset)) {
      const seen = this.#seen[index]
      const same =
        seen?.storedBytes === entry.storedBytes &&
        seen.diskBytes === entry.diskBytes &&
        (seen.checksum === undefined || entry.checksum === undefined || seen.checksum === entry.checksum)
      if (!same) {
        const message = `Entry ${index} of the seek table is not about the file's frame ${index}: a frame is missing, or in another place.`
        throw new Damage('seek-table', message, 'file', offset)
      }
      index += 1
    }
    if (index === this.#seen.length) return
    const message = `The seek table is about ${index} frames, and ${this.#seen.length} lie before it.`
    throw new Damage('seek-table', message, 'file', offset)
  }

  /** Cut between two frames, a file is whole in the eyes of zstd, and gives a shorter disk without a word. */
  #judgeEnd(offset: number): void {
    if (offset === 0) return this.findings.add({ code: 'empty', message: 'The file is empty.', of: 'file', offset })
    if (this.#tableAt !== undefined) return
    const message = `The file ends at byte ${offset} without its seek table: its end is missing.`
    this.findings.add({ code: 'seek-table-missing', message, of: 'file', offset })
  }

  #judgeDisk({ sizeBytes, crc32: sum }: Pick<DiskContent, 'sizeBytes' | 'crc32'>): void {
    const [is, said] = [`CRC32:${crc32ToBase64(this.diskCrc32)}`, sum]
    if (this.diskBytes === sizeBytes && is === said) return
    const message = `The disk has ${this.diskBytes} bytes with ${is}; the manifest says ${sizeBytes} bytes with ${said}.`
    this.findings.add({ code: 'disk-mismatch', message, of: 'content', offset: 0 })
  }
}
