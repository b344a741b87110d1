/** How a site proves who it is over TLS. Shared by every provider and by routes that use TLS. */
import * as z from 'zod'

/**
 * SHA-256 of a certificate in DER form: 32 hex bytes, with or without colons or blanks, any case. The whole line that
 * `openssl x509 -fingerprint -sha256` prints may be pasted (`sha256 Fingerprint=AB:CD:…`).
 */
export const fingerprintSchema = z
  .string()
  .transform((text) => text.replace(/^\s*sha-?256(?:\s+fingerprint)?\s*[=:]/i, '').replaceAll(/\s+/g, ''))
  .pipe(
    z.string().regex(/^(?:[0-9A-Fa-f]{2}:?){31}[0-9A-Fa-f]{2}$/, 'a fingerprint is 32 hex bytes (SHA-256), as AB:CD:…'),
  )

export const tlsSchema = z.discriminatedUnion('mode', [
  /** The public authorities that Node.js trusts. */
  z.strictObject({ mode: z.literal('system') }),
  /** One's own authority, as PEM text (Proxmox: /etc/pve/pve-root-ca.pem). Host names are checked. */
  z.strictObject({ mode: z.literal('ca'), ca: z.string().includes('-----BEGIN CERTIFICATE-----') }),
  /** Exactly these leaf certificates, whoever signed them. Several, so that a renewal can be prepared. */
  z.strictObject({ mode: z.literal('fingerprint'), fingerprints: z.array(fingerprintSchema).min(1) }),
])
export type Tls = z.infer<typeof tlsSchema>
