/** What the first bytes of an archive tell: whether they can be an archive of that guest, and its configuration. */
import type { EmbeddedConfiguration } from '../../contracts/verification.ts'
import { ByteCursor } from '../byte-cursor.ts'
import { Damage, Findings } from '../damage.ts'
import { decompress } from './decompress.ts'
import { readArchiveName } from './file-name.ts'
import { shownConfiguration, VM_CONFIGURATION } from './guest-configuration.ts'
import { compressionByMagic, formatByMagic } from './magic.ts'
import { type TarReport, walkTar } from './tar.ts'
import { readVmaHeader } from './vma-header.ts'

/** Bytes of the file that hold header and configuration many times over: a VMA's header is 512 KiB at most. */
export const BEGINNING_BYTES = 1024 * 1024
/** Zeroes compress a thousandfold: what a small beginning makes is not read to its end. */
const MOST_CONTENT_BYTES = 4 * 1024 * 1024

const PIECE_BYTES = 16 * 1024

export interface Beginning {
  /** Why this plainly isn't an archive of that name: a sentence. Absent also where nothing can be said. */
  problem?: string
  configuration?: EmbeddedConfiguration
}

/**
 * Judges the first MiB of a file. Says nothing against what it doesn't know: another name, another compressor, a
 * beginning that is too short.
 */
export async function readBeginning(first: Buffer, fileName: string): Promise<Beginning> {
  const name = readArchiveName(fileName)
  if (name === undefined || name.compression === 'other') return {}
  const compression = compressionByMagic(first)
  if (name.compression !== compression) {
    const [said, is] = [name.compression, compression].map((one) => (one === 'none' ? 'no compression' : one))
    return { problem: `${fileName} should begin as ${said} data by its name; its first bytes are ${is}.` }
  }
  const content = await beginningOf(first, compression)
  // Less than a tar's header is no ground to judge by.
  if (content.length < 512) return {}
  const format = formatByMagic(content)
  if (format !== name.format) {
    return { problem: `${fileName} should hold a ${name.format}; its content begins as ${format ?? 'something else'}.` }
  }
  return format === 'vma' ? fromVma(content, fileName) : fromTar(content)
}

async function beginningOf(first: Buffer, compression: Parameters<typeof decompress>[1]): Promise<Buffer> {
  const chunks: Buffer[] = []
  let bytes = 0
  // In pieces: the end of a cut file is an error that drops what the decompressor holds, which is then of the last ones.
  async function* pieces(): AsyncGenerator<Buffer> {
    for (let at = 0; at < first.length; at += PIECE_BYTES) yield first.subarray(at, at + PIECE_BYTES)
  }
  try {
    for await (const chunk of decompress(pieces(), compression)) {
      chunks.push(chunk)
      bytes += chunk.length
      if (bytes >= MOST_CONTENT_BYTES) break
    }
  } catch (error) {
    // A beginning ends before its content does.
    if (!(error instanceof Damage)) throw error
  }
  return Buffer.concat(chunks)
}

async function* whole(content: Buffer): AsyncGenerator<Buffer> {
  yield content
}

async function fromVma(content: Buffer, fileName: string): Promise<Beginning> {
  try {
    const { configurations } = await readVmaHeader(new ByteCursor(whole(content)))
    const configuration = configurations.find(({ name }) => name === VM_CONFIGURATION)
    return configuration === undefined ? {} : { configuration: shownConfiguration(configuration) }
  } catch (error) {
    if (!(error instanceof Damage)) throw error
    // A header longer than what was read of it, or of a version to come, is unknown; one that fails its sum is damaged.
    return error.finding.code === 'vma-header-md5' ? { problem: `${fileName}: ${error.message}` } : {}
  }
}

/** The configuration comes first in a container's archive. Whatever follows is a matter for reading it whole. */
async function fromTar(content: Buffer): Promise<Beginning> {
  const report: TarReport = { members: 0, memberBytes: 0 }
  try {
    await walkTar(new ByteCursor(whole(content)), new Findings(), report)
  } catch (error) {
    if (!(error instanceof Damage)) throw error
  }
  return report.configuration === undefined ? {} : { configuration: shownConfiguration(report.configuration) }
}
