/**
 * Walks a container's archive: every header, every size, all padding, the end. The format sums up headers only: a bit
 * that flipped in a file's content shows in the compressor's checksum or in the manifest's, and nowhere here.
 */
import type { EmbeddedConfiguration } from '../../contracts/verification.ts'
import type { ContentCursor } from '../content-cursor.ts'
import { Damage, type Findings } from '../damage.ts'
import { readPaxRecords } from './pax.ts'
import { BLOCK_BYTES, headerChecksumFits, readHeader, type TarHeader } from './tar-header.ts'
import { memberOf, type TarMember } from './tar-member.ts'

export interface TarReport {
  members: number
  memberBytes: number
  configuration?: EmbeddedConfiguration
}

/** The restore asks tar for exactly this member. */
const CONFIGURATION = './etc/vzdump/pct.conf'
/** Far more than any configuration or extended attribute takes; GNU tar has no limit of its own. */
const MOST_BYTES_IN_MEMORY = 8 * 1024 * 1024
/** All types that GNU tar writes or reads, but parts of volumes: those belong to archives over several media. */
const KNOWN_TYPES = new Set('01234567xgLKSDVA')

/** Is shown each member in turn, in the archive's order. */
export interface TarVisitor {
  /** What isn't read of the content is passed over. Each chunk is a view: use it before the next one. */
  visit(member: TarMember, content: AsyncIterable<Buffer>): Promise<void>
}

/** What extended headers said of the member that follows them. */
interface Pending {
  name?: string
  sizeBytes?: number
  /** Offset of the first of them: an archive that ends here has lost a member. */
  from?: number
  linkName?: string
  records?: Map<string, Buffer>
  /** All of them as they are. */
  blocks?: Buffer[]
}

/**
 * @param report filled while reading, for those who want what was found before damage
 * @throws Damage where nothing that follows could be understood
 */
export async function walkTar(
  content: ContentCursor,
  findings: Findings,
  report: TarReport = { members: 0, memberBytes: 0 },
  visitor?: TarVisitor,
): Promise<TarReport> {
  while (await walkMember(content, findings, report, visitor)) {
    // Each call reads one member.
  }
  if (report.configuration === undefined) {
    findings.add({
      code: 'configuration-missing',
      message: `The tar holds no ${CONFIGURATION}: a restore would not know the container's settings.`,
    })
  }
  return report
}

/**
 * Reads the member that stands at the cursor, its extended headers included. Returns false where the end mark is.
 * @throws Damage where nothing that follows could be understood
 */
export async function walkMember(
  content: ContentCursor,
  findings: Findings,
  report: TarReport,
  visitor?: TarVisitor,
): Promise<boolean> {
  let pending: Pending = {}
  for (;;) {
    const at = content.offset
    const block = Buffer.from(await content.take(BLOCK_BYTES))
    if (block.length < BLOCK_BYTES) {
      throw damage(
        'tar-cut-short',
        `The tar ends at byte ${at + block.length} without its end mark.`,
        at + block.length,
      )
    }
    if (isZero(block)) {
      await readEnd(content, at, pending, findings)
      return false
    }
    const header = headerAt(block, at)
    if (header.type === 'x' || header.type === 'g' || header.type === 'L' || header.type === 'K') {
      const { bytes, ...said } = await readExtension(content, header, at, findings)
      const blocks = [...(pending.blocks ?? []), block, bytes, Buffer.alloc(paddingOf(bytes.length))]
      pending = { from: at, ...pending, ...said, blocks }
      continue
    }
    // The label of a volume names the whole archive, and is no member.
    if (header.type === 'V') continue
    const mapBlocks = header.extended ? await readSparseMap(content) : []
    const name = pending.name ?? header.name
    const sizeBytes = pending.sizeBytes ?? header.sizeBytes
    const head = [...(pending.blocks ?? []), block, ...mapBlocks]
    const own = { name, sizeBytes, headAt: pending.from ?? at, contentAt: content.offset, block, mapBlocks, head }
    const member = visitor && memberOf({ ...pending, ...own, type: header.type })
    report.members += 1
    report.memberBytes += sizeBytes
    if (name === CONFIGURATION && header.type === '0' && report.configuration === undefined) {
      const bytes = await readContent(content, sizeBytes, at, findings)
      report.configuration = { name: 'pct.conf', text: bytes.toString('utf8') }
      if (member !== undefined) await visitor?.visit(member, one(bytes))
    } else {
      const left = { bytes: sizeBytes }
      if (member !== undefined) await visitor?.visit(member, chunksOf(content, left))
      await skipContent(content, name, { sizeBytes, left: left.bytes }, at, findings)
    }
    return true
  }
}

async function* one(bytes: Buffer): AsyncGenerator<Buffer> {
  if (bytes.length > 0) yield bytes
}

const CHUNK_BYTES = 256 * 1024

/** The content of a member; a visitor who stops early leaves the rest. An end that comes too early is found by who goes on. */
async function* chunksOf(content: ContentCursor, left: { bytes: number }): AsyncGenerator<Buffer> {
  while (left.bytes > 0) {
    const chunk = await content.take(Math.min(left.bytes, CHUNK_BYTES))
    if (chunk.length === 0) return
    left.bytes -= chunk.length
    yield chunk
  }
}

const damage = (code: string, message: string, offset: number): Damage => new Damage(code, message, 'content', offset)

function isZero(block: Buffer): boolean {
  return block.equals(zeroes.subarray(0, block.length))
}
const zeroes = Buffer.alloc(64 * 1024)

function headerAt(block: Buffer, at: number): TarHeader {
  if (!headerChecksumFits(block)) {
    throw damage('tar-header-checksum', `The tar header at byte ${at} does not fit its checksum.`, at)
  }
  const header = readHeader(block)
  if ('fault' in header) throw damage('tar-header', `The tar header at byte ${at} can't be read: ${header.fault}.`, at)
  if (!KNOWN_TYPES.has(header.type)) {
    throw damage('tar-type', `The tar header at byte ${at} is of unknown type ${JSON.stringify(header.type)}.`, at)
  }
  return header
}

/** Two zero blocks, then nothing but zeroes up to a whole block: GNU tar fills up its record of twenty. */
async function readEnd(content: ContentCursor, at: number, pending: Pending, findings: Findings): Promise<void> {
  if (pending.from !== undefined) {
    throw damage('tar-header', `The extended header at byte ${pending.from} is followed by no member.`, pending.from)
  }
  const second = await content.take(BLOCK_BYTES)
  if (second.length < BLOCK_BYTES || !isZero(second)) {
    throw damage('tar-end', `The tar's end mark at byte ${at} is one zero block; two are the mark.`, at)
  }
  for (;;) {
    const from = content.offset
    const rest = await content.take(zeroes.length)
    if (!isZero(rest)) {
      throw damage('tar-trailing-data', `Something follows the tar's end mark, at or after byte ${from}.`, from)
    }
    if (rest.length < zeroes.length) break
  }
  if (content.offset % BLOCK_BYTES !== 0) {
    findings.add({
      code: 'tar-cut-short',
      message: `The tar ends within a block, at byte ${content.offset}.`,
      of: 'content',
      offset: content.offset,
    })
  }
}

async function readExtension(
  content: ContentCursor,
  header: TarHeader,
  at: number,
  findings: Findings,
): Promise<Pending & { bytes: Buffer }> {
  const bytes = await readContent(content, header.sizeBytes, at, findings)
  if (header.type === 'K') return { bytes, linkName: longName(bytes, at) }
  if (header.type === 'L') return { bytes, name: longName(bytes, at) }
  const records = readPaxRecords(bytes)
  if ('fault' in records) throw damage('tar-pax', `The pax header at byte ${at} can't be read: ${records.fault}.`, at)
  // A global header speaks of defaults for all members. Nothing that is needed here is ever in one.
  if (header.type === 'g') return { bytes }
  const name = (records.get('GNU.sparse.name') ?? records.get('path'))?.toString('utf8')
  const size = records.get('size')?.toString('latin1')
  if (size !== undefined && !/^\d{1,15}$/.test(size)) {
    throw damage('tar-pax', `The pax header at byte ${at} has a size that is no number.`, at)
  }
  const linkName = records.get('linkpath')?.toString('utf8')
  return {
    bytes,
    records,
    ...(name === undefined ? {} : { name }),
    ...(linkName === undefined ? {} : { linkName }),
    ...(size === undefined ? {} : { sizeBytes: Number(size) }),
  }
}

/** GNU's long name of a member or of a link's target: its end, a NUL, is written with it. */
function longName(bytes: Buffer, at: number): string {
  if (bytes.at(-1) !== 0) throw damage('tar-long-name', `The long name at byte ${at} has no end.`, at)
  return bytes.toString('utf8', 0, bytes.indexOf(0))
}

/** Blocks of GNU's old sparse form; the last one says so in its byte 504. */
async function readSparseMap(content: ContentCursor): Promise<Buffer[]> {
  const blocks: Buffer[] = []
  for (;;) {
    const at = content.offset
    const block = Buffer.from(await content.take(BLOCK_BYTES))
    if (block.length < BLOCK_BYTES) throw damage('tar-cut-short', `The tar ends within a sparse map at byte ${at}.`, at)
    blocks.push(block)
    if (block[504] === 0) return blocks
    if (blocks.length > MOST_BYTES_IN_MEMORY / BLOCK_BYTES) {
      throw damage('tar-header', `The sparse map at byte ${at} is longer than any file needs.`, at)
    }
  }
}

async function readContent(content: ContentCursor, sizeBytes: number, at: number, findings: Findings): Promise<Buffer> {
  if (sizeBytes > MOST_BYTES_IN_MEMORY) {
    throw damage('tar-header', `The member at byte ${at} claims ${sizeBytes} bytes, too many for what it is.`, at)
  }
  const bytes = Buffer.from(await content.take(sizeBytes))
  if (bytes.length < sizeBytes) throw cutShort(content.offset, at)
  await readPadding(content, sizeBytes, at, findings)
  return bytes
}

async function skipContent(
  content: ContentCursor,
  name: string,
  { sizeBytes, left }: { sizeBytes: number; left: number },
  at: number,
  findings: Findings,
): Promise<void> {
  if ((await content.skip(left)) < left) throw cutShort(content.offset, at, name)
  await readPadding(content, sizeBytes, at, findings)
}

function cutShort(end: number, at: number, name?: string): Damage {
  const member =
    name === undefined ? `the member at byte ${at}` : `${JSON.stringify(name)} (its header is at byte ${at})`
  return damage('tar-cut-short', `The tar ends at byte ${end}, within ${member}.`, end)
}

/** Bytes that fill up the last block of a content. */
export function paddingOf(sizeBytes: number): number {
  return (BLOCK_BYTES - (sizeBytes % BLOCK_BYTES)) % BLOCK_BYTES
}

/** Writers fill up the last block with zeroes; anything else means that sizes and content are out of step. */
async function readPadding(content: ContentCursor, sizeBytes: number, at: number, findings: Findings): Promise<void> {
  const rest = paddingOf(sizeBytes)
  const from = content.offset
  const padding = await content.take(rest)
  if (padding.length < rest) throw cutShort(content.offset, at)
  if (isZero(padding)) return
  findings.add({
    code: 'tar-padding',
    message: `The padding at byte ${from}, after the member at byte ${at}, is not zero.`,
    of: 'content',
    offset: from,
  })
}
