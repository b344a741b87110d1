/** SSH keys in OpenSSH's form, with the fingerprint that ssh-keygen shows. */
import { createHash } from 'node:crypto'
import ssh2 from 'ssh2'

export interface HostKey {
  privateKey: string
  /** `ssh-ed25519 AAAA…` */
  publicKey: string
}

export function newHostKey(): HostKey {
  // Now and then ssh2 1.17 writes a key that it can't read itself (a leading zero is lost): such a pair is thrown away.
  for (;;) {
    const pair = ssh2.utils.generateKeyPairSync('ed25519')
    const [secret, shown] = [ssh2.utils.parseKey(pair.private), ssh2.utils.parseKey(pair.public)]
    if (!(secret instanceof Error) && !(shown instanceof Error) && secret.getPublicSSH().equals(shown.getPublicSSH())) {
      return { privateKey: pair.private, publicKey: pair.public }
    }
  }
}

/** `SHA256:` and unpadded base64. */
export function hostKeyFingerprint(key: HostKey): string {
  const blob = Buffer.from(key.publicKey.split(' ')[1] ?? '', 'base64')
  return `SHA256:${createHash('sha256').update(blob).digest('base64').replace(/=+$/, '')}`
}
