/** SSH keys in OpenSSH's form, with the fingerprint that ssh-keygen shows. */
import { createHash } from 'node:crypto'
import ssh2 from 'ssh2'

export interface HostKey {
  privateKey: string
  /** `ssh-ed25519 AAAA…` */
  publicKey: string
}

export function newHostKey(): HostKey {
  const pair = ssh2.utils.generateKeyPairSync('ed25519')
  return { privateKey: pair.private, publicKey: pair.public }
}

/** `SHA256:` and unpadded base64. */
export function hostKeyFingerprint(key: HostKey): string {
  const blob = Buffer.from(key.publicKey.split(' ')[1] ?? '', 'base64')
  return `SHA256:${createHash('sha256').update(blob).digest('base64').replace(/=+$/, '')}`
}
