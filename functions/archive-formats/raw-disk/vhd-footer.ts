/** The footer of a fixed VHD, behind the disk's own bytes (Microsoft: "Virtual Hard Disk Image Format Specification" 1.0). */
import { Damage } from '../damage.ts'

export const VHD_FOOTER_BYTES = 512
const COOKIE = 'conectix'
const FIXED = 2
const [AT_SIZE, AT_TYPE, AT_CHECKSUM] = [48, 60, 64]

/**
 * The disk's size, which is all before the footer.
 * @param footer the file's last 512 bytes
 * @param endBytes where the file ends
 * @throws Damage where it is none, or of another disk
 */
export function diskBytesBefore(footer: Buffer, endBytes: number): number {
  const diskBytes = endBytes - VHD_FOOTER_BYTES
  const refuse = (why: string) =>
    new Damage('vhd-footer', `The file does not end with the footer of a fixed VHD: ${why}.`, 'content', diskBytes)
  if (footer.length !== VHD_FOOTER_BYTES || footer.toString('latin1', 0, COOKIE.length) !== COOKIE)
    throw refuse('it has no mark')
  if (footer.readUInt32BE(AT_TYPE) !== FIXED) throw refuse('it is of another type')
  if (footer.readUInt32BE(AT_CHECKSUM) !== checksumOf(footer)) throw refuse('its checksum is another one')
  const size = Number(footer.readBigUInt64BE(AT_SIZE))
  if (size !== diskBytes) throw refuse(`it is of a disk of ${size} bytes, and ${diskBytes} are before it`)
  return diskBytes
}

/** The complement of the sum of all bytes, those of the checksum left out. */
function checksumOf(footer: Buffer): number {
  let sum = 0
  for (const [at, byte] of footer.entries()) if (at < AT_CHECKSUM || at >= AT_CHECKSUM + 4) sum += byte
  return ~sum >>> 0
}
