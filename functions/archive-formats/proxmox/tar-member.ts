/** What a tar says of one member, for those who take it out or list it. */
import { BLOCK_BYTES, readNumber } from './tar-header.ts'

export interface TarMember {
  name: string
  /** Type flag as in `TarHeader`. */
  type: string
  /** Of the content as the archive holds it, which of a sparse file is less than the file. */
  storedBytes: number
  /** Of the file itself. */
  sizeBytes: number
  mode: number
  ownerId: number
  groupId: number
  /** Seconds since 1970. */
  modifiedAt: number
  linkName: string
  /** Where the first of its headers begins in the tar, and where its content does. */
  headAt: number
  contentAt: number
  /** Where the content belongs, of a file with holes. */
  sparse?: SparseMap
  /** All its headers as they are, its extended ones and a map of holes included. */
  head: Buffer[]
}

/**
 * Pieces of content, in order; or `in-content`: the map stands before the content (pax form 1.0); or `unknown`: of a form
 * that GNU tar stopped writing in 2006 (0.0), in which all records have the same name.
 */
export type SparseMap = readonly SparsePiece[] | 'in-content' | 'unknown'

export interface SparsePiece {
  offset: number
  bytes: number
}

export interface MemberHeaders {
  name: string
  type: string
  sizeBytes: number
  headAt: number
  contentAt: number
  /** The header itself, and blocks of GNU's old sparse map behind it. */
  block: Buffer
  mapBlocks: readonly Buffer[]
  linkName?: string
  records?: Map<string, Buffer>
  head: Buffer[]
}

export function memberOf({ block, mapBlocks, records, ...rest }: MemberHeaders): TarMember {
  const number = (from: number, to: number) => readNumber(block.subarray(from, to)) ?? 0
  const record = (key: string) => {
    const value = Number(records?.get(key)?.toString('latin1'))
    return Number.isFinite(value) ? value : undefined
  }
  const sparse = sparseMap(rest.type, block, mapBlocks, records)
  const realSize = rest.type === 'S' ? number(483, 495) : (record('GNU.sparse.realsize') ?? record('GNU.sparse.size'))
  const end = block.indexOf(0, 157)
  return {
    name: rest.name,
    type: rest.type,
    storedBytes: rest.sizeBytes,
    sizeBytes: realSize ?? rest.sizeBytes,
    mode: number(100, 108),
    ownerId: record('uid') ?? number(108, 116),
    groupId: record('gid') ?? number(116, 124),
    modifiedAt: record('mtime') ?? number(136, 148),
    headAt: rest.headAt,
    contentAt: rest.contentAt,
    linkName: rest.linkName ?? block.toString('utf8', 157, end === -1 || end > 257 ? 257 : end),
    ...(sparse === undefined ? {} : { sparse }),
    head: rest.head,
  }
}

function sparseMap(
  type: string,
  block: Buffer,
  mapBlocks: readonly Buffer[],
  records: ReadonlyMap<string, Buffer> | undefined,
): SparseMap | undefined {
  if (type === 'S') {
    // Four pieces in the header itself, twenty-one in each block behind it.
    return [...pieces(block, 386, 4), ...mapBlocks.flatMap((one) => pieces(one, 0, 21))]
  }
  const major = records?.get('GNU.sparse.major')?.toString('latin1')
  if (major !== undefined) return major === '1' ? 'in-content' : 'unknown'
  const map = records?.get('GNU.sparse.map')?.toString('latin1')
  if (map !== undefined) return piecesOf(map.split(',').map(Number)) ?? 'unknown'
  return records?.has('GNU.sparse.offset') === true ? 'unknown' : undefined
}

/** GNU's old form: two numbers of twelve digits each; an empty one ends it. */
function pieces(block: Buffer, from: number, count: number): SparsePiece[] {
  const found: SparsePiece[] = []
  for (let slot = 0; slot < count && from + slot * 24 + 24 <= BLOCK_BYTES; slot += 1) {
    const at = from + slot * 24
    if (block[at] === 0) break
    found.push({
      offset: readNumber(block.subarray(at, at + 12)) ?? Number.NaN,
      bytes: readNumber(block.subarray(at + 12, at + 24)) ?? Number.NaN,
    })
  }
  return found
}

/** Offset and size in turn; `undefined` for anything else. */
export function piecesOf(numbers: readonly number[]): SparsePiece[] | undefined {
  if (numbers.length % 2 === 1 || !numbers.every(Number.isSafeInteger)) return undefined
  return numbers.flatMap((offset, at) => (at % 2 === 0 ? [{ offset, bytes: numbers[at + 1] ?? 0 }] : []))
}
