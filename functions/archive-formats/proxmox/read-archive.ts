/** Reads one archive from its first byte to its last and says whether the restore tool would accept it. */
import { crc32 } from 'node:zlib'
import {
  type ArchiveEvidence,
  type Compression,
  type Finding,
  NOT_INSPECTED,
  type VerificationResult,
} from '../../contracts/verification.ts'
import { crc32ToBase64 } from '../../domain/transfer/crc32.ts'
import { PassingSample } from '../../domain/catalogue/entropy.ts'
import type { ArchiveReading, ExpectedArchive } from '../archive-reading.ts'
import { ByteCursor } from '../byte-cursor.ts'
import { Damage, Findings } from '../damage.ts'
import { decompress } from './decompress.ts'
import { type ArchiveName, readArchiveName } from './file-name.ts'
import { matchDrives, nameIn, shownConfiguration, VM_CONFIGURATION } from './guest-configuration.ts'
import { COMPRESSION_MAGIC_BYTES, compressionByMagic, FORMAT_MAGIC_BYTES, formatByMagic } from './magic.ts'
import { peek, TappedSource } from '../tapped-source.ts'
import { memberIndexer } from './indexed-member.ts'
import { walkTar } from './tar.ts'
import { walkVma } from './vma.ts'

/** What an uncompressed archive can't prove by itself. */
const UNSUMMED =
  'The archive is not compressed, and its format sums up headers only: a flipped bit in the content of a disk or file ' +
  "can't be seen in it. The CRC-32 in the manifest covers every byte."

/**
 * Reads the source to its end, whatever is found on the way, in constant memory (a few MiB, and 2 MiB per TiB of disk).
 * Errors of the source itself are thrown: they say nothing about the archive.
 */
export async function readArchive(source: AsyncIterable<Buffer>, expected: ExpectedArchive): Promise<ArchiveReading> {
  // Over all bytes, no matter who gives up on them: only so is it known whether a damaged archive was stored as it is.
  const sum = { crc32: 0 }
  const file = new TappedSource(source, (chunk) => {
    sum.crc32 = crc32(chunk, sum.crc32)
  })
  try {
    return await read(file, sum, expected)
  } finally {
    await file.close()
  }
}

async function read(file: TappedSource, sum: { crc32: number }, expected: ExpectedArchive): Promise<ArchiveReading> {
  const findings = new Findings()
  const notes: string[] = []
  const name = readArchiveName(expected.fileName)
  const start = await peek(file, COMPRESSION_MAGIC_BYTES)
  const compression = compressionByMagic(start.first)
  const unreadable = name?.compression === 'other' && compression === 'none'
  judgeName(name, compression, unreadable, expected, findings, notes)
  const sample = new PassingSample()
  const decompressed = decompress(start.all, compression, (note) => notes.push(note))
  const content = new TappedSource(decompressed, (chunk) => sample.pass(chunk))
  const walked = unreadable
    ? {}
    : await orFinding(findings, () => walkContent(content, name, expected, findings, notes))
  // The rest matters even when its beginning is damaged: the compressor's sums, and the sum over the whole file.
  if (!unreadable) await orFinding(findings, () => content.drain())
  await file.drain()
  if (file.bytes === 0) findings.add({ code: 'empty', message: 'The file is empty.', of: 'file', offset: 0 })
  // Damage, after which nothing was walked, has its own finding.
  else if (!unreadable && walked !== undefined && content.bytes === 0) {
    findings.add({ code: 'empty', message: 'What the file holds compressed is empty.', of: 'content', offset: 0 })
  }
  if (compression === 'none' && walked?.format !== undefined) notes.push(UNSUMMED)
  const list = findings.list
  const entropyBitsPerByte = sample.counter.bitsPerByte
  return {
    result: resultOf(list, unreadable),
    findings: list,
    notes,
    evidence: {
      fileName: expected.fileName,
      sizeBytes: file.bytes,
      crc32: crc32ToBase64(sum.crc32),
      ...(unreadable ? {} : { compression }),
      contentBytes: content.bytes,
      ...(entropyBitsPerByte === undefined ? {} : { entropyBitsPerByte }),
      ...(name?.guest === undefined ? {} : { guest: name.guest }),
      ...walked,
    },
  }
}

/** What isn't known here can't be refused: a manifest's checksum proves the copy all the same. */
function resultOf(findings: readonly Finding[], unreadable: boolean): VerificationResult {
  if (unreadable) return 'not-verified'
  if (findings.length === 0) return 'accepted'
  return findings.every(({ code }) => code === NOT_INSPECTED) ? 'not-verified' : 'refused'
}

async function orFinding<T>(findings: Findings, work: () => Promise<T>): Promise<T | undefined> {
  try {
    return await work()
  } catch (error) {
    if (!(error instanceof Damage)) throw error
    findings.add(error.finding)
    return undefined
  }
}

function judgeName(
  name: ArchiveName | undefined,
  compression: Compression,
  unreadable: boolean,
  { fileName, guest }: ExpectedArchive,
  findings: Findings,
  notes: string[],
): void {
  if (name === undefined) {
    notes.push(`${fileName} is not the name of an archive. Under this name the restore tool doesn't find it.`)
    return
  }
  if (unreadable) {
    findings.add({ code: 'unsupported', message: `${fileName} is compressed in a way that can't be read here.` })
  } else if (name.compression !== compression) {
    const [said, is] = [worded(name.compression), worded(compression)]
    findings.add({
      code: 'compression-mismatch',
      message: `${fileName} should be ${said} by its name, and is ${is} by its first bytes: a restore goes by the name.`,
      of: 'file',
      offset: 0,
    })
  }
  if (name.guest === undefined) notes.push(`The name ${fileName} does not show whose archive it is.`)
  else if (guest !== undefined && (guest.id !== name.guest.id || guest.kind !== name.guest.kind)) {
    findings.add({
      code: 'guest-mismatch',
      message: `${fileName} is of ${name.guest.kind} ${name.guest.id}; expected was ${guest.kind} ${guest.id}.`,
    })
  }
}

const worded = (compression: Compression | 'other'): string =>
  compression === 'none' ? 'uncompressed' : compression === 'other' ? 'otherwise compressed' : `${compression} data`

async function walkContent(
  content: TappedSource,
  name: ArchiveName | undefined,
  expected: ExpectedArchive,
  findings: Findings,
  notes: string[],
): Promise<Partial<ArchiveEvidence>> {
  const start = await peek(content, FORMAT_MAGIC_BYTES)
  // Damage in the very first bytes is told by the walker that the name calls for.
  const format = formatByMagic(start.first) ?? (content.bytes > 0 ? name?.format : undefined)
  if (format === undefined) {
    if (content.bytes > 0) {
      const message = `${expected.fileName} is of a format that isn't known here, so its inside was not inspected.`
      findings.add({ code: NOT_INSPECTED, message })
    }
    return {}
  }
  if (name !== undefined && name.format !== format) {
    const message = `${expected.fileName} should be a ${name.format} by its name, and begins as a ${format}.`
    findings.add({ code: 'format-mismatch', message, of: 'content', offset: 0 })
  }
  const kind = format === 'vma' ? 'vm' : 'container'
  const guest = expected.guest ?? name?.guest
  if (guest !== undefined && guest.kind !== kind) {
    findings.add({ code: 'guest-mismatch', message: `The archive of ${guest.kind} ${guest.id} is that of a ${kind}.` })
  }
  const cursor = new ByteCursor(start.all)
  const evidence = await (format === 'vma'
    ? walkVm(cursor, findings, notes)
    : walkTar(cursor, findings, undefined, expected.onMember && memberIndexer(expected.onMember)))
  const text = evidence.configuration?.text ?? ''
  const called = nameIn(text, kind)
  if (expected.guest !== undefined && called !== undefined && called !== expected.guest.name) {
    notes.push(`The archive's configuration calls the guest ${called}; the manifest calls it ${expected.guest.name}.`)
  }
  const { configuration } = evidence
  return { format, ...evidence, ...(configuration && { configuration: shownConfiguration(configuration) }) }
}

async function walkVm(content: ByteCursor, findings: Findings, notes: string[]): Promise<Partial<ArchiveEvidence>> {
  const { configurations, devices, unfilledExtents } = await walkVma(content, findings)
  const configuration = configurations.find(({ name }) => name === VM_CONFIGURATION)
  if (configuration === undefined || configuration.text.trim() === '') {
    findings.add({
      code: 'configuration-missing',
      message: `The VMA holds no ${VM_CONFIGURATION}, or an empty one: a restore would not know the guest's settings.`,
    })
  }
  const drives = matchDrives(configuration?.text ?? '', devices)
  for (const finding of drives.findings) findings.add(finding)
  notes.push(...drives.notes)
  if (unfilledExtents > 0) {
    notes.push(
      `${unfilledExtents} extents before the last have room left, which the platform's writer doesn't do: the extents ` +
        'may have been put into another order. They hold the same disks all the same.',
    )
  }
  return { ...(configuration === undefined ? {} : { configuration }), devices }
}
