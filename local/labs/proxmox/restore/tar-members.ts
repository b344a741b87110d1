/**
 * A container's tar, read as GNU tar reads it: each header by its sum, each member to its end, the end mark. The
 * platform's own members are kept apart; all others go on as the bytes that they are, extended headers included.
 */
import { ExactSource } from '../exact-source.ts'

const BLOCK_BYTES = 512
const PIECE_BYTES = 256 * 1024
const OWN = /^(?:\.\/)?etc\/vzdump\/(pct\.conf|pct\.fw)$/

/** tar's complaint, with what it ends in. */
export class TarError extends Error {}

export interface TarContent {
  /** `pct.conf`, and `pct.fw` where the container had a firewall. */
  own: Record<string, string>
  /** All bytes that were read, the end mark and its filling included. */
  bytes: number
  members: number
}

/**
 * @param onBytes told of each piece of the other members, in order
 * @throws TarError for what tar refuses
 */
export async function readTarMembers(
  stream: AsyncIterable<Buffer>,
  onBytes: (bytes: Buffer) => void,
): Promise<TarContent> {
  const source = new ExactSource(stream)
  const own: Record<string, string> = {}
  let members = 0
  let pending: Buffer[] = []
  let said: { name?: string; size?: number } = {}
  for (;;) {
    const block = Buffer.from(await source.take(BLOCK_BYTES))
    if (block.length < BLOCK_BYTES) throw new TarError('tar: Unexpected EOF in archive')
    if (block.every((byte) => byte === 0)) break
    const header = readHeader(block)
    if (/[xgLK]/.test(header.type)) {
      const content = await whole(source, header.size)
      pending.push(block, content)
      said = { ...said, ...extension(header.type, content.subarray(0, header.size)) }
      continue
    }
    const maps = header.sparseMapFollows ? await sparseMaps(source) : []
    const name = said.name ?? header.name
    const size = header.type === '1' ? 0 : (said.size ?? header.size)
    const kept = OWN.exec(name)?.[1]
    members += 1
    if (kept !== undefined) own[kept] = (await whole(source, size)).toString('utf8', 0, size)
    else {
      for (const bytes of [...pending, block, ...maps]) onBytes(bytes)
      for (let left = padded(size); left > 0; ) {
        const piece = await source.take(Math.min(left, PIECE_BYTES))
        if (piece.length === 0) throw new TarError('tar: Unexpected EOF in archive')
        onBytes(piece)
        left -= piece.length
      }
    }
    pending = []
    said = {}
  }
  while ((await source.take(PIECE_BYTES)).length > 0) {
    // What fills up the last record; tar doesn't look at it.
  }
  return { own, bytes: source.taken, members }
}

const padded = (size: number): number => Math.ceil(size / BLOCK_BYTES) * BLOCK_BYTES

async function whole(source: ExactSource, size: number): Promise<Buffer> {
  const bytes = Buffer.from(await source.take(padded(size)))
  if (bytes.length < padded(size)) throw new TarError('tar: Unexpected EOF in archive')
  return bytes
}

async function sparseMaps(source: ExactSource): Promise<Buffer[]> {
  const maps: Buffer[] = []
  for (;;) {
    const map = await whole(source, BLOCK_BYTES)
    maps.push(map)
    if (map[504] === 0) return maps
  }
}

function readHeader(block: Buffer): { name: string; type: string; size: number; sparseMapFollows: boolean } {
  const written = Number.parseInt(block.toString('latin1', 148, 156).replace(/[\0 ]+$/, ''), 8)
  let sum = 8 * 0x20
  for (const [at, byte] of block.entries()) if (at < 148 || at >= 156) sum += byte
  if (written !== sum) throw new TarError('tar: This does not look like a tar archive')
  const textAt = (from: number, to: number): string => block.toString('utf8', from, to).replace(/\0.*$/s, '')
  const prefix = block.toString('latin1', 257, 263) === 'ustar\0' ? textAt(345, 500) : ''
  const type = block[156] === 0 ? '0' : String.fromCharCode(block[156] ?? 0x30)
  return {
    name: prefix === '' ? textAt(0, 100) : `${prefix}/${textAt(0, 100)}`,
    type,
    size: type === '1' ? 0 : sizeOf(block.subarray(124, 136)),
    sparseMapFollows: type === 'S' && block[482] !== 0,
  }
}

/** Octal, or GNU's base 256. */
function sizeOf(field: Buffer): number {
  if (field[0] === 0x80) return Number(BigInt(`0x${field.subarray(1).toString('hex')}`))
  const digits = field.toString('latin1').replace(/[\0 ]/g, '')
  return digits === '' ? 0 : Number.parseInt(digits, 8)
}

function extension(type: string, content: Buffer): { name?: string; size?: number } {
  if (type === 'L') return { name: content.toString('utf8').replace(/\0.*$/s, '') }
  if (type !== 'x') return {}
  const records = paxRecords(content)
  const [path, size] = [records.get('GNU.sparse.name') ?? records.get('path'), records.get('size')]
  return { ...(path === undefined ? {} : { name: path }), ...(size === undefined ? {} : { size: Number(size) }) }
}

/** `<length> <key>=<value>`, each with a line break at its end; the length counts all of it. */
function paxRecords(content: Buffer): Map<string, string> {
  const records = new Map<string, string>()
  for (let at = 0; at < content.length; ) {
    const length = Number.parseInt(content.toString('latin1', at, at + 20), 10)
    const record = content.subarray(at, at + length)
    const [blank, equals] = [record.indexOf(' '), record.indexOf('=')]
    if (!(length > 0) || blank < 0 || equals < blank) throw new TarError('tar: Malformed extended header')
    records.set(record.toString('utf8', blank + 1, equals), record.toString('utf8', equals + 1, length - 1))
    at += length
  }
  return records
}
