/**
 * What the route needs of ssh2 1.17 beyond its interface, for speed alone. Everything is looked for before it is touched:
 * with another ssh2 the route works as before, slower, and the tests of this file fail to say so.
 */
import { createCipheriv, createSecretKey, KeyObject, randomFillSync } from 'node:crypto'
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
  _encIV: Uint8Array
  _encSSLName: string
  _onWrite(bytes: Buffer): void
  _dead: boolean
  outSeqno: number
  /** A packet with room for its payload: four bytes of length, one of how long the padding is, payload, padding. */
  allocPacket(payloadBytes: number): Buffer
  encrypt(packet: Buffer): void
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
    if (isWhole(cipher)) reusePackets(cipher)
  }
  return true
}

function isWhole(cipher: Partial<Cipher>): cipher is Cipher {
  return (
    typeof cipher.allocPacket === 'function' &&
    typeof cipher.encrypt === 'function' &&
    typeof cipher._onWrite === 'function' &&
    typeof cipher.outSeqno === 'number' &&
    cipher._encIV?.length === 12
  )
}

/** Below it are the packets of the protocol itself, which ssh2 may keep for a while. */
const LEAST_REUSED_BYTES = 4096
const TAG_AND_LENGTH_BLOCK = 16
const LEAST_PADDING = 4
/** Asked for at once: the question costs as much as encrypting the packet. */
const RANDOM_BYTES = 4096

/**
 * Have all large packets, which hold a channel's data, built in one buffer: ssh2 encrypts each before it builds the next.
 * Its own way takes fresh memory for each, twice 32 KiB: most of what sending costs is page faults and collecting them.
 */
function reusePackets(cipher: Cipher): void {
  const [allocate, encrypt] = [cipher.allocPacket.bind(cipher), cipher.encrypt.bind(cipher)]
  let room = Buffer.alloc(0)
  const random = Buffer.allocUnsafeSlow(RANDOM_BYTES)
  let randomUsed = RANDOM_BYTES
  cipher.allocPacket = (payloadBytes) => {
    if (payloadBytes < LEAST_REUSED_BYTES) return allocate(payloadBytes)
    // RFC 5647: what is encrypted (all but the length) fills whole blocks.
    const padding = TAG_AND_LENGTH_BLOCK - ((1 + payloadBytes) % TAG_AND_LENGTH_BLOCK)
    const paddingBytes = padding < LEAST_PADDING ? padding + TAG_AND_LENGTH_BLOCK : padding
    const packetBytes = 5 + payloadBytes + paddingBytes
    if (room.length < packetBytes) room = Buffer.allocUnsafeSlow(packetBytes)
    const packet = room.subarray(0, packetBytes)
    packet.writeUInt32BE(packetBytes - 4, 0)
    packet[4] = paddingBytes
    if (randomUsed + paddingBytes > RANDOM_BYTES) {
      randomFillSync(random)
      randomUsed = 0
    }
    random.copy(packet, 5 + payloadBytes, randomUsed, (randomUsed += paddingBytes))
    return packet
  }
  cipher.encrypt = (packet) => {
    if (packet.buffer !== room.buffer) return encrypt(packet)
    if (cipher._dead) return
    const gcm = createCipheriv(cipher._encSSLName as 'aes-128-gcm', cipher._encKey, cipher._encIV)
    // What is handed on is kept until the socket takes it.
    const length = Buffer.from(packet.subarray(0, 4))
    gcm.setAAD(length)
    cipher._onWrite(length)
    cipher._onWrite(gcm.update(packet.subarray(4)))
    gcm.final()
    cipher._onWrite(gcm.getAuthTag())
    countUp(cipher._encIV)
    cipher.outSeqno = (cipher.outSeqno + 1) >>> 0
  }
}

/** RFC 5647, 7.1: the last eight bytes of the IV count packets. */
function countUp(iv: Uint8Array): void {
  for (let at = 11; at >= 4; at--) {
    const next = ((iv[at] ?? 0) + 1) & 0xff
    iv[at] = next
    if (next !== 0) return
  }
}
