/** `guestlift extract --to`, over real sockets: a disk becomes an object whole, or nothing of it stays. */
import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { crc32 } from 'node:zlib'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { createS3Client } from '../../../../functions/aws/s3-client.ts'
import { S3ArchiveStore } from '../../../../functions/aws/s3-archive-store.ts'
import { crc32ToBase64 } from '../../../../functions/domain/transfer/crc32.ts'
import { openSource } from '../../../../local/cli/extract/archive-source.ts'
import { ObjectUpload } from '../../../../local/cli/extract/object-upload.ts'
import { takeDiskToObject } from '../../../../local/cli/extract/take-disk-to-object.ts'
import { CLUSTER_BYTES, clusterCount, clusterReader } from '../../../../local/labs/proxmox/dumps/disk-content.ts'
import { writeVma } from '../../../../local/labs/proxmox/vma-writer.ts'
import type { FaultPlan } from '../../../../local/s3/faults.ts'
import { type S3Server, startS3 } from '../../../../local/s3/server.ts'
import { compressors, disks, type LabArchive, labArchive, putLabArchive } from '../../../fakes/lab-archives.ts'
import { extentsOf } from '../../../functions/archive-formats/proxmox/made-archives.ts'
import { guestlift as run } from '../command-line.ts'

const bin = fileURLToPath(new URL('../../../../bin/guestlift.ts', import.meta.url))
const MIB = 1024 * 1024
type Disk = (typeof disks)[number]

let work: string
let here: string
let server: S3Server
let store: S3ArchiveStore
let images: S3ArchiveStore
let faults: FaultPlan = () => undefined
const archives: LabArchive[] = []
const archiveOf = (compressor: string) => archives.find((one) => one.compressor === compressor) as LabArchive

beforeAll(async () => {
  work = await mkdtemp(join(tmpdir(), 'guestlift-extract-to-'))
  for (const folder of ['s3', 'files']) mkdirSync(join(work, folder))
  const credentials = { accessKeyId: 'key', secretAccessKey: 'secret' }
  server = await startS3({
    directory: join(work, 's3'),
    ...credentials,
    buckets: ['archives', 'images'],
    faults: (subject) => faults(subject),
  })
  const client = createS3Client({ endpoint: server.url, region: 'us-east-1', credentials })
  const retry = { sleep: async () => undefined, random: () => 0 }
  store = new S3ArchiveStore(client, 'archives', retry)
  images = new S3ArchiveStore(client, 'images', retry)
  for (const compressor of compressors) archives.push(await labArchive('vm', compressor))
  for (const archive of archives) {
    await putLabArchive(store, archive)
    writeFileSync(join(work, 'files', archive.fileName), archive.bytes)
  }
})
afterAll(async () => {
  await server.close()
  await rm(work, { recursive: true, force: true })
})
beforeEach(async () => {
  here = await mkdtemp(join(work, 'here-'))
})
afterEach(() => {
  faults = () => undefined
})

const env = () => ({
  PATH: process.env['PATH'],
  HOME: work,
  NO_COLOR: '1',
  AWS_EC2_METADATA_DISABLED: 'true',
  AWS_ACCESS_KEY_ID: 'key',
  AWS_SECRET_ACCESS_KEY: 'secret',
  AWS_REGION: 'us-east-1',
})
const extract = (...words: string[]) => run(['extract', ...words], { env: env(), cwd: here })
const local = (archive: LabArchive) => join(work, 'files', archive.fileName)

/** The lab's disk, byte for byte. */
function labDisk({ sizeBytes, ...disk }: Disk): Buffer {
  const cluster = clusterReader({ sizeBytes, ...disk })
  const whole = Array.from({ length: clusterCount(sizeBytes) }, (_none, at) => Buffer.from(cluster(at).data))
  return Buffer.concat(whole).subarray(0, sizeBytes)
}

async function object(key: string): Promise<Buffer | undefined> {
  const there = await images.head(key)
  return there && images.readRange(key, { firstByte: 0, lastByte: there.sizeBytes - 1, etag: there.etag })
}

/** Neither an object nor the parts of one. */
async function expectNothing(key: string): Promise<void> {
  expect(await images.head(key)).toBeUndefined()
  expect(await images.listUploads(key)).toEqual([])
}

describe('extract --disk --to', () => {
  it.each(compressors)(
    'puts each disk byte for byte into an object, from an archive compressed by %s',
    async (compressor) => {
      const archive = archiveOf(compressor)
      for (const [at, disk] of disks.entries()) {
        const name = disk.deviceName.replace('drive-', '')
        const key = `${compressor}/${name} of web1.raw`
        const words = ['--disk', name, '--to', `s3://images/${key}`, '--s3', server.url]
        const ended =
          at === 0
            ? await extract(archive.folder, ...words, '--bucket', 'archives')
            : await extract(local(archive), ...words)
        const whole = labDisk(disk)
        expect(ended).toMatchObject({
          code: 0,
          out: expect.stringMatching(new RegExp(`^s3://images/${key}: ${name}, `)),
        })
        expect((await object(key))?.equals(whole)).toBe(true)
        expect((await images.head(key))?.crc32).toBe(crc32(whole))
        expect(ended.error).toContain(`S3 compared the object's own CRC-32: ${crc32ToBase64(crc32(whole))}.`)
        expect(ended.error).toMatch(
          compressor === 'none'
            ? /Only parts of the archive were read/
            : at === 0
              ? /has the CRC-32 that its manifest states/
              : /compared with nothing/,
        )
        expect(await images.listUploads(key)).toEqual([])
      }
      expect(readdirSync(here)).toEqual([])
    },
  )

  it('leaves an object that is there as it is, before it reads anything', async () => {
    await images.writeText('taken.raw', 'mine')
    const { code, error } = await extract(local(archiveOf('zstd')), ...to('taken.raw'))
    expect(code).toBe(1)
    expect(error).toBe(
      'guestlift: s3://images/taken.raw is there already, and was left as it is. Name another with --to.\n',
    )
    expect((await images.readText('taken.raw'))?.text).toBe('mine')
    expect(await images.listUploads('taken.raw')).toEqual([])
  })

  it('overwrites no object that someone else wrote meanwhile', async () => {
    const written: Promise<unknown>[] = []
    faults = ({ operation, key }) => {
      if (operation === 'UploadPart' && key === 'raced.raw') written.push(images.writeText('raced.raw', 'theirs'))
      return undefined
    }
    const ended = await extract(local(archiveOf('zstd')), ...to('raced.raw'))
    await Promise.all(written)
    expect(written).toHaveLength(1)
    expect(ended).toMatchObject({ code: 1, error: expect.stringMatching(/raced\.raw is there already, and was left/) })
    expect((await images.readText('raced.raw'))?.text).toBe('theirs')
    expect(await images.listUploads('raced.raw')).toEqual([])
  })

  it('keeps nothing of an archive whose bytes are not those of the manifest', async () => {
    const archive = { ...archiveOf('gzip'), folder: 'archives/hq/vm-910/2026-11-22T02-00-07Z/' }
    await putLabArchive(store, archive)
    const manifest = (await store.readText(`${archive.folder}manifest.json`))?.text ?? ''
    await store.writeText(`${archive.folder}manifest.json`, manifest.replace(/CRC32:[^"]+/, 'CRC32:AAAAAA=='))
    expect(await extract(archive.folder, ...to('wrong-archive.raw'), '--bucket', 'archives')).toMatchObject({
      code: 1,
      out: '',
      error: expect.stringMatching(/and its manifest states CRC32:AAAAAA==: it is damaged or another file/),
    })
    await expectNothing('wrong-archive.raw')
  })

  it('keeps nothing of an archive that is cut off, though its parts were sent', async () => {
    const file = join(here, 'vzdump-qemu-100-2026_11_22-03_00_07.vma')
    const whole = archiveOf('none').bytes
    writeFileSync(file, whole.subarray(0, whole.length - 5_000))
    expect(await extract(file, ...to('cut.raw'))).toMatchObject({
      code: 1,
      error: expect.stringMatching(/^guestlift: .* is damaged: .*\. Nothing was kept\.$/m),
    })
    await expectNothing('cut.raw')
  })

  it('keeps nothing where S3 finds another CRC-32 over the object', async () => {
    faults = ({ operation, key }) =>
      operation === 'CompleteMultipartUpload' && key === 'wrong-sum.raw' ? { code: 'BadDigest' } : undefined
    expect(await extract(local(archiveOf('zstd')), ...to('wrong-sum.raw'))).toMatchObject({
      code: 1,
      out: '',
      error: expect.stringMatching(/S3 refuses to complete s3:\/\/images\/wrong-sum\.raw/),
    })
    await expectNothing('wrong-sum.raw')
  })

  it('sends a part again whose bytes arrived as others', async () => {
    faults = ({ operation, key, count }) =>
      operation === 'UploadPart' && key === 'damaged-once.raw' && count === 1 ? 'corrupt' : undefined
    expect(await extract(local(archiveOf('zstd')), ...to('damaged-once.raw'))).toMatchObject({ code: 0 })
    expect((await object('damaged-once.raw'))?.equals(labDisk(disks[0] as Disk))).toBe(true)
  })

  it('says how to remove the upload that it may not remove itself', async () => {
    faults = ({ operation, key }) => {
      if (key !== "it's.raw") return undefined
      if (operation === 'UploadPart') return { code: 'AccessDenied' }
      return operation === 'AbortMultipartUpload' ? { code: 'AccessDenied' } : undefined
    }
    const { code, error } = await extract(local(archiveOf('zstd')), ...to("it's.raw"))
    const [uploadId] = await images.listUploads("it's.raw")
    expect(code).toBe(1)
    expect(error).toContain(
      `aws s3api abort-multipart-upload --bucket images --key 'it'\\''s.raw' --upload-id ${uploadId}. It could not be removed: `,
    )
    expect(error).toMatch(/^guestlift: can't send part 1 of s3:\/\/images\/it's\.raw: access denied/m)
  })

  it.each(['SIGINT', 'SIGTERM'] as const)(
    'leaves nothing behind when %s ends it in the middle of a part',
    async (signal) => {
      const key = `${signal}.raw`
      const words = ['extract', local(archiveOf('zstd')), ...to(key)]
      const child = spawn(process.execPath, [bin, ...words], { env: env(), cwd: here, stdio: 'ignore' })
      faults = (subject) => {
        if (subject.operation !== 'UploadPart' || subject.key !== key) return undefined
        child.kill(signal)
        return 'silent'
      }
      const [code]: unknown[] = await once(child, 'close')
      expect(code).toBe(130)
      await expectNothing(key)
      expect(readdirSync(here)).toEqual([])
    },
  )

  it('ends at once at a second Ctrl-C, and says how to remove what stays', async () => {
    const key = 'twice.raw'
    const words = ['extract', local(archiveOf('zstd')), ...to(key)]
    const child = spawn(process.execPath, [bin, ...words], {
      env: env(),
      cwd: here,
      stdio: ['ignore', 'ignore', 'pipe'],
    })
    let error = ''
    child.stderr.on('data', (chunk: Buffer) => {
      error += chunk.toString()
    })
    const again: NodeJS.Timeout[] = []
    faults = (subject) => {
      if (subject.key !== key) return undefined
      if (subject.operation === 'UploadPart') child.kill('SIGINT')
      // Nobody can press it twice at once: the command takes that for one.
      else if (subject.operation === 'AbortMultipartUpload') again.push(setInterval(() => child.kill('SIGINT'), 50))
      else return undefined
      return 'silent'
    }
    const [code]: unknown[] = await once(child, 'close')
    again.forEach(clearInterval)
    const [uploadId] = await images.listUploads(key)
    expect(code).toBe(130)
    expect(error).toContain(
      `aws s3api abort-multipart-upload --bucket images --key 'twice.raw' --upload-id ${uploadId}.\n`,
    )
  })

  it('refuses a command line that can’t be meant', async () => {
    const archive = local(archiveOf('none'))
    for (const [words, said] of [
      [['--list', '--to', 's3://images/a.raw'], '--to goes with --disk'],
      [['--file', 'etc', '--tar', '--to', 's3://images/a.raw'], '--to goes with --disk'],
      [['--disk', 'scsi0', '--to', 's3://images/a.raw', '-o', 'a.raw'], 'without --output, --qcow2 and --force'],
      [['--disk', 'scsi0', '--to', 's3://images/a.raw', '--qcow2'], 'without --output, --qcow2 and --force'],
      [['--disk', 'scsi0', '--to', 's3://images/a.raw', '--force'], 'without --output, --qcow2 and --force'],
      ...[
        'images/a.raw',
        's3://images',
        's3://images/',
        's3://images/folder/',
        'https://images/a.raw',
        's3:///a.raw',
      ].map(
        (address) => [['--disk', 'scsi0', '--to', address], 'Give the address of an object: s3://bucket/path'] as const,
      ),
    ] as const) {
      expect(await extract(archive, ...words)).toMatchObject({ code: 64, error: expect.stringContaining(said) })
    }
  })

  it('says what is wrong where the bucket or the disk is not there', async () => {
    const archive = local(archiveOf('zstd'))
    const nowhere = ['--disk', 'scsi0', '--to', 's3://nowhere/a.raw', '--s3', server.url]
    expect(await extract(archive, ...nowhere)).toMatchObject({
      code: 1,
      error: expect.stringMatching(/s3:\/\/nowhere\/a\.raw: there is no such bucket\. Check the bucket's name/),
    })
    expect(await extract(archive, '--disk', 'scsi7', ...to('a.raw').slice(2))).toMatchObject({
      code: 1,
      error: expect.stringMatching(/holds no disk scsi7\. It holds: scsi0, efidisk0\./),
    })
    await expectNothing('a.raw')
  })

  it('refuses a disk that is larger than the largest object', async () => {
    const file = join(here, 'vzdump-qemu-100-2026_11_22-03_00_07.vma')
    writeFileSync(file, withFirstDiskOf(60 * 2 ** 40, archiveOf('none').bytes))
    expect(await extract(file, ...to('vast.raw'))).toMatchObject({
      code: 1,
      error: expect.stringMatching(
        /scsi0 has 60(?:\.0)? TiB, and an object of S3 at most 48\.8 TiB\..* file with -o\./,
      ),
    })
    await expectNothing('vast.raw')
  })
})

const to = (key: string) => ['--disk', 'scsi0', '--to', `s3://images/${key}`, '--s3', server.url]

function withFirstDiskOf(sizeBytes: number, vma: Buffer): Buffer {
  const changed = Buffer.from(vma)
  changed.writeBigUInt64BE(BigInt(sizeBytes), 4_096 + 32 + 8)
  const header = changed.subarray(0, changed.readUInt32BE(56)).fill(0, 32, 48)
  createHash('md5').update(header).digest().copy(changed, 32)
  return changed
}

/** The archive of a VM with one disk; its even extents come first, so that each part is whole only near the end. */
async function mixedArchive(disk: Disk): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of writeVma({ uuid: Buffer.alloc(16, 7), ctime: 1, configs: [], disks: [disk] })) {
    chunks.push(chunk)
  }
  const whole = Buffer.concat(chunks)
  const extents = extentsOf(whole)
  const order = [...extents.filter((_one, at) => at % 2 === 0), ...extents.filter((_one, at) => at % 2 === 1)]
  const file = join(here, 'vzdump-qemu-100-2026_11_22-03_00_07.vma')
  const header = whole.subarray(0, extents[0]?.start)
  writeFileSync(file, Buffer.concat([header, ...order.map(({ start, end }) => whole.subarray(start, end))]))
  return file
}

describe('the upload of an object', () => {
  it('sends four parts at a time, ends them when it is stopped, and takes no further one', async () => {
    const key = 'streams.raw'
    const seen: unknown[] = []
    const four = Promise.withResolvers<void>()
    faults = ({ operation, partNumber, ...subject }) => {
      if (operation !== 'UploadPart' || subject.key !== key) return undefined
      seen.push(partNumber)
      if (seen.length === 4) four.resolve()
      return 'silent'
    }
    const stop = new AbortController()
    const upload = new ObjectUpload(images, key, stop.signal)
    await upload.open()
    const bodies = [Buffer.from('part')]
    const part = (partNumber: number) => ({ partNumber, bodies, crc32: crc32('part'), heldBytes: 4 })
    for (const partNumber of [1, 2, 3, 4]) await upload.send(part(partNumber))
    const fifth = upload.send(part(5))
    await four.promise
    expect(upload.underWayBytes).toBe(16)
    stop.abort()
    await expect(fifth).rejects.toMatchObject({ name: 'AbortError' })
    expect(await upload.discard()).toBeUndefined()
    expect((seen as number[]).toSorted((one, other) => one - other)).toEqual([1, 2, 3, 4])
    expect(upload.underWayBytes).toBe(0)
    await expectNothing(key)
  })
})

describe('a disk of several parts, whose clusters are mixed up', () => {
  const disk = {
    deviceName: 'drive-scsi0',
    sizeBytes: 128 * MIB + 5 * CLUSTER_BYTES + 5_120,
    seed: 5,
    zero: 0.9,
    compressible: 1,
  }

  /** S3 summed up what it stored. */
  async function expectDisk(key: string): Promise<void> {
    const whole = labDisk(disk)
    expect(await images.head(key)).toMatchObject({ sizeBytes: whole.length, crc32: crc32(whole) })
  }

  it('is put together in one pass where what waits fits into memory', async () => {
    const file = await mixedArchive(disk)
    const ended = await extract(file, ...to('parts.raw'))
    expect(ended).toMatchObject({ code: 0 })
    expect(ended.error).not.toContain('read again')
    await expectDisk('parts.raw')
  })

  it('is put together in further passes where it does not', async () => {
    const source = await openSource(await mixedArchive(disk), {})
    const upload = new ObjectUpload(images, 'passes.raw', new AbortController().signal)
    const said: string[] = []
    try {
      const { line } = await takeDiskToObject(source, 'scsi0', upload, {
        say: (sentence) => said.push(sentence),
        memoryBytes: 2 * MIB,
      })
      expect(line).toMatch(/^s3:\/\/images\/passes\.raw: scsi0, 128\.3 MiB, of which the archive holds /)
    } finally {
      expect(await upload.discard()).toBeUndefined()
      await source.close()
    }
    expect(said[0]).toMatch(
      /: [12] of 3 parts did not fit into memory\. For them the archive is read again \(pass 2\)\./,
    )
    await expectDisk('passes.raw')
  })

  it('is refused where too many passes would be needed, with what to do instead', async () => {
    const large = { ...disk, sizeBytes: 14 * 64 * MIB, zero: 0.98 }
    const source = await openSource(await mixedArchive(large), {})
    const upload = new ObjectUpload(images, 'refused.raw', new AbortController().signal)
    try {
      await expect(takeDiskToObject(source, 'scsi0', upload, { say: () => undefined, memoryBytes: 1 })).rejects.toThrow(
        /would have to be read more than 10 times\. Nothing was kept\. Extract it into a file with -o scsi0\.raw, then upload that: aws s3 cp scsi0\.raw 's3:\/\/images\/refused\.raw'\./,
      )
    } finally {
      expect(await upload.discard()).toBeUndefined()
      await source.close()
    }
    await expectNothing('refused.raw')
  })

  it('is refused where the archive changes between two passes', async () => {
    const file = await mixedArchive(disk)
    const source = await openSource(file, {})
    const upload = new ObjectUpload(images, 'changed.raw', new AbortController().signal)
    const change = () => {
      const bytes = readFileSync(file)
      // A byte of the last block's content, which no sum of the VMA covers.
      bytes[bytes.length - 1] = (bytes.at(-1) ?? 0) ^ 1
      writeFileSync(file, bytes)
    }
    try {
      await expect(takeDiskToObject(source, 'scsi0', upload, { say: change, memoryBytes: 2 * MIB })).rejects.toThrow(
        /changed while it was read\. Nothing was kept/,
      )
    } finally {
      await upload.discard()
      await source.close()
    }
    await expectNothing('changed.raw')
  })
})
