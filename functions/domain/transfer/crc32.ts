/**
 * CRC-32 (IEEE 802.3, reflected, as zlib, gzip and S3's `CRC32` use it) of a whole from the CRC-32s of its pieces, in
 * O(log n) of the piece's length. The pieces' own sums come from `zlib.crc32`; this file touches no bytes.
 *
 * Appending n bytes to a message multiplies its remainder by x^(8n) modulo the polynomial, hence
 * crc(A‖B) = crc(A)·x^(8·|B|) ⊕ crc(B) (the identity behind zlib's crc32_combine).
 */

const POLYNOMIAL = 0xedb88320
/** The polynomial `1` in reflected order: the highest bit is x⁰. */
const ONE = 0x80000000

/** Product of two polynomials modulo the CRC's, both reflected and unsigned. */
function multiply(a: number, b: number): number {
  let product = 0
  let shifted = b
  for (let bit = ONE; bit !== 0; bit >>>= 1) {
    if ((a & bit) !== 0) product ^= shifted
    shifted = (shifted & 1) === 1 ? (shifted >>> 1) ^ POLYNOMIAL : shifted >>> 1
  }
  return product >>> 0
}

/** x^(8·bytes) modulo the CRC's polynomial. `bytes` may pass 2³², so it is halved by division, not by shifts. */
function shiftOperator(bytes: number): number {
  // x⁸ is the byte step; squaring doubles the number of bytes it stands for.
  let square = ONE >>> 8
  let operator = ONE
  for (let left = bytes; left > 0; left = Math.floor(left / 2)) {
    if (left % 2 === 1) operator = multiply(square, operator)
    square = multiply(square, square)
  }
  return operator
}

/** CRC-32 of A followed by B, from crc(A), crc(B) and B's length in bytes (a safe integer). */
export function combineCrc32(first: number, second: number, secondBytes: number): number {
  if (!Number.isSafeInteger(secondBytes) || secondBytes < 0) {
    throw new RangeError(`not a length in bytes: ${secondBytes}`)
  }
  return (multiply(shiftOperator(secondBytes), first) ^ second) >>> 0
}

/** CRC-32 of all pieces in their order. Pieces of one length, which most are, share one operator. */
export function combineAllCrc32(pieces: Iterable<{ crc32: number; sizeBytes: number }>): number {
  let whole = 0
  let operatorBytes = -1
  let operator = ONE
  for (const { crc32, sizeBytes } of pieces) {
    if (sizeBytes !== operatorBytes) {
      operator = shiftOperator(sizeBytes)
      operatorBytes = sizeBytes
    }
    whole = (multiply(operator, whole) ^ crc32) >>> 0
  }
  return whole
}

const CRC32_OF_A_ZERO = 0xd202ef8d

/** CRC-32 of so many zero bytes: what nobody has to read to sum it up. */
export function crc32OfZeros(bytes: number): number {
  return repeatCrc32(CRC32_OF_A_ZERO, 1, bytes)
}

/** CRC-32 of one piece that comes so many times in a row. */
export function repeatCrc32(crc32: number, sizeBytes: number, times: number): number {
  let [whole, doubled, doubledBytes] = [0, crc32, sizeBytes]
  for (let left = times; left > 0; left = Math.floor(left / 2)) {
    if (left % 2 === 1) whole = combineCrc32(whole, doubled, doubledBytes)
    doubled = combineCrc32(doubled, doubled, doubledBytes)
    doubledBytes *= 2
  }
  return whole
}

/** CRC-32 of a short text of ASCII characters. Bytes of archives go through `zlib.crc32`, which is a hundred times faster. */
export function crc32OfText(text: string): number {
  let remainder = 0xffffffff
  for (let at = 0; at < text.length; at += 1) {
    remainder ^= text.charCodeAt(at)
    for (let bit = 0; bit < 8; bit += 1) {
      remainder = (remainder & 1) === 1 ? (remainder >>> 1) ^ POLYNOMIAL : remainder >>> 1
    }
  }
  return ~remainder >>> 0
}

/** S3's written form: base64 of the four bytes, big endian. */
export function crc32ToBase64(crc32: number): string {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(crc32)
  return bytes.toString('base64')
}

/** `undefined` for anything that isn't four bytes, such as S3's composite form `…==-3`. */
export function crc32FromBase64(text: string): number | undefined {
  return /^[A-Za-z0-9+/]{6}==$/.test(text) ? Buffer.from(text, 'base64').readUInt32BE() : undefined
}
