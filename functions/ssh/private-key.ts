/** The private key of a route in a form that ssh2 reads, from any form that people have: OpenSSL 3 writes PKCS#8. */
import { createPrivateKey, createPublicKey, type KeyObject } from 'node:crypto'
import { InvalidSite } from '../contracts/errors.ts'
import { pemBlocks } from '../tls/pasted-pem.ts'

/** ssh2 reads these itself, encrypted or not. */
const READ_AS_THEY_ARE = new Set(['OPENSSH PRIVATE KEY', 'RSA PRIVATE KEY', 'EC PRIVATE KEY'])

/**
 * @param passphrase of the key, when it has one
 * @returns the key's text, and the passphrase that it still needs
 * @throws InvalidSite saying what the text is instead, and the command that makes a usable key. Never holds the key.
 */
export function readPrivateKey(text: string, passphrase?: string): { privateKey: string; passphrase?: string } {
  const still = passphrase === undefined ? {} : { passphrase }
  if (/^PuTTY-User-Key-File-\d/.test(text.trim())) return { privateKey: text, ...still }
  const [block, ...others] = pemBlocks(text).filter(({ label }) => label !== 'EC PARAMETERS')
  if (block === undefined) throw unusable(whatItIs(text))
  if (others.length > 0) throw unusable('the text holds several keys or certificates')
  const { label, text: pem } = block
  if (READ_AS_THEY_ARE.has(label)) return { privateKey: pem, ...still }
  if (label === 'ENCRYPTED PRIVATE KEY' && passphrase === undefined) {
    throw unusable('it is encrypted, and the route has no passphrase')
  }
  if (label === 'PRIVATE KEY' || label === 'ENCRYPTED PRIVATE KEY') {
    return { privateKey: converted(openedPkcs8(pem, passphrase)) }
  }
  throw unusable(
    label === 'DSA PRIVATE KEY'
      ? 'it is a DSA key, which OpenSSH no longer accepts: make a new one with "ssh-keygen -t ed25519"'
      : `it is a ${label.toLowerCase()} and not a private key`,
  )
}

function whatItIs(text: string): string {
  if (/^\s*(ssh-|ecdsa-|sk-)\S+ [A-Za-z0-9+/]/.test(text))
    return 'it is the public key: the private one is the file without ".pub"'
  if (text.includes('-----BEGIN')) return 'its end is missing: the text was cut off when it was pasted'
  return 'it holds no private key: the text begins with -----BEGIN'
}

function openedPkcs8(pem: string, passphrase: string | undefined): KeyObject {
  try {
    return createPrivateKey({ key: pem, format: 'pem', ...(passphrase === undefined ? {} : { passphrase }) })
  } catch {
    throw unusable("OpenSSL can't read it: the passphrase is wrong or the text is damaged")
  }
}

function converted(key: KeyObject): string {
  const kind = key.asymmetricKeyType
  if (kind === 'rsa') return key.export({ type: 'pkcs1', format: 'pem' }).toString()
  if (kind === 'ec') return key.export({ type: 'sec1', format: 'pem' }).toString()
  if (kind === 'ed25519') return openSshEd25519(key)
  throw unusable(`keys of the kind ${String(kind)} can't log in over SSH: make one with "ssh-keygen -t ed25519"`)
}

/** OpenSSH's own form (PROTOCOL.key, "openssh-key-v1"), not encrypted: it stays in memory. */
function openSshEd25519(key: KeyObject): string {
  const { d = '', x = '' } = key.export({ format: 'jwk' })
  const [seed, point] = [Buffer.from(d, 'base64url'), Buffer.from(x, 'base64url')]
  const publicPart = Buffer.concat([field('ssh-ed25519'), field(point)])
  // Two equal numbers, which tell a wrong passphrase where there is one; then the key; then padding 1, 2, 3, … to 8 bytes.
  const secret = Buffer.concat([Buffer.alloc(8), publicPart, field(Buffer.concat([seed, point])), field('')])
  const padding = Buffer.from(Array.from({ length: (8 - (secret.length % 8)) % 8 }, (_, at) => at + 1))
  const whole = Buffer.concat([
    Buffer.from('openssh-key-v1\0', 'latin1'),
    field('none'),
    field('none'),
    field(''),
    uint32(1),
    field(publicPart),
    field(Buffer.concat([secret, padding])),
  ])
  const lines = whole.toString('base64').match(/.{1,70}/g) ?? []
  return ['-----BEGIN OPENSSH PRIVATE KEY-----', ...lines, '-----END OPENSSH PRIVATE KEY-----', ''].join('\n')
}

/**
 * An Ed25519 key as OpenSSH writes it: the private file, and the line for `authorized_keys`.
 * @param comment says on the server whose key it is
 */
export function openSshPair(key: KeyObject, comment: string): { privateKey: string; publicLine: string } {
  const { x = '' } = createPublicKey(key).export({ format: 'jwk' })
  const blob = Buffer.concat([field('ssh-ed25519'), field(Buffer.from(x, 'base64url'))])
  return { privateKey: openSshEd25519(key), publicLine: `ssh-ed25519 ${blob.toString('base64')} ${comment}` }
}

function field(content: string | Buffer): Buffer {
  const bytes = Buffer.from(content)
  return Buffer.concat([uint32(bytes.length), bytes])
}

function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(value)
  return bytes
}

function unusable(why: string): InvalidSite {
  return new InvalidSite(`the route's private key can't be used: ${why}. Check privateKey and passphrase`)
}
