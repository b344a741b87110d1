/**
 * The CRC of a whole from the CRCs of its parts, without reading a byte again: appending n zero bytes multiplies a CRC
 * by x^(8n) modulo the polynomial (the method of zlib's crc32_combine), in O(log n) steps.
 */

const FIELDS = {
  CRC32: { polynomial: 0xedb88320n, bits: 32n },
  CRC32C: { polynomial: 0x82f63b78n, bits: 32n },
  CRC64NVME: { polynomial: 0x9a6c9329ac4bc9b5n, bits: 64n },
} as const

export type CrcName = keyof typeof FIELDS

/** `digest` is big-endian. */
export interface CrcOfPart {
  digest: Buffer
  sizeBytes: number
}

export function combineCrcs(name: CrcName, parts: readonly CrcOfPart[]): Buffer {
  const { polynomial, bits } = FIELDS[name]
  const top = 1n << (bits - 1n)
  const multiply = (a: bigint, b: bigint): bigint => {
    let product = 0n
    let factor = b
    for (let bit = top; bit > 0n; bit >>= 1n) {
      if (a & bit) product ^= factor
      factor = factor & 1n ? (factor >> 1n) ^ polynomial : factor >> 1n
    }
    return product
  }
  const shift = (sizeBytes: number): bigint => {
    let power = top
    let square = top >> 1n
    for (let n = BigInt(sizeBytes) * 8n; n > 0n; n >>= 1n) {
      if (n & 1n) power = multiply(square, power)
      square = multiply(square, square)
    }
    return power
  }
  // Nearly all parts have the same length; without this, 10,000 of them would hold up the event loop for seconds.
  const shifts = new Map<number, bigint>()
  let whole = 0n
  for (const part of parts) {
    const factor = shifts.get(part.sizeBytes) ?? shift(part.sizeBytes)
    shifts.set(part.sizeBytes, factor)
    whole = multiply(factor, whole) ^ BigInt(`0x${part.digest.toString('hex')}`)
  }
  return Buffer.from(whole.toString(16).padStart(Number(bits / 4n), '0'), 'hex')
}
