/** Time-based one-time codes (RFC 6238 over RFC 4226) from the secret that Proxmox shows when a second factor is added. */
import { createHmac } from 'node:crypto'

export interface Totp {
  key: Buffer
  algorithm: 'sha1' | 'sha256' | 'sha512'
  digits: number
  periodSeconds: number
}

const BASE32 = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'
/** RFC 4226 section 4 asks for 128 bits; Proxmox's own examples and some realms have 80, so that is the floor. */
const SHORTEST_KEY_BYTES = 10

/**
 * The secret as base32 text, in groups or lower case if one likes, or the whole `otpauth://totp/…` address behind the
 * QR code, which also names digits, period and algorithm. `undefined` for anything else.
 */
export function parseTotpSecret(text: string): Totp | undefined {
  if (/^otpauth:/i.test(text.trim())) return parseAddress(text.trim())
  const key = decodeBase32(text)
  return key === undefined ? undefined : { key, algorithm: 'sha1', digits: 6, periodSeconds: 30 }
}

function parseAddress(text: string): Totp | undefined {
  if (!URL.canParse(text)) return undefined
  const { host, searchParams } = new URL(text)
  if (host.toLowerCase() !== 'totp') return undefined
  const key = decodeBase32(searchParams.get('secret') ?? '')
  const algorithm = (searchParams.get('algorithm') ?? 'SHA1').toLowerCase().replace('-', '')
  const digits = Number(searchParams.get('digits') ?? 6)
  const periodSeconds = Number(searchParams.get('period') ?? 30)
  if (key === undefined || (algorithm !== 'sha1' && algorithm !== 'sha256' && algorithm !== 'sha512')) return undefined
  if (![6, 7, 8].includes(digits) || !Number.isInteger(periodSeconds) || periodSeconds < 10 || periodSeconds > 300) {
    return undefined
  }
  return { key, algorithm, digits, periodSeconds }
}

function decodeBase32(text: string): Buffer | undefined {
  const letters = text.replace(/[\s-]/g, '').replace(/=+$/, '').toUpperCase()
  if (!/^[A-Z2-7]+$/.test(letters)) return undefined
  const bytes: number[] = []
  let bits = 0
  let held = 0
  for (const letter of letters) {
    held = ((held << 5) | BASE32.indexOf(letter)) & 0xfff
    bits += 5
    if (bits < 8) continue
    bits -= 8
    bytes.push((held >> bits) & 0xff)
  }
  return bytes.length < SHORTEST_KEY_BYTES ? undefined : Buffer.from(bytes)
}

/** Number of the period that an instant lies in. Each has one code, and the server takes it once. */
export function totpStep({ periodSeconds }: Totp, at: Date): number {
  return Math.floor(at.getTime() / 1000 / periodSeconds)
}

export function totpCode({ key, algorithm, digits }: Totp, step: number): string {
  const counter = Buffer.alloc(8)
  counter.writeBigUInt64BE(BigInt(step))
  const digest = createHmac(algorithm, key).update(counter).digest()
  const offset = digest.readUInt8(digest.length - 1) & 0x0f
  return String((digest.readUInt32BE(offset) & 0x7fff_ffff) % 10 ** digits).padStart(digits, '0')
}
