/** Disks are taken out of archives as the lab dumps them; the images are read by the lab's own reader, and by QEMU's. */
import { createHash } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { crc32 } from 'node:zlib'
import { afterAll, describe, expect, it } from 'vitest'
import { extractDisk } from '../../../../functions/archive-formats/proxmox/extract-disk.ts'
import type { RestoredArchive } from '../../../../functions/contracts/restore-record.ts'
import { hashImage, unpackDisk } from '../../../../functions/operations/restore/unpack-disk.ts'
import { openQcow2 } from '../../../../local/labs/proxmox/restore/qcow2-disk.ts'
import { compressors, labArchive } from '../../../fakes/lab-archives.ts'
import { fakePorts } from '../../../fakes/ports.ts'

const folder = mkdtempSync(join(tmpdir(), 'guestlift-unpack-'))
afterAll(() => rmSync(folder, { recursive: true }))

const key = 'archives/hq/vm-100/one/archive'

async function bed(compressor: (typeof compressors)[number], change: (bytes: Buffer) => Buffer = (bytes) => bytes) {
  const ports = fakePorts()
  const { bytes: original, fileName } = await labArchive('vm', compressor)
  const bytes = change(original)
  ports.store.objects.set(key, { body: bytes, etag: '"archive"' })
  const archive = {
    fileName,
    key,
    etag: '"archive"',
    sizeBytes: bytes.length,
    crc32: crc32(original),
  } as RestoredArchive
  const request = { site: 'hq' } as Parameters<typeof unpackDisk>[0]['request']
  const uploads: string[] = []
  const disk = (name: string, uploadId?: string) => ({
    disk: name,
    device: `drive-${name}`,
    fileName: `guestlift-x-${name}.qcow2`,
    ref: `disks:import/guestlift-x-${name}.qcow2`,
    key: `unpacked/${name}.qcow2`,
    ...(uploadId === undefined ? {} : { uploadId }),
  })
  const take = (name: string, uploadId?: string, remainingMilliseconds = () => 900_000) =>
    unpackDisk({ archive, request }, disk(name, uploadId), async (id) => void uploads.push(id), {
      ...ports,
      remainingMilliseconds,
    })
  const takeBare = (name: string, uploadId?: string) =>
    unpackDisk(
      { archive: { ...archive, withoutCrc: true }, request },
      disk(name, uploadId),
      async (id) => void uploads.push(id),
      ports,
    )
  return { ports, original, fileName, disk, take, takeBare, uploads }
}

async function rawOf(bytes: Buffer, fileName: string, name: string): Promise<Buffer> {
  let raw = Buffer.alloc(0)
  const source = {
    fileName,
    sizeBytes: bytes.length,
    stream: async function* () {
      yield bytes
    },
    read: async (at: number, length: number) => bytes.subarray(at, at + length),
  }
  await extractDisk(source, name, async ({ sizeBytes }) => {
    raw = Buffer.alloc(sizeBytes)
    return { write: async (offset, data) => void data.copy(raw, offset) }
  })
  return raw
}

function diskIn(image: Buffer): Buffer {
  const path = join(folder, 'image')
  writeFileSync(path, image)
  const opened = openQcow2(path)
  const disk = Buffer.alloc(opened.sizeBytes)
  for (const { offset, bytes } of opened.clusters()) bytes.copy(disk, offset)
  opened.close()
  return disk
}

describe('a disk that is taken out of an archive', () => {
  it.each(compressors)('is the archived one, from one compressed by %s', async (compressor) => {
    const { ports, original, fileName, disk, take } = await bed(compressor)
    for (const name of ['scsi0', 'efidisk0']) {
      const image = await take(name)
      const body = ports.store.objects.get(`unpacked/${name}.qcow2`)?.body ?? Buffer.alloc(0)
      expect(image).toMatchObject({ sizeBytes: body.length, crc32: crc32(body) })
      expect(diskIn(body).equals(await rawOf(original, fileName, name))).toBe(true)
      expect(await hashImage(disk(name), image, { ...ports, remainingMilliseconds: () => 900_000 })).toBe(
        createHash('sha256').update(body).digest('hex'),
      )
    }
  })

  it('is taken in a store that computes no CRC-32, and proved by reading it back', async () => {
    const { ports, original, fileName, disk, takeBare, uploads } = await bed('zstd')
    const image = await takeBare('scsi0')
    const body = ports.store.objects.get('unpacked/scsi0.qcow2')?.body ?? Buffer.alloc(0)
    expect(image).toMatchObject({ sizeBytes: body.length, crc32: crc32(body) })
    expect((await ports.store.head('unpacked/scsi0.qcow2'))?.crc32).toBeUndefined()
    expect(diskIn(body).equals(await rawOf(original, fileName, 'scsi0'))).toBe(true)
    const inTime = { ...ports, remainingMilliseconds: () => 900_000 }
    expect(await hashImage(disk('scsi0'), image, inTime)).toBe(createHash('sha256').update(body).digest('hex'))
    // The answer was lost: nothing says what the object was to be, and it is made again.
    expect(await takeBare('scsi0', uploads[0])).toMatchObject({ crc32: image.crc32 })
    body[100] = (body[100] ?? 0) ^ 1
    const again = { ...image, etag: (await ports.store.head('unpacked/scsi0.qcow2'))?.etag ?? '' }
    const held = ports.store.objects.get('unpacked/scsi0.qcow2')
    if (held !== undefined) held.body = body
    await expect(hashImage(disk('scsi0'), again, inTime)).rejects.toMatchObject({ name: 'ChecksumMismatch' })
  })

  it('is taken once: a call whose answer was lost finds the object', async () => {
    const { take, uploads } = await bed('zstd')
    const image = await take('scsi0')
    expect(await take('scsi0', uploads[0])).toEqual(image)
    expect(uploads).toHaveLength(1)
  })

  it('never becomes an object when the archive is another than its manifest says', async () => {
    // Whole by its own format: a bit of a disk has no checksum in it.
    const flip = (bytes: Buffer) => {
      const copy = Buffer.from(bytes)
      copy[copy.length - 100] = (copy[copy.length - 100] ?? 0) ^ 1
      return copy
    }
    const { ports, take } = await bed('none', flip)
    await expect(take('scsi0')).rejects.toMatchObject({ name: 'ChecksumMismatch' })
    await expect(take('efidisk0')).rejects.toMatchObject({ name: 'ChecksumMismatch' })
    expect([...ports.store.objects.keys()]).toEqual([key])
  })

  it('is refused where the archive is damaged, or lacks the disk', async () => {
    const cut = await bed('none', (bytes) => bytes.subarray(0, bytes.length - 70_000))
    await expect(cut.take('scsi0')).rejects.toMatchObject({ name: 'NotAnArchive' })
    const { take } = await bed('zstd')
    await expect(take('scsi7')).rejects.toMatchObject({ name: 'NotAnArchive' })
  })

  it('is refused in words when the time of a function does not do', async () => {
    const { ports, disk, take } = await bed('zstd')
    const image = await take('scsi0')
    const large = { ...image, sizeBytes: image.sizeBytes }
    const short = { ...ports, remainingMilliseconds: () => 1000 }
    ports.store.objects.set('unpacked/long.qcow2', { body: Buffer.alloc(17 * 2 ** 20), etag: '"long"' })
    const long = { ...large, etag: '"long"', sizeBytes: 17 * 2 ** 20 }
    await expect(hashImage({ ...disk('long'), key: 'unpacked/long.qcow2' }, long, short)).rejects.toMatchObject({
      name: 'RestoreRefused',
      message: expect.stringMatching(
        /\b16(\.0)? MiB of 17(\.0)? MiB were\. Restore it with delivery "pull" or "sftp"/,
      ) as unknown,
    })
  })

  it('is read back as it was stored, or refused', async () => {
    const { ports, disk, take } = await bed('zstd')
    const image = await take('scsi0')
    const wrong = { ...image, crc32: image.crc32 ^ 1 }
    await expect(
      hashImage(disk('scsi0'), wrong, { ...ports, remainingMilliseconds: () => 900_000 }),
    ).rejects.toMatchObject({
      name: 'ChecksumMismatch',
    })
  })
})
