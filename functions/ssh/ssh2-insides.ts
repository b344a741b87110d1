/**
 * What the route needs of ssh2 1.17 beyond its interface, for speed alone. Everything is looked for before it is touched:
 * with another ssh2 the route works as before, slower, and the tests of this file fail to say so.
 */
import { createSecretKey, KeyObject } from 'node:crypto'
import type { Client, ClientChannel } from 'ssh2'

/** Bytes of credit that pile up before they are granted in one message. They come on top of the window. */
export const GRANT_BYTES = 2 * 2 ** 20

/** What ssh2 1.17 keeps inside a channel. Private to it, hence looked for before it is touched. */
interface ChannelInsides {
  incoming: { id: number; window: number }
  outgoing: { id: number }
  _client: {
    _protocol: {
      channelWindowAdjust(recipient: number, bytes: number): void
      _handlers?: { CHANNEL_DATA?: (protocol: unknown, recipient: number, data: Buffer) => void }
    }
  }
}

function insides(channel: ClientChannel): ChannelInsides | undefined {
  const candidate = channel as unknown as Partial<ChannelInsides>
  const complete =
    typeof candidate.incoming?.window === 'number' &&
    typeof candidate.incoming.id === 'number' &&
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
  grant(Math.max(0, windowBytes + GRANT_BYTES - inside.incoming.window))
  let owedBytes = 0
  return (bytes) => {
    owedBytes += bytes
    if (owedBytes < GRANT_BYTES) return
    grant(owedBytes)
    owedBytes = 0
  }
}

/**
 * Have the channel's bytes handed to `sink` straight from the packet, not through ssh2's stream (4 % less CPU). For a
 * channel whose window `growWindow` keeps. Returns whether it could; if not, all goes on through the stream.
 */
export function takeData(channel: ClientChannel, sink: (data: Buffer) => void): boolean {
  const inside = insides(channel)
  const handlers = inside?._client._protocol._handlers
  const others = handlers?.CHANNEL_DATA
  if (inside === undefined || handlers === undefined || typeof others !== 'function') return false
  handlers.CHANNEL_DATA = (protocol, recipient, data) => {
    if (recipient !== inside.incoming.id) return others(protocol, recipient, data)
    inside.incoming.window -= data.length
    sink(data)
  }
  return true
}

/** What ssh2's JavaScript AES-GCM decryption keeps: it makes a cipher object for each packet, from this key. */
interface Decipher {
  _decipherKey: Buffer | KeyObject
  _decipherSSLName: string
}

/** Its counterpart for what we send. */
interface Cipher {
  _encKey: Buffer | KeyObject
  _encSSLName: string
}

/**
 * Give ssh2's decryption (and encryption) its key in the form that OpenSSL's binding takes without work: 0.5 CPU s/GiB less. To be called
 * after each key exchange. Returns whether packets are decrypted into memory of their own, so that the memory they came
 * in may be used again; ssh2's native addon decrypts in place, and other ciphers aren't known.
 */
export function easeDecryption(client: Client): boolean {
  const protocol = (client as unknown as { _protocol?: { _cipher?: Partial<Cipher>; _decipher?: Partial<Decipher> } })
    ._protocol
  const decipher = protocol?._decipher
  if (decipher?._decipherKey === undefined || !/^aes-\d+-gcm$/.test(decipher._decipherSSLName ?? '')) return false
  if (!(decipher._decipherKey instanceof KeyObject)) decipher._decipherKey = createSecretKey(decipher._decipherKey)
  const cipher = protocol?._cipher
  if (Buffer.isBuffer(cipher?._encKey) && /^aes-\d+-gcm$/.test(cipher._encSSLName ?? '')) {
    cipher._encKey = createSecretKey(cipher._encKey)
  }
  return true
}
