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
  z.strictObject({
    mode: z.literal('system').describe('Trust certificates of the public authorities that Node.js trusts.'),
  }),
  z.strictObject({
    mode: z.literal('ca').describe('Trust certificates of your own authority. Host names are checked.'),
    ca: z.string().includes('-----BEGIN CERTIFICATE-----').describe("The authority's certificate as PEM text."),
  }),
  z.strictObject({
    mode: z.literal('fingerprint').describe('Trust exactly these certificates, no matter who signed them.'),
    fingerprints: z
      .array(fingerprintSchema)
      .min(1)
      .describe('SHA-256 of each accepted server certificate. List several to prepare a renewal.'),
  }),
])
export type Tls = z.infer<typeof tlsSchema>
