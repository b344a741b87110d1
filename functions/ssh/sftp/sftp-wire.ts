/** SFTP version 3 on the wire (draft-ietf-secsh-filexfer-02), as far as reading and bringing one file needs it. */

export const packetType = {
  init: 1,
  version: 2,
  open: 3,
  close: 4,
  read: 5,
  write: 6,
  lstat: 7,
  fstat: 8,
  remove: 13,
  stat: 17,
  rename: 18,
  extended: 200,
  extendedReply: 201,
  status: 101,
  handle: 102,
  data: 103,
  attrs: 105,
} as const

export const statusCode = {
  ok: 0,
  eof: 1,
  noSuchFile: 2,
  permissionDenied: 3,
  failure: 4,
  noConnection: 6,
  connectionLost: 7,
} as const

/** Length, type, request id and length of the data: what precedes a DATA packet's bytes. */
export const DATA_HEAD_BYTES = 13
export const openFlag = { read: 0x1, write: 0x2, create: 0x8, exclusive: 0x20 } as const
const ATTR_SIZE = 0x1
const ATTR_OWNER = 0x2
const ATTR_PERMISSIONS = 0x4
const ATTR_TIMES = 0x8

/** What STAT tells; a field is absent where the server left it out. `modifiedAtSeconds` counts from 1970. */
export interface FileAttributes {
  sizeBytes?: number
  mode?: number
  modifiedAtSeconds?: number
}

const FILE_TYPE_MASK = 0o170000
const REGULAR_FILE = 0o100000
const FOLDER = 0o040000

/** Only what the server says: without a mode, neither. */
export function isRegular({ mode }: FileAttributes): boolean {
  return mode !== undefined && (mode & FILE_TYPE_MASK) === REGULAR_FILE
}

export function isFolder({ mode }: FileAttributes): boolean {
  return mode !== undefined && (mode & FILE_TYPE_MASK) === FOLDER
}

function packet(type: number, id: number, fields: readonly (number | bigint | Buffer)[]): Buffer {
  const bytes = fields.map((field) => {
    if (typeof field === 'number') {
      const word = Buffer.alloc(4)
      word.writeUInt32BE(field)
      return word
    }
    if (typeof field === 'bigint') {
      const long = Buffer.alloc(8)
      long.writeBigUInt64BE(field)
      return long
    }
    const text = Buffer.alloc(4 + field.length)
    text.writeUInt32BE(field.length)
    field.copy(text, 4)
    return text
  })
  const head = Buffer.alloc(9)
  head.writeUInt32BE(5 + bytes.reduce((sum, field) => sum + field.length, 0))
  head.writeUInt8(type, 4)
  head.writeUInt32BE(id, 5)
  return Buffer.concat([head, ...bytes])
}

/** INIT carries the version where other packets have the request id. */
export function initPacket(): Buffer {
  return packet(packetType.init, 3, [])
}

/** `mode` is for a file that is made. */
export function openPacket(id: number, path: string, flags: number = openFlag.read, mode?: number): Buffer {
  const attributes = mode === undefined ? [0] : [ATTR_PERMISSIONS, mode]
  return packet(packetType.open, id, [Buffer.from(path), flags, ...attributes])
}

/** For requests that are nothing but a path or a handle, or two paths. */
export function plainPacket(type: number, id: number, ...fields: readonly (string | Buffer)[]): Buffer {
  return packet(
    type,
    id,
    fields.map((field) => Buffer.from(field)),
  )
}

/** What precedes the bytes of a WRITE. */
export function writeHead(id: number, handle: Buffer, positionBytes: number, sizeBytes: number): Buffer {
  const head = packet(packetType.write, id, [handle, BigInt(positionBytes), sizeBytes])
  head.writeUInt32BE(head.length - 4 + sizeBytes)
  return head
}

/** Names of the server's extensions, from the body of VERSION behind its number: pairs of name and data. */
export function parseExtensions(body: Buffer): Set<string> {
  const names = new Set<string>()
  for (let at = 0; at + 4 <= body.length; ) {
    const name = parseString(body.subarray(at))
    at += 4 + name.length
    if (at + 4 > body.length) break
    at += 4 + body.readUInt32BE(at)
    names.add(name.toString())
  }
  return names
}

/** Bytes that are free for whoever asks, from the answer to `statvfs@openssh.com`: eleven numbers of 64 bits. */
export function parseFreeBytes(body: Buffer): number {
  const fragmentBytes = body.readBigUInt64BE(8)
  const availableFragments = body.readBigUInt64BE(32)
  return Number(fragmentBytes * availableFragments)
}

export function closePacket(id: number, handle: Buffer): Buffer {
  return packet(packetType.close, id, [handle])
}

export function statPacket(id: number, path: string): Buffer {
  return packet(packetType.stat, id, [Buffer.from(path)])
}

export function readPacket(id: number, handle: Buffer, positionBytes: number, sizeBytes: number): Buffer {
  return packet(packetType.read, id, [handle, BigInt(positionBytes), sizeBytes])
}

/** A STATUS packet's code and text; `body` starts behind the request id. Old servers send no text. */
export function parseStatus(body: Buffer): { code: number; text: string } {
  const code = body.readUInt32BE(0)
  const length = body.length >= 8 ? body.readUInt32BE(4) : 0
  return { code, text: body.toString('utf8', 8, Math.min(8 + length, body.length)) }
}

/** A string field at the start of `body`, copied: `body` may be a view of a buffer that is used again. */
export function parseString(body: Buffer): Buffer {
  return Buffer.from(body.subarray(4, 4 + body.readUInt32BE(0)))
}

export function parseAttributes(body: Buffer): FileAttributes {
  const flags = body.readUInt32BE(0)
  const attributes: FileAttributes = {}
  let at = 4
  if ((flags & ATTR_SIZE) !== 0) {
    attributes.sizeBytes = Number(body.readBigUInt64BE(at))
    at += 8
  }
  if ((flags & ATTR_OWNER) !== 0) at += 8
  if ((flags & ATTR_PERMISSIONS) !== 0) {
    attributes.mode = body.readUInt32BE(at)
    at += 4
  }
  if ((flags & ATTR_TIMES) !== 0) attributes.modifiedAtSeconds = body.readUInt32BE(at + 4)
  return attributes
}
