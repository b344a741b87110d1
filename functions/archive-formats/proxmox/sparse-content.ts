import { Damage } from '../damage.ts'
import { BLOCK_BYTES } from './tar-header.ts'
import { piecesOf, type SparsePiece, type TarMember } from './tar-member.ts'

/** Bytes at their place in a file. */
export interface PlacedBytes {
  offset: number
  bytes: Buffer
}

/** A map takes 40 bytes for a hole; a file of more holes than this says nothing about is damaged. */
const MOST_MAP_BYTES = 8 * 1024 * 1024

/**
 * The content of a file with its holes left out, at its places. Each piece is a view: use it before the next one.
 * @throws Damage where the map of holes doesn't fit the content
 */
export async function* placedContent(member: TarMember, content: AsyncIterable<Buffer>): AsyncGenerator<PlacedBytes> {
  const { sparse, name } = member
  if (sparse === undefined) {
    yield* placed([{ offset: 0, bytes: member.sizeBytes }], content, member)
    return
  }
  if (sparse === 'unknown') throw unfit(name, 'has holes in a form that is not known here: take it with --tar')
  if (sparse !== 'in-content') {
    yield* placed(sparse, content, member)
    return
  }
  const chunks = content[Symbol.asyncIterator]()
  const { map, rest } = await mapBefore(chunks, name)
  async function* behind(): AsyncGenerator<Buffer> {
    if (rest.length > 0) yield rest
    yield* { [Symbol.asyncIterator]: () => chunks }
  }
  yield* placed(map, behind(), member)
}

async function* placed(
  map: readonly SparsePiece[],
  content: AsyncIterable<Buffer>,
  { name, sizeBytes, sparse }: TarMember,
): AsyncGenerator<PlacedBytes> {
  const left = [...map]
  let piece: SparsePiece | undefined
  for await (const chunk of content) {
    for (let at = 0; at < chunk.length; ) {
      while (piece === undefined || piece.bytes === 0) {
        piece = left.shift()
        if (piece === undefined) throw unfit(name, 'holds more than its map of holes says')
      }
      const bytes = chunk.subarray(at, at + piece.bytes)
      if (!(piece.offset >= 0 && piece.offset + bytes.length <= sizeBytes)) {
        throw unfit(name, 'has a map of holes that leads beyond its end')
      }
      yield { offset: piece.offset, bytes }
      piece = { offset: piece.offset + bytes.length, bytes: piece.bytes - bytes.length }
      at += bytes.length
    }
  }
  const missing = (piece?.bytes ?? 0) + left.reduce((sum, { bytes }) => sum + bytes, 0)
  if (sparse !== undefined && missing > 0) throw unfit(name, 'holds less than its map of holes says')
}

/** Decimal numbers, one a line: how many pieces, then offset and size of each; filled up to whole blocks. */
async function mapBefore(chunks: AsyncIterator<Buffer>, name: string): Promise<{ map: SparsePiece[]; rest: Buffer }> {
  let held = Buffer.alloc(0)
  for (;;) {
    const next = await chunks.next()
    if (next.done === true || held.length > MOST_MAP_BYTES) throw unfit(name, 'has a map of holes without an end')
    held = Buffer.concat([held, next.value])
    const end = endOfMap(held)
    if (end === undefined) continue
    const whole = Math.ceil(end / BLOCK_BYTES) * BLOCK_BYTES
    if (held.length < whole) continue
    const [, ...numbers] = held.toString('latin1', 0, end).trimEnd().split('\n').map(Number)
    const map = piecesOf(numbers)
    if (map === undefined) throw unfit(name, "has a map of holes that can't be read")
    return { map, rest: held.subarray(whole) }
  }
}

/** Where the map ends; `undefined` while it isn't all there. */
function endOfMap(held: Buffer): number | undefined {
  let at = held.indexOf(0x0a)
  if (at === -1) return undefined
  const lines = 2 * Number(held.toString('latin1', 0, at))
  for (let line = 0; line < lines; line += 1) {
    at = held.indexOf(0x0a, at + 1)
    if (at === -1) return undefined
  }
  return at + 1
}

const unfit = (name: string, what: string): Damage =>
  new Damage('tar-sparse', `${JSON.stringify(name)} ${what}.`, 'content', 0)
