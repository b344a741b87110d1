/** VMAs put together field by field, as no writer would write them. */
import { createHash } from 'node:crypto'

export const UUID = Buffer.from('00112233445566778899aabbccddeeff', 'hex')
export const HEADER_BYTES = 16_384
export const BLOBS_AT = 12_288
export const KIB = 1024

interface Device {
  id: number
  name: string
  sizeBytes: number
}
export const disk = { id: 1, name: 'drive-scsi0', sizeBytes: 100 * KIB }

/** Sums up a header with its own sum read as zero. */
export function sealed(bytes: Buffer, at: number): Buffer {
  bytes.fill(0, at, at + 16)
  createHash('md5').update(bytes).digest().copy(bytes, at)
  return bytes
}

/** A header with devices and one configuration; `change` comes before its sum. */
export function header(devices: readonly Device[] = [disk], change: (bytes: Buffer) => void = () => undefined): Buffer {
  const bytes = Buffer.alloc(HEADER_BYTES)
  bytes.write('VMA\0', 0, 'latin1')
  bytes.writeUInt32BE(1, 4)
  UUID.copy(bytes, 8)
  bytes.writeBigInt64BE(1_795_312_800n, 24)
  bytes.writeUInt32BE(BLOBS_AT, 48)
  bytes.writeUInt32BE(HEADER_BYTES - BLOBS_AT, 52)
  bytes.writeUInt32BE(HEADER_BYTES, 56)
  let next = 1
  const blob = (content: string) => {
    const pointer = next
    bytes.writeUInt16LE(content.length, BLOBS_AT + pointer)
    bytes.write(content, BLOBS_AT + pointer + 2, 'latin1')
    next += 2 + content.length
    return pointer
  }
  bytes.writeUInt32BE(blob('qemu-server.conf\0'), 2_044)
  bytes.writeUInt32BE(blob('name: web\n'), 3_068)
  for (const { id, name, sizeBytes } of devices) {
    bytes.writeUInt32BE(blob(`${name}\0`), 4_096 + id * 32)
    bytes.writeBigUInt64BE(BigInt(sizeBytes), 4_096 + id * 32 + 8)
  }
  change(bytes)
  return sealed(bytes, 32)
}

/** Put a blob at a place of the table, and a pointer to it into the header. */
export function placeBlob(bytes: Buffer, pointer: number, content: string, pointerAt: number): void {
  bytes.writeUInt16LE(content.length, BLOBS_AT + pointer)
  bytes.write(content, BLOBS_AT + pointer + 2, 'latin1')
  bytes.writeUInt32BE(pointer, pointerAt)
}

export interface Entry {
  id?: number
  cluster: number
  mask?: number
}

function bits(mask: number): number {
  return mask.toString(2).replaceAll('0', '').length
}

/** An extent with its blocks; without a mask a cluster is all zeroes, of which nothing is stored. */
export function extent(entries: readonly Entry[], change: (head: Buffer) => void = () => undefined): Buffer {
  const head = Buffer.alloc(512)
  head.write('VMAE', 0, 'latin1')
  UUID.copy(head, 8)
  let blocks = 0
  for (const [slot, { id = 1, cluster, mask = 0 }] of entries.entries()) {
    head.writeUInt16BE(mask, 40 + slot * 8)
    head.writeUInt8(id, 40 + slot * 8 + 3)
    head.writeUInt32BE(cluster, 40 + slot * 8 + 4)
    blocks += bits(mask)
  }
  head.writeUInt16BE(blocks, 6)
  change(head)
  return Buffer.concat([sealed(head, 24), Buffer.alloc(blocks * 4096, 7)])
}
