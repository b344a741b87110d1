/**
 * The .lzo container that `lzop` writes (lzop's own lzop.h; a block whose sizes are equal is stored as it is). Nothing
 * in Node compresses LZO, so every block is a stored one: `lzop -t` and `lzop -d` read it like any other.
 */
import { crc32 } from 'node:zlib'

const MAGIC = Buffer.from([0x89, 0x4c, 0x5a, 0x4f, 0x00, 0x0d, 0x0a, 0x1a, 0x0a])
const BLOCK_BYTES = 256 * 1024
const CRC32_OF_DATA = 0x100
const CRC32_OF_HEADER = 0x1000
const OS_UNIX = 0x0300_0000

function uint32(value: number): Buffer {
  const out = Buffer.alloc(4)
  out.writeUInt32BE(value >>> 0)
  return out
}

function header(): Buffer {
  const body = Buffer.alloc(25)
  body.writeUInt16BE(0x1040, 0)
  body.writeUInt16BE(0x20a0, 2)
  body.writeUInt16BE(0x0940, 4)
  // Method LZO1X-1, level 3: what lzop takes when told nothing.
  body.writeUInt8(1, 6)
  body.writeUInt8(3, 7)
  body.writeUInt32BE(CRC32_OF_DATA | CRC32_OF_HEADER | OS_UNIX, 8)
  body.writeUInt32BE(0o100644, 12)
  // Modification time (two words) and the name's length stay 0: input from a pipe has neither.
  return Buffer.concat([MAGIC, body, uint32(crc32(body))])
}

export async function* lzop(source: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  yield header()
  let held = Buffer.alloc(0)
  const block = (data: Buffer): Buffer =>
    Buffer.concat([uint32(data.length), uint32(data.length), uint32(crc32(data)), data])
  for await (const chunk of source) {
    held = Buffer.concat([held, chunk])
    while (held.length >= BLOCK_BYTES) {
      yield block(held.subarray(0, BLOCK_BYTES))
      held = held.subarray(BLOCK_BYTES)
    }
  }
  if (held.length > 0) yield block(held)
  yield uint32(0)
}
