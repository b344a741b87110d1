/** A ticket as text that only those who know the site's secret can read: AES-256-GCM under a key that follows from it. */
import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from 'node:crypto'
import type { ProxmoxSite } from './config.ts'

const IV_BYTES = 12
const TAG_BYTES = 16

export interface Seal {
  /** Says which secret a text was sealed with, without telling anything of it. */
  readonly keyId: string
  seal(plain: string): string
  /** `undefined` for what was sealed with another secret, for another site, or changed since. */
  open(sealed: string): string | undefined
}

/**
 * The key follows from password and second factor together. A password alone could be guessed by anyone who reads the
 * bucket; the factor's secret has 80 random bits or more. Another address or account makes another key.
 */
export function sealFor(
  siteName: string,
  { endpoints, auth }: Pick<ProxmoxSite, 'endpoints' | 'auth'>,
  random: (bytes: number) => Buffer = randomBytes,
): Seal | undefined {
  if ('tokenId' in auth || auth.totpSecret === undefined) return undefined
  const secret = JSON.stringify([auth.password, auth.totpSecret])
  const about = JSON.stringify([siteName, endpoints, auth.username, auth.realm])
  const derived = (purpose: string, bytes: number): Buffer =>
    Buffer.from(hkdfSync('sha256', secret, 'guestlift session 1', `${purpose} ${about}`, bytes))
  const key = derived('key', 32)
  const context = Buffer.from(about)
  return {
    keyId: derived('id', 8).toString('hex'),
    seal(plain) {
      const iv = random(IV_BYTES)
      const cipher = createCipheriv('aes-256-gcm', key, iv).setAAD(context)
      const body = Buffer.concat([cipher.update(plain, 'utf8'), cipher.final()])
      return Buffer.concat([iv, cipher.getAuthTag(), body]).toString('base64')
    },
    open(sealed) {
      const bytes = Buffer.from(sealed, 'base64')
      if (bytes.length < IV_BYTES + TAG_BYTES) return undefined
      try {
        const decipher = createDecipheriv('aes-256-gcm', key, bytes.subarray(0, IV_BYTES)).setAAD(context)
        decipher.setAuthTag(bytes.subarray(IV_BYTES, IV_BYTES + TAG_BYTES))
        const body = bytes.subarray(IV_BYTES + TAG_BYTES)
        return Buffer.concat([decipher.update(body), decipher.final()]).toString('utf8')
      } catch {
        return undefined
      }
    },
  }
}
