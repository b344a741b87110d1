import { ArrivingCrc32 } from './arriving-crc32.ts'
import {
  closePacket,
  DATA_HEAD_BYTES,
  type FileAttributes,
  initPacket,
  openPacket,
  packetType,
  parseAttributes,
  parseExtensions,
  parseStatus,
  parseString,
  readPacket,
  statPacket,
  statusCode,
} from './sftp-wire.ts'

/** What the client needs of an SSH channel. Bytes come in by `SftpClient.receive`. */
export interface SftpChannel {
  write(bytes: Buffer): unknown
}

/** The server's refusal of one request. EOF is one, too: `code` 1. */
export class SftpRefusal extends Error {
  override readonly name = 'SftpRefusal'
  readonly code: number

  constructor(code: number, text: string) {
    super(text === '' ? `SFTP status ${code}` : text)
    this.code = code
  }
}

export interface SftpTuning {
  /** Bytes asked for at once. OpenSSH answers at most 256 KiB less its header: 255 KiB. */
  requestBytes: number
  /** Requests under way at once over the whole connection; times `requestBytes` it should exceed bandwidth × delay. */
  outstandingReads: number
  /** Requests leave in groups of this many, so that a group costs one SSH packet and one system call. */
  requestGroup: number
}

/** One caller's read: `target` fills from many requests, in any order. */
interface Read {
  handle: Buffer
  positionBytes: number
  target: Buffer
  sum: ArrivingCrc32
  /** Bytes of `target` that were asked for. */
  askedBytes: number
  /** Bytes of `target` that have arrived. */
  filledBytes: number
  /** Ended by error or abort: `target` belongs to the caller again and must not be written to. */
  over: boolean
  resolve(): void
  reject(reason: Error): void
}

/** One READ request under way: bytes `at` to `at + sizeBytes` of its read's target. */
interface Slot {
  read: Read
  at: number
  sizeBytes: number
}

/** `body` starts behind the request id. */
export interface SftpReply {
  type: number
  body: Buffer
}

/** Largest answer that isn't file data. OpenSSH's own limit for any packet. */
const MAX_SMALL_PACKET_BYTES = 256 * 1024
const MAX_REQUEST_ID = 0xffffffff

/**
 * An SFTP version 3 client that copies each byte it reads once, from the decrypted SSH packet to its place in the
 * caller's buffer. ssh2's own client gathers each answer in a buffer of its own first.
 */
export class SftpClient {
  readonly #channel: SftpChannel
  readonly #tuning: SftpTuning
  readonly #replies = new Map<number, { resolve(reply: SftpReply): void; reject(reason: Error): void }>()
  readonly #slots = new Map<number, Slot>()
  /** Reads that have bytes left to ask for, oldest first: parts get ready one after another, not all at the end. */
  readonly #reads: Read[] = []
  /** What short answers left over; asked for before anything new. */
  readonly #remainders: Slot[] = []
  #lastId = 0
  #failure: Error | undefined
  /** Names of what the server can beyond the protocol. */
  extensions: ReadonlySet<string> = new Set()
  #onVersion: { resolve(): void; reject(reason: Error): void } | undefined

  // The packet that is arriving: its head (or all of it, when it is small), then DATA bytes that go straight on.
  #head = Buffer.alloc(64)
  #headBytes = 0
  #headWanted = 5
  #dataSlot: Slot | undefined
  #dataAt = 0
  #dataLeft = 0

  constructor(channel: SftpChannel, tuning: SftpTuning) {
    this.#channel = channel
    this.#tuning = tuning
  }

  /** True while an answer is due: silence then means trouble. */
  get waiting(): boolean {
    return (
      this.#slots.size > 0 || this.#dataSlot !== undefined || this.#replies.size > 0 || this.#onVersion !== undefined
    )
  }

  /** Agree on the version. Must be the first call. */
  async start(): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    this.#onVersion = { resolve, reject }
    if (this.#failure !== undefined) reject(this.#failure)
    else this.#channel.write(initPacket())
    await promise
  }

  /** Without flags, for reading. `mode` is for a file that is made. */
  async open(path: string, flags?: number, mode?: number): Promise<Buffer> {
    const reply = await this.ask((id) => openPacket(id, path, flags, mode))
    if (reply.type !== packetType.handle) throw new Error(`SFTP: unexpected answer ${reply.type} to OPEN`)
    return parseString(reply.body)
  }

  async stat(path: string): Promise<FileAttributes> {
    const reply = await this.ask((id) => statPacket(id, path))
    if (reply.type !== packetType.attrs) throw new Error(`SFTP: unexpected answer ${reply.type} to STAT`)
    return parseAttributes(reply.body)
  }

  async closeHandle(handle: Buffer): Promise<void> {
    await this.ask((id) => closePacket(id, handle))
  }

  /**
   * Fill `target` with the file's bytes from `positionBytes` on. Returns their CRC-32.
   * @throws SftpRefusal (`eof` when the file ends before `target` is full), the signal's reason, or the reason of `fail`
   */
  async read(handle: Buffer, positionBytes: number, target: Buffer, signal?: AbortSignal): Promise<number> {
    if (this.#failure !== undefined) throw this.#failure
    signal?.throwIfAborted()
    if (target.length === 0) return 0
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    const sum = new ArrivingCrc32(target)
    const progress = { askedBytes: 0, filledBytes: 0, over: false }
    const read: Read = { handle, positionBytes, target, sum, ...progress, resolve, reject }
    const onAbort = () => this.#endRead(read, signal?.reason instanceof Error ? signal.reason : new Error('aborted'))
    signal?.addEventListener('abort', onAbort, { once: true })
    this.#reads.push(read)
    this.#request()
    try {
      await promise
      return sum.value()
    } finally {
      signal?.removeEventListener('abort', onAbort)
    }
  }

  /** The connection is gone: everything under way and every later call fails with `reason`. */
  fail(reason: Error): void {
    if (this.#failure !== undefined) return
    this.#failure = reason
    this.#onVersion?.reject(reason)
    this.#onVersion = undefined
    for (const reply of this.#replies.values()) reply.reject(reason)
    this.#replies.clear()
    // The answer that was arriving may have been the last that its read waited for.
    const arriving = this.#dataSlot === undefined ? [] : [this.#dataSlot]
    const slots = [...this.#slots.values(), ...arriving, ...this.#remainders]
    const reads = new Set([...this.#reads, ...slots.map((slot) => slot.read)])
    this.#slots.clear()
    for (const read of reads) this.#endRead(read, reason)
  }

  /** Bytes as the channel delivers them, cut anywhere. @throws Error when they aren't SFTP */
  receive(chunk: Buffer): void {
    let at = 0
    while (at < chunk.length) {
      if (this.#dataLeft > 0) {
        const take = Math.min(this.#dataLeft, chunk.length - at)
        const slot = this.#dataSlot
        if (slot !== undefined && !slot.read.over) {
          chunk.copy(slot.read.target, this.#dataAt, at, at + take)
          slot.read.sum.arrived(this.#dataAt, this.#dataAt + take)
        }
        this.#dataAt += take
        this.#dataLeft -= take
        at += take
        if (this.#dataLeft === 0) this.#endOfData()
      } else {
        const take = Math.min(this.#headWanted - this.#headBytes, chunk.length - at)
        chunk.copy(this.#head, this.#headBytes, at, at + take)
        this.#headBytes += take
        at += take
        if (this.#headBytes === this.#headWanted) this.#endOfHead()
      }
    }
  }

  #endOfHead(): void {
    const packetBytes = 4 + this.#head.readUInt32BE(0)
    const type = this.#head.readUInt8(4)
    if (this.#headWanted === 5) {
      this.#headWanted = type === packetType.data ? DATA_HEAD_BYTES : packetBytes
      if (packetBytes < 9 || this.#headWanted > MAX_SMALL_PACKET_BYTES) {
        throw new Error('SFTP: what came is no SFTP packet (does a login script of the account print something?)')
      }
      if (this.#headWanted > this.#head.length) {
        const larger = Buffer.alloc(this.#headWanted)
        this.#head.copy(larger, 0, 0, this.#headBytes)
        this.#head = larger
      }
      return
    }
    const id = this.#head.readUInt32BE(5)
    const wanted = this.#headWanted
    this.#headBytes = 0
    this.#headWanted = 5
    if (type === packetType.data) this.#startOfData(id, packetBytes)
    else this.#dispatch(id, type, this.#head.subarray(9, wanted))
  }

  #startOfData(id: number, packetBytes: number): void {
    const slot = this.#slots.get(id)
    const dataBytes = this.#head.readUInt32BE(9)
    if (slot === undefined || dataBytes > slot.sizeBytes || packetBytes !== DATA_HEAD_BYTES + dataBytes) {
      throw new Error(`SFTP: ${dataBytes} bytes that were not asked for`)
    }
    this.#slots.delete(id)
    if (dataBytes === 0) {
      // The protocol has a status for the end of a file; a server that sends nothing at all would be asked for ever.
      this.#endRead(slot.read, new SftpRefusal(statusCode.eof, 'the server sent an empty answer'))
      this.#request()
      return
    }
    this.#dataSlot = slot
    this.#dataAt = slot.at
    this.#dataLeft = dataBytes
  }

  #endOfData(): void {
    const slot = this.#dataSlot
    this.#dataSlot = undefined
    if (slot === undefined) return
    const { read } = slot
    const receivedBytes = this.#dataAt - slot.at
    read.filledBytes += receivedBytes
    if (receivedBytes < slot.sizeBytes && !read.over) {
      this.#remainders.push({ read, at: this.#dataAt, sizeBytes: slot.sizeBytes - receivedBytes })
    }
    if (read.filledBytes === read.target.length && !read.over) {
      read.over = true
      read.resolve()
    }
    this.#request()
  }

  #dispatch(id: number, type: number, body: Buffer): void {
    if (type === packetType.version) {
      this.extensions = parseExtensions(body)
      this.#onVersion?.resolve()
      this.#onVersion = undefined
      return
    }
    const status = type === packetType.status ? parseStatus(body) : undefined
    const slot = this.#slots.get(id)
    if (slot !== undefined) {
      this.#slots.delete(id)
      this.#endRead(slot.read, new SftpRefusal(status?.code ?? statusCode.failure, status?.text ?? ''))
      this.#request()
      return
    }
    const reply = this.#replies.get(id)
    this.#replies.delete(id)
    if (status !== undefined && status.code !== statusCode.ok) reply?.reject(new SftpRefusal(status.code, status.text))
    else reply?.resolve({ type, body: Buffer.from(body) })
  }

  /** The read is over without success. Its requests stay counted as under way until their answers have come. */
  #endRead(read: Read, reason: Error): void {
    if (read.over) return
    read.over = true
    read.reject(reason)
    const index = this.#reads.indexOf(read)
    if (index >= 0) this.#reads.splice(index, 1)
  }

  /** Ask for as much as may be under way. */
  #request(): void {
    const { outstandingReads, requestGroup } = this.#tuning
    if (this.#failure !== undefined) return
    if (this.#slots.size > 0 && outstandingReads - this.#slots.size < requestGroup) return
    const packets: Buffer[] = []
    while (this.#slots.size < outstandingReads) {
      const slot = this.#nextSlot()
      if (slot === undefined) break
      const id = this.#nextId()
      this.#slots.set(id, slot)
      packets.push(readPacket(id, slot.read.handle, slot.read.positionBytes + slot.at, slot.sizeBytes))
    }
    if (packets.length > 0) this.#channel.write(Buffer.concat(packets))
  }

  #nextSlot(): Slot | undefined {
    for (let left = this.#remainders.shift(); left !== undefined; left = this.#remainders.shift()) {
      if (!left.read.over) return left
    }
    const read = this.#reads[0]
    if (read === undefined) return undefined
    const at = read.askedBytes
    const sizeBytes = Math.min(this.#tuning.requestBytes, read.target.length - at)
    read.askedBytes += sizeBytes
    if (read.askedBytes === read.target.length) this.#reads.shift()
    return { read, at, sizeBytes }
  }

  #nextId(): number {
    this.#lastId = this.#lastId === MAX_REQUEST_ID ? 1 : this.#lastId + 1
    return this.#lastId
  }

  /**
   * One request, and what the server answers unless it refuses.
   * @param body sent behind the packet that `build` makes
   * @throws SftpRefusal, or the reason of `fail`
   */
  async ask(build: (id: number) => Buffer, body?: Buffer): Promise<SftpReply> {
    if (this.#failure !== undefined) throw this.#failure
    const { promise, resolve, reject } = Promise.withResolvers<SftpReply>()
    const id = this.#nextId()
    this.#replies.set(id, { resolve, reject })
    this.#channel.write(build(id))
    if (body !== undefined) this.#channel.write(body)
    return promise
  }
}
