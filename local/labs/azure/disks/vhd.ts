/** Fixed VHD: the disk's bytes, and a footer of 512 bytes (big endian) behind them, as page blobs of managed disks have it. */

export const FOOTER_BYTES = 512

/** Seconds between 1970 and the format's own start, 2000-01-01. */
const FORMAT_EPOCH = 946_684_800

/** The ones' complement of the sum of all bytes, with the field itself at 0. */
export function checksumOf(footer: Uint8Array): number {
  let sum = 0
  for (const [place, byte] of footer.entries()) if (place < 64 || place > 67) sum += byte
  return ~sum >>> 0
}

/** CHS is the largest one, so that readers take the size in bytes: a computed one makes qemu cut the disk short. */
export function footerOf(sizeBytes: number, uniqueId: string, made: Date): Uint8Array {
  const footer = Buffer.alloc(FOOTER_BYTES)
  footer.write('conectix', 0, 'latin1')
  footer.writeUInt32BE(2, 8)
  footer.writeUInt32BE(0x0001_0000, 12)
  footer.fill(0xff, 16, 24)
  footer.writeUInt32BE(Math.floor(made.getTime() / 1000) - FORMAT_EPOCH, 24)
  footer.write('win ', 28, 'latin1')
  footer.writeUInt32BE(0x000a_0000, 32)
  footer.write('Wi2k', 36, 'latin1')
  footer.writeBigUInt64BE(BigInt(sizeBytes), 40)
  footer.writeBigUInt64BE(BigInt(sizeBytes), 48)
  footer.writeUInt16BE(65_535, 56)
  footer.writeUInt8(16, 58)
  footer.writeUInt8(255, 59)
  footer.writeUInt32BE(2, 60)
  Buffer.from(uniqueId.replaceAll('-', ''), 'hex').copy(footer, 68, 0, 16)
  footer.writeUInt32BE(checksumOf(footer), 64)
  return footer
}
