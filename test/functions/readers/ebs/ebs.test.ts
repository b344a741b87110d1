import { crc32 } from 'node:zlib'
import { afterEach, describe, expect, it } from 'vitest'
import {
  EBS_BLOCK_BYTES,
  ebsAccessSchema,
  type EbsSnapshotLocation,
} from '../../../../functions/contracts/aws-access.ts'
import { backupOptionsSchema } from '../../../../functions/contracts/backup-options.ts'
import { sourcesOf } from '../../../../functions/domain/backup/sources.ts'
import type { Reader } from '../../../../functions/readers/reader.ts'
import { openEbsRoute } from '../../../../functions/readers/ebs/ebs.ts'
import { seededContent } from '../../../../local/labs/ec2/disk.ts'
import type { Ec2LabOptions } from '../../../../local/labs/ec2/lab.ts'
import { type Ec2Bed, ec2Bed, WEB } from '../../providers/ec2/bed.ts'

const GIB = 2 ** 30
const blocks = [0, 1, 2, 7, 100, 101, 2047]
let bed: Ec2Bed
let reader: Reader | undefined
const waits: number[] = []
afterEach(async () => {
  await reader?.close()
  reader = undefined
  waits.length = 0
  await bed.close()
})

/** A completed snapshot of a volume of 1 GiB with some written blocks. */
async function frozen(options: Ec2LabOptions = {}): Promise<EbsSnapshotLocation> {
  bed = await ec2Bed({
    instances: [{ id: WEB, volumes: [{ device: '/dev/xvda', sizeGiB: 1, content: seededContent(blocks, 5) }] }],
    ...options,
  })
  const [guest] = await bed.provider.findGuests([WEB])
  if (guest === undefined) throw new Error('the instance is not there')
  const { jobRef } = await bed.provider.start(guest, backupOptionsSchema.parse({}), '0f1e2d3c4b5a6978')
  for (let looks = 0; looks < 20 && (await bed.provider.check(jobRef)).running; looks += 1);
  const { evidence } = await bed.provider.gather(jobRef, guest, 'local')
  const [source] = sourcesOf(evidence)
  return source?.artifact.location as EbsSnapshotLocation
}

async function opened(location: EbsSnapshotLocation): Promise<Reader> {
  const route = openEbsRoute('aws', ebsAccessSchema.parse(bed.site), {
    now: () => new Date(),
    sleep: async (milliseconds) => void waits.push(milliseconds),
    random: () => 0,
  })
  reader = await route.open(location)
  return reader
}

async function reading(location: EbsSnapshotLocation): Promise<Reader['read']> {
  const source = await opened(location)
  return (positionBytes, target) => source.read(positionBytes, target)
}

/** The bytes of blocks, as the lab has them. */
function bytesOf({ snapshotId }: EbsSnapshotLocation, first: number, count: number): Buffer {
  const disk = bed.lab.control.disk(snapshotId)
  return Buffer.concat(
    Array.from({ length: count }, (_, at) => Buffer.from(disk.read(first + at) ?? Buffer.alloc(EBS_BLOCK_BYTES))),
  )
}

describe('a snapshot that is read by EBS direct', () => {
  it('has the size of its volume, and a mark that nothing else has', async () => {
    const location = await frozen()
    const source = await opened(location)
    expect(source.opened).toEqual({ sizeBytes: GIB, modifiedAt: location.startedAt, validator: location.snapshotId })
    expect(await source.stat()).toEqual(source.opened)
  })

  it('counts the blocks that AWS answered with, those with a wrong sum too', async () => {
    const location = await frozen()
    bed.lab.control.corruptBlock(location.snapshotId, 1, 'sum', 1)
    const source = await opened(location)
    await source.read(0, Buffer.alloc(3 * EBS_BLOCK_BYTES))
    expect(source.billedReads).toBe(4)
  })

  it('is not taken for whole when far fewer blocks are listed than EC2 says that it holds', async () => {
    const location = await frozen()
    expect(location.heldBytes).toBe(blocks.length * EBS_BLOCK_BYTES)
    const held = async (heldBytes: number) => (await opened({ ...location, heldBytes })).allocation?.()
    await expect(held(100 * 2 ** 20)).rejects.toMatchObject({
      name: 'SourceUnreadable',
      message: expect.stringMatching(/lists 3\.5 MiB of blocks, and EC2 says that the snapshot holds 100\.0 MiB\./),
    })
    await reader?.close()
    // EC2 may round, and an older version kept nothing of it.
    await expect(held(60 * 2 ** 20)).resolves.toMatchObject({ version: 1 })
    await reader?.close()
    const { heldBytes: _unknown, ...older } = location
    await expect((await opened(older)).allocation?.()).resolves.toMatchObject({ version: 1 })
  })

  it('says which blocks were ever written, though pages are short and one is empty', async () => {
    const location = await frozen({ settings: { mostBlocksInPage: 2 } })
    const source = await opened(location)
    expect(await source.allocation?.()).toEqual({
      version: 1,
      sizeBytes: GIB,
      blockBytes: EBS_BLOCK_BYTES,
      runs: [
        [0, 3],
        [7, 1],
        [100, 2],
        [2047, 1],
      ],
    })
    expect(bed.lab.control.calls('ListSnapshotBlocks')).toBeGreaterThan(4)
  })

  it('gives its blocks, whole ones and pieces, each read once', async () => {
    const location = await frozen()
    const read = await reading(location)
    const expected = bytesOf(location, 0, 3)
    const target = Buffer.alloc(expected.length)
    expect(await read(0, target)).toBe(crc32(expected))
    expect(target.equals(expected)).toBe(true)
    expect(bed.lab.control.blocksRead).toHaveLength(3)
    const piece = Buffer.alloc(1000)
    await read(EBS_BLOCK_BYTES - 500, piece)
    expect(piece.equals(expected.subarray(EBS_BLOCK_BYTES - 500, EBS_BLOCK_BYTES + 500))).toBe(true)
  })

  it('is listed once for all that is read side by side', async () => {
    const location = await frozen()
    const read = await reading(location)
    bed.lab.control.resetCounts()
    await Promise.all(
      [0, 1, 2, 7, 100, 101].map((index) => read(index * EBS_BLOCK_BYTES, Buffer.alloc(EBS_BLOCK_BYTES))),
    )
    expect(bed.lab.control.calls('ListSnapshotBlocks')).toBe(1)
    expect(bed.lab.control.calls('GetSnapshotBlock')).toBe(6)
  })

  it('never makes zeros of a block that is not listed', async () => {
    const location = await frozen()
    const read = await reading(location)
    await expect(read(5 * EBS_BLOCK_BYTES, Buffer.alloc(EBS_BLOCK_BYTES))).rejects.toMatchObject({
      name: 'SourceChanged',
    })
    await expect(read(GIB - 5, Buffer.alloc(10))).rejects.toMatchObject({ name: 'ShortRead' })
  })

  it('is read again where bytes arrive that have another sum', async () => {
    const location = await frozen()
    const read = await reading(location)
    bed.lab.control.corruptBlock(location.snapshotId, 1, 'sum', 2)
    const target = Buffer.alloc(3 * EBS_BLOCK_BYTES)
    await read(0, target)
    expect(target.equals(bytesOf(location, 0, 3))).toBe(true)
    bed.lab.control.corruptBlock(location.snapshotId, 7, 'sum', 99)
    await expect(read(7 * EBS_BLOCK_BYTES, Buffer.alloc(EBS_BLOCK_BYTES))).rejects.toMatchObject({
      name: 'ChecksumMismatch',
      message: expect.stringContaining('block 7'),
    })
  })

  it('goes on when tokens are too old', async () => {
    const location = await frozen()
    const read = await reading(location)
    const refusal = { status: 400, code: 'ValidationException', message: 'old', reason: 'INVALID_BLOCK_TOKEN' }
    bed.lab.control.refuse('GetSnapshotBlock', refusal, 2)
    const target = Buffer.alloc(3 * EBS_BLOCK_BYTES)
    await read(0, target)
    expect(target.equals(bytesOf(location, 0, 3))).toBe(true)
    bed.lab.control.refuse('GetSnapshotBlock', refusal, 99)
    await expect(read(7 * EBS_BLOCK_BYTES, Buffer.alloc(EBS_BLOCK_BYTES))).rejects.toMatchObject({
      name: 'SourceUnreadable',
    })
  })

  it('waits longer and longer while the account is throttled, and then goes on', async () => {
    const location = await frozen()
    const read = await reading(location)
    bed.lab.control.throttle('GetSnapshotBlock', 6)
    await read(0, Buffer.alloc(EBS_BLOCK_BYTES))
    expect(waits).toEqual([1_000, 2_000, 4_000, 8_000, 16_000, 30_000])
  })

  it.each([
    ['is cut', () => bed.lab.control.cutAnswer('GetSnapshotBlock')],
    ['never comes', () => bed.lab.control.dropRequest('GetSnapshotBlock', 2)],
    ['is a passing fault', () => bed.lab.control.answerPage('GetSnapshotBlock', 503)],
  ])('asks again when an answer %s', async (_, break_) => {
    const location = await frozen()
    const read = await reading(location)
    break_()
    const target = Buffer.alloc(EBS_BLOCK_BYTES)
    await read(0, target)
    expect(target.equals(bytesOf(location, 0, 1))).toBe(true)
  })

  it('drops the connection when nothing answers, so that a new reader goes on', async () => {
    const location = await frozen()
    const read = await reading(location)
    bed.lab.control.dropRequest('GetSnapshotBlock', 99)
    await expect(read(0, Buffer.alloc(EBS_BLOCK_BYTES))).rejects.toMatchObject({ name: 'ConnectionDropped' })
  })

  it('is no web page, however well it is delivered', async () => {
    const location = await frozen()
    bed.lab.control.answerPage('ListSnapshotBlocks', 200, 99)
    await expect(opened(location)).rejects.toMatchObject({ name: 'SourceUnreadable' })
    bed.lab.control.clearFaults()
    const read = await reading(location)
    bed.lab.control.answerPage('GetSnapshotBlock', 200, 99)
    await expect(read(0, Buffer.alloc(EBS_BLOCK_BYTES))).rejects.toMatchObject({ name: 'SourceUnreadable' })
  })

  it.each([
    [
      'that somebody removed',
      ({ snapshotId }: EbsSnapshotLocation) => bed.lab.control.removeSnapshot(snapshotId),
      'SourceUnreadable',
      'lifecycle rule',
    ],
    [
      'in the archive tier',
      ({ snapshotId }: EbsSnapshotLocation) => bed.lab.control.archiveSnapshot(snapshotId),
      'SourceUnreadable',
      'archive tier',
    ],
    [
      'whose key is denied',
      () =>
        bed.lab.control.refuse(
          'ListSnapshotBlocks',
          { status: 403, code: 'AccessDeniedException', message: 'no', reason: 'DEPENDENCY_ACCESS_DENIED' },
          99,
        ),
      'SourceUnreadable',
      'kms:Decrypt',
    ],
    [
      'without the right',
      () =>
        bed.lab.control.refuse(
          'ListSnapshotBlocks',
          { status: 403, code: 'AccessDeniedException', message: 'no', reason: 'UNAUTHORIZED_ACCOUNT' },
          99,
        ),
      'PrivilegeMissing',
      'ebs:ListSnapshotBlocks',
    ],
  ])('%s is refused with its cause', async (_, break_, name, says) => {
    const location = await frozen()
    break_(location)
    await expect(opened(location)).rejects.toMatchObject({ name, message: expect.stringContaining(says) })
  })

  it('ends all reads of a range with the first that fails, and writes nothing afterwards', async () => {
    const location = await frozen()
    const read = await reading(location)
    const go = bed.lab.control.holdAnswer('GetSnapshotBlock')
    bed.lab.control.refuse(
      'GetSnapshotBlock',
      { status: 404, code: 'ResourceNotFoundException', message: 'gone', reason: 'SNAPSHOT_NOT_FOUND' },
      99,
    )
    const target = Buffer.alloc(2 * EBS_BLOCK_BYTES)
    await expect(read(0, target)).rejects.toMatchObject({ name: 'SourceUnreadable' })
    target.fill(0xaa)
    go()
    bed.lab.control.clearFaults()
    await read(0, Buffer.alloc(2 * EBS_BLOCK_BYTES))
    expect(target.every((byte) => byte === 0xaa)).toBe(true)
  })

  it('of a type that another site has is not read', async () => {
    await frozen()
    const route = openEbsRoute('aws', ebsAccessSchema.parse(bed.site))
    await expect(route.open({ node: 'pve1', path: '/x', storage: 's', volume: 'v' })).rejects.toMatchObject({
      name: 'SourceUnreadable',
    })
  })
})
