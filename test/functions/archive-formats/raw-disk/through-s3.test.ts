/**
 * A disk through all steps of a transfer, into the embedded S3, which holds to S3's rules: parts of 5 MiB at least,
 * numbers without a gap, a sum over the whole. Workers die where it hurts, and others go on.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { crc32 } from 'node:zlib'
import { CreateBucketCommand } from '@aws-sdk/client-s3'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { rawDiskEncoder } from '../../../../functions/archive-formats/raw-disk/encoder.ts'
import { unpack } from '../../../../functions/archive-formats/raw-disk/unpack.ts'
import { S3ArchiveStore } from '../../../../functions/aws/s3-archive-store.ts'
import { createS3Client } from '../../../../functions/aws/s3-client.ts'
import { StoreUnavailable } from '../../../../functions/contracts/errors.ts'
import { manifestSchema } from '../../../../functions/contracts/manifest.ts'
import type { SourceArtifact } from '../../../../functions/contracts/nouns.ts'
import { paceSchema } from '../../../../functions/contracts/pace.ts'
import type { Upload } from '../../../../functions/contracts/upload.ts'
import { partRecordKey } from '../../../../functions/domain/books/object-keys.ts'
import { Scratch } from '../../../../functions/domain/encoding/part-encoder.ts'
import { crc32ToBase64 } from '../../../../functions/domain/transfer/crc32.ts'
import { locateArchive } from '../../../../functions/operations/backup/locate-archive.ts'
import { readDiskPlan, writeDiskPlan } from '../../../../functions/operations/books/disk-plans.ts'
import { readUploadRecord, uploadOf, writeUploadRecord } from '../../../../functions/operations/books/upload-record.ts'
import type { Ports } from '../../../../functions/operations/ports.ts'
import { completeUpload } from '../../../../functions/operations/transfer/complete-upload.ts'
import { copyParts } from '../../../../functions/operations/transfer/copy-parts.ts'
import { openUpload } from '../../../../functions/operations/transfer/open-upload.ts'
import { planCopies } from '../../../../functions/operations/transfer/plan-copies.ts'
import { verifyArchive } from '../../../../functions/operations/transfer/verify-archive.ts'
import { writeManifest } from '../../../../functions/operations/transfer/write-manifest.ts'
import { verifyDeep } from '../../../../functions/operations/verification/verify-deep.ts'
import { startS3 } from '../../../../local/s3/server.ts'
import { goodEvidence } from '../../../fakes/evidence.ts'
import { execution, fakePorts, item } from '../../../fakes/ports.ts'
import { type Disk, diskOf, joined, MIB, planWith, readerOf, times } from './made-disks.ts'
import { FakeSource } from '../../operations/transfer/fake-source.ts'

const credentials = { accessKeyId: 'test', secretAccessKey: 'test' }
const createdAt = '2026-11-22T02:00:00.000Z'
const folder = 'archives/hq/vm-100/2026-11-22T02-00-00Z/'
let bed: { store: S3ArchiveStore; newStore(): S3ArchiveStore; close(): Promise<void> }

beforeAll(async () => {
  const directory = await mkdtemp(join(tmpdir(), 'guestlift-disk-s3-'))
  const server = await startS3({ directory, ...credentials })
  const client = createS3Client({ endpoint: server.url, region: 'us-east-1', credentials, maxAttempts: 2 })
  await client.send(new CreateBucketCommand({ Bucket: 'archives' }))
  const newStore = () => new S3ArchiveStore(client, 'archives', { random: () => 0.5, sleep: async () => undefined })
  bed = {
    store: newStore(),
    newStore,
    close: async () => {
      client.destroy()
      await server.close()
      await rm(directory, { recursive: true })
    },
  }
})
afterAll(() => bed.close())

/** A small disk of all kinds of blocks: 44 blocks of 512 KiB and a footer. */
const small = diskOf(
  [
    'hole',
    'text',
    'random',
    ...times(9, 'hole' as const),
    'zeros',
    ...times(20, 'hole' as const),
    'random',
    ...times(9, 'text' as const),
  ],
  512,
)

/** A guest with one disk, whose archive lies in a folder of its own. */
function scene(disk: Disk, keyPrefix: string) {
  const source = new FakeSource(disk.bytes)
  source.map = disk.map
  const { fakeProvider, ...fakes } = fakePorts()
  const provider = async () => fakeProvider
  const ports: Ports = { ...fakes, keyPrefix, store: bed.store, route: async () => source, provider }
  const artifact: SourceArtifact = {
    artifactRef: 'snap-1',
    fileName: 'disks/sda.raw.zst',
    sizeBytes: disk.bytes.length,
    createdAt,
    encoding: 'raw-disk',
    location: { node: 'pve1', path: '/disks/sda.raw', storage: 'local', volume: 'sda' },
  }
  const key = `${keyPrefix}${folder}${artifact.fileName}`
  return { disk, source, ports, fakeProvider, artifact, key }
}
type Scene = ReturnType<typeof scene>

/** The backup of which the disk is the only source. */
function located({ fakeProvider, artifact, ports }: Scene) {
  const { listed: _listed, listedAgainSizeBytes: _again, archiveName: _name, ...ended } = goodEvidence
  fakeProvider.evidence = { ...ended, sources: [{ artifact, listedAgainSizeBytes: artifact.sizeBytes }] }
  // The platform keeps no log: what it shows of the disk is all there is to judge.
  fakeProvider.judgeJob = () => undefined
  const run = { ...item.run, prefix: `${ports.keyPrefix}${item.run.prefix}` }
  return locateArchive({ item: { ...item, run }, jobRef: 'job-1' }, ports)
}

async function opened({ artifact, ports }: Scene): Promise<Upload> {
  const answer = await openUpload({ item, artifact }, ports)
  expect(answer).not.toHaveProperty('alreadyStored')
  return answer.upload
}

/** As the transfer opens it, but with parts that are smaller than the planner makes them: a small disk has several then. */
async function openedInSmallParts({ disk, source, artifact, key, ports }: Scene, partBytes = 12 * MIB) {
  const plan = planWith(disk, partBytes)
  const { partSizeBytes, partCount } = rawDiskEncoder(plan, disk.map)
  const record = {
    version: 1 as const,
    key,
    uploadId: await ports.store.createUpload(key),
    partSizeBytes,
    partCount,
    encoding: 'raw-disk' as const,
    planKey: await writeDiskPlan(ports, key, { plan, map: disk.map }),
    source: { sizeBytes: disk.bytes.length, modifiedAt: source.modifiedAt, artifactRef: artifact.artifactRef },
    openedAt: ports.now().toISOString(),
    item,
  }
  expect(await writeUploadRecord(ports, record, undefined)).toBe(true)
  return { upload: uploadOf(record), plan }
}

async function copied(on: Scene, upload: Upload) {
  const chunk = { firstPart: 1, lastPart: upload.partCount }
  const order = { seconds: 600, partsInFlight: 2 }
  return copyParts({ item, execution, artifact: on.artifact, upload, chunk, order }, on.ports)
}

function completed({ artifact, ports }: Scene, upload: Upload) {
  return completeUpload({ item, execution, artifact, upload, bytesSent: 0 }, ports)
}

async function planned({ artifact, ports }: Scene, upload: Upload) {
  const pace = paceSchema.parse({})
  return planCopies({ item, execution, artifact, upload, pace, results: [] }, ports)
}

/** What lies at the key, decoded. */
async function diskAt(key: string): Promise<Buffer> {
  const object = await bed.store.head(key)
  if (object === undefined) throw new Error('no object')
  const bytes = await bed.store.readRange(key, { firstByte: 0, lastByte: object.sizeBytes - 1, etag: object.etag })
  async function* whole() {
    yield bytes
  }
  return joined(unpack(whole()))
}

describe('a disk that is archived in independent frames', () => {
  it('comes back byte for byte, and its manifest says what the object stands for', async () => {
    const blocks = [...times(90, 'random' as const), ...times(20, 'text' as const), ...times(40, 'hole' as const)]
    const disk = diskOf([...blocks, ...times(30, 'random' as const), 'hole'], 0)
    const on = scene(disk, 'whole/')
    const { ports, artifact } = on
    const { verdict, evidenceKey } = await located(on)
    const upload = await opened(on)
    const allocated = 140 * 512 * 1024
    expect(await planned(on, upload)).toMatchObject({ missingBytes: allocated, chunks: [{ firstPart: 1 }] })
    const result = await copied(on, upload)
    expect(result).toMatchObject({ bytesRead: allocated, partsSent: 2 })
    expect(result.bytesSent).toBeLessThan(allocated)
    expect(await planned(on, upload)).toMatchObject({ missingBytes: 0, chunks: [], waitSeconds: 0 })
    const { stored } = await completed(on, upload)
    const content = { sizeBytes: disk.bytes.length, allocatedBytes: allocated, blockBytes: 512 * 1024 }
    expect(stored.content).toMatchObject({ ...content, crc32: `CRC32:${crc32ToBase64(crc32(disk.bytes))}` })
    expect(stored.sizeBytes).toBeLessThan(allocated)

    const all = { item, artifacts: [artifact], stored: [stored] }
    expect(await verifyArchive(all, ports)).toEqual({ matches: true })
    const { manifestKey } = await writeManifest({ ...all, verdict, evidenceKey }, ports)
    const manifest = manifestSchema.parse(JSON.parse((await ports.store.readText(manifestKey))?.text ?? ''))
    expect(manifest.artifacts).toMatchObject([{ content, sizeBytes: stored.sizeBytes }])
    for (const name of ['parts', 'map', 'frames']) expect(manifest.sideFiles).toContain(`${on.key}.${name}.json`)
    expect(await ports.store.listKeys('whole/uploads/')).toEqual([])
    expect((await diskAt(on.key)).equals(disk.bytes)).toBe(true)
    expect(await verifyDeep(`whole/${folder}`, ports)).toMatchObject({
      result: 'accepted',
      evidence: [{ contentBytes: disk.bytes.length }],
    })
  })

  it('is refused when it is read back and holds another disk than its manifest says', async () => {
    const on = scene(small, 'other/')
    const { ports, artifact } = on
    const { verdict, evidenceKey } = await located(on)
    const upload = await opened(on)
    await copied(on, upload)
    const { stored } = await completed(on, upload)
    const { content } = stored
    if (content === undefined) throw new Error('no content')
    const lying = { ...stored, content: { ...content, crc32: 'CRC32:AAAAAA==' } }
    const all = { item, artifacts: [artifact], stored: [lying] }
    await writeManifest({ ...all, verdict, evidenceKey }, ports)
    expect(await verifyDeep(`other/${folder}`, ports)).toMatchObject({
      result: 'refused',
      findings: [{ code: 'disk-mismatch' }],
    })
  })

  it('without a map from its platform is read whole', async () => {
    const on = scene({ bytes: small.bytes }, 'mapless/')
    const upload = await opened(on)
    expect(await copied(on, upload)).toMatchObject({ bytesRead: small.bytes.length })
    const { stored } = await completed(on, upload)
    expect(stored.content).toMatchObject({ allocatedBytes: small.bytes.length, holeBytes: 0 })
    expect((await diskAt(on.key)).equals(small.bytes)).toBe(true)
  })

  it('is not taken for archived when its object is as large as the disk is not', async () => {
    const on = scene(small, 'size/')
    const upload = await opened(on)
    await copied(on, upload)
    const { stored } = await completed(on, upload)
    const grown = { ...on.artifact, sizeBytes: on.artifact.sizeBytes + 512 }
    await expect(
      verifyArchive({ item, artifacts: [grown], stored: [{ ...stored, artifact: grown }] }, on.ports),
    ).rejects.toMatchObject({ name: 'ChecksumMismatch' })
  })
})

describe('workers that die over a disk', () => {
  type Death = 'before-record' | 'after-record' | 'after-part'
  class Died extends Error {}

  /** A call of Copy parts that ends at a part. Returns which parts S3 was sent. */
  function dying({ ports, ...on }: Scene, part: number, when: Death): Scene {
    const died = () => Promise.reject(new Died())
    const record = partRecordKey(ports.keyPrefix, on.key, part)
    const store = bed.newStore()
    store.writeText = async (key, ...rest) => {
      if (key === record && when === 'before-record') return died()
      return ports.store.writeText(key, ...rest)
    }
    store.putPart = async (key, uploadId, partNumber, ...rest) => {
      if (partNumber !== part) return ports.store.putPart(key, uploadId, partNumber, ...rest)
      if (when === 'after-record') return died()
      await ports.store.putPart(key, uploadId, partNumber, ...rest)
      return died()
    }
    return { ...on, ports: { ...ports, store } }
  }

  it('leave their finished parts to the next, which sends none of them again', async () => {
    const on = scene(small, 'dying/')
    const { upload } = await openedInSmallParts(on, 4 * MIB)
    const deaths: [number, Death][] = [
      [1, 'after-record'],
      [2, 'after-part'],
      [3, 'before-record'],
      [4, 'after-record'],
    ]
    for (const [part, when] of deaths) {
      const chunk = { firstPart: 1, lastPart: upload.partCount }
      const order = { seconds: 600, partsInFlight: 1 }
      const doomed = dying(on, part, when)
      await expect(
        copyParts({ item, execution, artifact: on.artifact, upload, chunk, order }, doomed.ports),
      ).rejects.toThrow(Died)
    }
    const there = async () => (await on.ports.store.listParts(on.key, upload.uploadId)).map((part) => part.partNumber)
    expect(await there()).toEqual([1, 2, 3])
    await expect(completed(on, upload)).rejects.toMatchObject({
      name: 'UploadVanished',
      message: expect.stringMatching(/: 4 \(S3 does not list it\), 5 \(.*\), 6 \(.*\)\. Nothing was completed/),
    })
    expect(await copied(on, upload)).toMatchObject({ partsSent: 3 })
    await completed(on, upload)
    expect((await diskAt(on.key)).equals(small.bytes)).toBe(true)
  })

  it('may leave a part whose record is of other bytes: it alone is made again', async () => {
    const on = scene(small, 'zombie/')
    const { upload, plan } = await openedInSmallParts(on)
    await copied(on, upload)
    const zombie = await rawDiskEncoder({ ...plan, level: 3 }, small.map).encode(
      1,
      readerOf(small.bytes),
      new Scratch(),
    )
    await on.ports.store.putPart(on.key, upload.uploadId, 1, zombie.slices, zombie.crc32)
    await expect(completed(on, upload)).rejects.toMatchObject({
      name: 'UploadVanished',
      message: expect.stringContaining('1 (S3 holds other bytes than its record says)'),
    })
    expect(await opened(on)).toEqual(upload)
    expect(await planned(on, upload)).toMatchObject({ chunks: [{ firstPart: 1, lastPart: 1 }] })
    expect(await copied(on, upload)).toMatchObject({ partsSent: 1 })
    await completed(on, upload)
    expect((await diskAt(on.key)).equals(small.bytes)).toBe(true)
  })

  it.each([
    ['cut short', (text: string) => text.slice(0, -4)],
    [
      'of one changed digit',
      (text: string) => text.replace(/"rawCrc32":(\d)/, (_, digit) => `"rawCrc32":${digit === '1' ? 2 : 1}`),
    ],
    ['another part’s', (text: string) => text.replace('"part":2', '"part":3')],
  ])('complete nothing by a record that is %s', async (name, change) => {
    const on = scene(small, `record-${name.length}/`)
    const { upload } = await openedInSmallParts(on)
    await copied(on, upload)
    const key = partRecordKey(on.ports.keyPrefix, upload.key, 2)
    const { text = '' } = (await bed.store.readText(key)) ?? {}
    await bed.store.writeText(key, change(text))
    await expect(completed(on, upload)).rejects.toMatchObject({ name: 'UploadVanished' })
    expect(await bed.store.head(on.key)).toBeUndefined()
    expect(await copied(on, upload)).toMatchObject({ partsSent: 1 })
    await completed(on, upload)
    expect((await diskAt(on.key)).equals(small.bytes)).toBe(true)
  })

  it('before the answer to Complete arrived leave an object that the next knows by its record', async () => {
    const on = scene(small, 'lost/')
    const { upload } = await openedInSmallParts(on)
    await copied(on, upload)
    const store = bed.newStore()
    store.completeUpload = async (...call) => {
      await on.ports.store.completeUpload(...call)
      throw new StoreUnavailable('the answer was lost')
    }
    await expect(completed({ ...on, ports: { ...on.ports, store } }, upload)).rejects.toThrow('lost')
    const { stored } = await completed(on, upload)
    expect(stored.content?.crc32).toBe(`CRC32:${crc32ToBase64(crc32(small.bytes))}`)
    const again = await openUpload({ item, artifact: on.artifact }, on.ports)
    expect(again.alreadyStored).toEqual({ ...stored, bytesSent: 0 })
  })
})

describe('the plan of a disk’s parts', () => {
  it('that is gone makes a new upload, for parts of two plans must not meet', async () => {
    const on = scene(small, 'planless/')
    const upload = await opened(on)
    expect(await opened(on)).toEqual(upload)
    await bed.store.remove(upload.planKey ?? '')
    await expect(copied(on, upload)).rejects.toMatchObject({ name: 'UploadVanished' })
    const next = await opened(on)
    expect(next.uploadId).not.toBe(upload.uploadId)
    await copied(on, next)
    await completed(on, next)
    expect((await diskAt(on.key)).equals(small.bytes)).toBe(true)
  })

  it('is bound to the disk’s very state: one that changed gets a plan and an upload of its own', async () => {
    const on = scene(small, 'changed/')
    const upload = await opened(on)
    on.source.modifiedAt = '2026-11-22T03:00:00.000Z'
    const next = await opened(on)
    expect(next.planKey).not.toBe(upload.planKey)
    expect(await readDiskPlan(on.ports, on.key, next.planKey ?? '')).toMatchObject({ map: small.map })
    expect((await readUploadRecord(on.ports, on.key))?.record.uploadId).toBe(next.uploadId)
  })
})
