/** One 512-byte header of a tar (Unix v7, POSIX.1-1988 ustar, POSIX.1-2001 pax, and GNU tar's own). */

export const BLOCK_BYTES = 512

export interface TarHeader {
  name: string
  /** Type flag as its character; the old NUL reads as `0`. */
  type: string
  /** Bytes of content that follow, before padding. */
  sizeBytes: number
  /** GNU's old sparse form: further blocks of the map follow this header. */
  extended: boolean
}

/**
 * The sum of all bytes with the sum's own field read as blanks equals the field. The field is taken in the two forms
 * that writers use and no other: a flipped bit in its padding is then a finding too. Nothing fits fewer bytes than a
 * block's: their sum isn't a number.
 */
export function headerChecksumFits(block: Buffer): boolean {
  const field = block.toString('latin1', 148, 156)
  const digits = /^([0-7]{6})(?:\0 | \0)$/.exec(field)?.[1] ?? /^([0-7]{7})\0$/.exec(field)?.[1]
  if (digits === undefined) return false
  let sum = 8 * 0x20
  for (let at = 0; at < BLOCK_BYTES; at += 1) if (at < 148 || at >= 156) sum += block[at] as number
  return sum === Number.parseInt(digits, 8)
}

/** Octal digits with blanks or NULs around, or GNU's base 256 (first bit set). `undefined` for anything else. */
export function readNumber(field: Buffer): number | undefined {
  const [first = 0] = field
  if (first === 0x80) {
    const value = BigInt(`0x${field.subarray(1).toString('hex')}`)
    return value <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(value) : undefined
  }
  const digits = /^ *([0-7]*)[ \0]*$/.exec(field.toString('latin1'))?.[1]
  if (digits === undefined) return undefined
  return digits === '' ? 0 : Number.parseInt(digits, 8)
}

function text(block: Buffer, from: number, to: number): string {
  const field = block.subarray(from, to)
  const end = field.indexOf(0)
  return field.toString('utf8', 0, end === -1 ? field.length : end)
}

/** The header's fields, or what is wrong with them. The checksum is the caller's to check first. */
export function readHeader(block: Buffer): TarHeader | { fault: string } {
  // Without the mark it is of Unix v7: the same fields, and none behind the name of a link.
  const marked = block.toString('latin1', 257, 262) === 'ustar'
  const type = block[156] === 0 ? '0' : String.fromCharCode(block[156] as number)
  const written = readNumber(block.subarray(124, 136))
  if (written === undefined) return { fault: 'its size is not a number' }
  // GNU writes "ustar  " and keeps other things where POSIX has a prefix of the name.
  const posix = marked && block[262] === 0
  const prefix = posix ? text(block, 345, 500) : ''
  const name = text(block, 0, 100)
  return {
    name: prefix === '' ? name : `${prefix}/${name}`,
    type,
    // GNU tar reads no content after a hard link whatever its size says.
    sizeBytes: type === '1' ? 0 : written,
    extended: type === 'S' && block[482] !== 0,
  }
}
