const MODULUS = 65_521
/** The most steps before the second sum could pass 2³² (zlib's NMAX). */
const STEPS = 5_552

/** Adler-32 (RFC 1950) of the bytes, unsigned. Node has CRC-32 alone. */
export function adler32(bytes: Uint8Array): number {
  let low = 1
  let high = 0
  for (let at = 0; at < bytes.length; ) {
    const end = Math.min(at + STEPS, bytes.length)
    for (; at < end; at += 1) {
      low += bytes[at] as number
      high += low
    }
    low %= MODULUS
    high %= MODULUS
  }
  return ((high << 16) | low) >>> 0
}
