/**
 * What the route needs of ssh2 1.17 beyond its interface, for speed alone. Everything is looked for before it is touched:
 * with another ssh2 the route works as before, slower, and the tests of this file fail to say so.
 */
import { createSecretKey, KeyObject } from 'node:crypto'
import type { Client, ClientChannel } from 'ssh2'

/** Bytes of credit that pile up before they are granted in one message. */
const GRANT_BYTES = 2 ** 20

/** What ssh2 1.17 keeps inside a channel. Private to it, hence looked for before it is touched. */
interface ChannelInsides {
  incoming: { window: number }
  outgoing: { id: number }
  _client: { _protocol: { channelWindowAdjust(recipient: number, bytes: number): void } }
}

function insides(channel: ClientChannel): ChannelInsides | undefined {
  const candidate = channel as unknown as Partial<ChannelInsides>
  const complete =
    typeof candidate.incoming?.window === 'number' &&
    typeof candidate.outgoing?.id === 'number' &&
    typeof candidate._client?._protocol?.channelWindowAdjust === 'function'
  return complete ? (candidate as ChannelInsides) : undefined
}

/**
 * Let the server send `windowBytes` ahead instead of ssh2's fixed 2 MiB, which is 20 MiB/s at 80 ms (16 MiB there: over
 * 100 MiB/s). Returns what to call with the number of bytes consumed; `undefined`, with the channel as it was, when
 * ssh2's insides have changed. A test fails then: the route would still work, but crawl over distance.
 */
export function growWindow(channel: ClientChannel, windowBytes: number): ((bytes: number) => void) | undefined {
  const inside = insides(channel)
  if (inside === undefined) return undefined
  // ssh2 counts `incoming.window` down and grants by itself at 1 MiB; kept above that, it never does.
  const grant = (bytes: number): void => {
    inside.incoming.window += bytes
    inside._client._protocol.channelWindowAdjust(inside.outgoing.id, bytes)
  }
  grant(Math.max(0, windowBytes - inside.incoming.window))
  let owedBytes = 0
  return (bytes) => {
    owedBytes += bytes
    if (owedBytes < GRANT_BYTES) return
    grant(owedBytes)
    owedBytes = 0
  }
}

/** What ssh2's JavaScript AES-GCM decryption keeps: it makes a cipher object for each packet, from this key. */
interface Decipher {
  _decipherKey: Buffer | KeyObject
  _decipherSSLName: string
}

/**
 * Give ssh2's decryption its key in the form that OpenSSL's binding takes without work: 0.5 CPU s/GiB less. To be called
 * after each key exchange. Returns whether packets are decrypted into memory of their own, so that the memory they came
 * in may be used again; ssh2's native addon decrypts in place, and other ciphers aren't known.
 */
export function easeDecryption(client: Client): boolean {
  const protocol = (client as unknown as { _protocol?: { _decipher?: Partial<Decipher> } })._protocol
  const decipher = protocol?._decipher
  if (decipher?._decipherKey === undefined || !/^aes-\d+-gcm$/.test(decipher._decipherSSLName ?? '')) return false
  if (!(decipher._decipherKey instanceof KeyObject)) decipher._decipherKey = createSecretKey(decipher._decipherKey)
  return true
}
