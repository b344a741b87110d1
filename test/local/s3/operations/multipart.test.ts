import { createHash, randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { crc32 } from 'node:zlib'
import {
  AbortMultipartUploadCommand,
  type CompletedPart,
  CompleteMultipartUploadCommand,
  type CompleteMultipartUploadCommandInput,
  CreateMultipartUploadCommand,
  type CreateMultipartUploadCommandInput,
  GetObjectAttributesCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListMultipartUploadsCommand,
  ListPartsCommand,
  PutObjectCommand,
  UploadPartCommand,
  type UploadPartCommandInput,
  UploadPartCopyCommand,
} from '@aws-sdk/client-s3'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startChecksum } from '../../../../local/s3/protocol/checksums.ts'
import { failure, type Fixture, MIB, startFixture } from '../fixture.ts'

let fixture: Fixture
let Bucket: string
let serial = 0
beforeAll(async () => {
  fixture = await startFixture()
  Bucket = await fixture.bucket()
})
afterAll(() => fixture.close())

const FIVE = [randomBytes(5 * MIB), randomBytes(5 * MIB), randomBytes(1234)] as const

async function begin(input: Partial<CreateMultipartUploadCommandInput> = {}) {
  serial += 1
  const Key = input.Key ?? `mpu-${serial}`
  const { UploadId = '' } = await fixture.s3.send(new CreateMultipartUploadCommand({ Bucket, Key, ...input }))
  return { Bucket, Key, UploadId }
}
type Target = Awaited<ReturnType<typeof begin>>

const part = (target: Target, PartNumber: number, Body: Buffer, more: Partial<UploadPartCommandInput> = {}) =>
  fixture.s3.send(new UploadPartCommand({ ...target, PartNumber, Body, ...more }))

/** Upload these under their numbers; returns the list that completes them. */
async function send(target: Target, bodies: readonly (readonly [number, Buffer])[]) {
  const parts: CompletedPart[] = []
  for (const [PartNumber, body] of bodies) {
    const { ETag, ChecksumCRC32, ChecksumSHA256 } = await part(target, PartNumber, body)
    parts.push({ PartNumber, ETag, ChecksumCRC32, ChecksumSHA256 })
  }
  return parts
}

function complete(
  target: Target,
  Parts: NonNullable<CompleteMultipartUploadCommandInput['MultipartUpload']>['Parts'],
  more: Partial<CompleteMultipartUploadCommandInput> = {},
) {
  return fixture.s3.send(new CompleteMultipartUploadCommand({ ...target, MultipartUpload: { Parts }, ...more }))
}

async function content(Key: string): Promise<Buffer> {
  const answer = await fixture.s3.send(new GetObjectCommand({ Bucket, Key }))
  return Buffer.from((await answer.Body?.transformToByteArray()) ?? [])
}

function md5(data: Buffer): Buffer {
  return createHash('md5').update(data).digest()
}

describe('a multipart upload', () => {
  it('becomes one object and one plain file, with an ETag made of the parts’ MD5s', async () => {
    const target = await begin({ Key: 'archives/hq/vm.vma.zst' })
    const parts = await send(target, [
      [1, FIVE[0]],
      [2, FIVE[1]],
      [3, FIVE[2]],
    ])
    const answer = await complete(target, parts)
    expect(answer.ETag).toBe(`"${md5(Buffer.concat(FIVE.map(md5))).toString('hex')}-3"`)
    const whole = Buffer.concat(FIVE)
    expect((await content(target.Key)).equals(whole)).toBe(true)
    expect(readFileSync(join(fixture.directory, Bucket, target.Key)).equals(whole)).toBe(true)
  })

  it('takes parts out of order, in parallel, and with gaps in their numbers', async () => {
    const target = await begin()
    const bodies = [
      [9000, FIVE[2]],
      [7, FIVE[1]],
      [3, FIVE[0]],
    ] as const
    const sent = await Promise.all(
      bodies.map(([PartNumber, body]) => part(target, PartNumber, body).then(({ ETag }) => ({ PartNumber, ETag }))),
    )
    await complete(
      target,
      sent.toSorted((a, b) => a.PartNumber - b.PartNumber),
    )
    expect((await content(target.Key)).equals(Buffer.concat(FIVE))).toBe(true)
  })

  it('puts parts of growing and shrinking sizes together', async () => {
    const target = await begin()
    const bodies = [5, 7, 6, 9, 5].map((size) => randomBytes(size * MIB + 3))
    const parts = await send(
      target,
      bodies.map((body, at) => [at + 1, body] as const),
    )
    await complete(target, parts)
    expect((await content(target.Key)).equals(Buffer.concat(bodies))).toBe(true)
  })

  it('lets the last upload of a part win', async () => {
    const target = await begin()
    await send(target, [
      [1, randomBytes(5 * MIB)],
      [2, randomBytes(99)],
    ])
    const parts = await send(target, [
      [1, FIVE[0]],
      [2, randomBytes(50)],
      [2, FIVE[2]],
    ])
    await complete(target, [parts[0] ?? {}, parts[2] ?? {}])
    expect((await content(target.Key)).equals(Buffer.concat([FIVE[0], FIVE[2]]))).toBe(true)
  })

  it('completes a subset of its parts', async () => {
    const target = await begin()
    const parts = await send(target, [
      [1, FIVE[0]],
      [2, FIVE[1]],
      [3, FIVE[2]],
    ])
    await complete(target, [parts[0] ?? {}, parts[2] ?? {}])
    expect((await content(target.Key)).equals(Buffer.concat([FIVE[0], FIVE[2]]))).toBe(true)
  })

  it('survives a retry of a part that is cut off, keeping the good copy', async () => {
    const target = await begin()
    const parts = await send(target, [
      [1, FIVE[0]],
      [2, FIVE[1]],
    ])
    const broken = Readable.from([Buffer.alloc(MIB)])
    await expect(
      fixture.s3.send(new UploadPartCommand({ ...target, PartNumber: 1, Body: broken, ContentLength: 5 * MIB })),
    ).rejects.toThrow(/./)
    await complete(target, parts)
    expect((await content(target.Key)).equals(Buffer.concat([FIVE[0], FIVE[1]]))).toBe(true)
  })

  it('carries metadata, tags, class, encryption and lock-free headers from its creation', async () => {
    const target = await begin({
      ContentType: 'application/zstd',
      Metadata: { guest: '100' },
      StorageClass: 'GLACIER_IR',
      Tagging: 'a=b',
      ServerSideEncryption: 'aws:kms',
    })
    await complete(target, await send(target, [[1, FIVE[2]]]))
    const head = await fixture.s3.send(new HeadObjectCommand({ Bucket, Key: target.Key }))
    expect(head).toMatchObject({
      ContentType: 'application/zstd',
      Metadata: { guest: '100' },
      StorageClass: 'GLACIER_IR',
      ServerSideEncryption: 'aws:kms',
      TagCount: 1,
    })
  })

  it('refuses wrong ETags, wrong order, small parts, missing parts, impossible numbers', async () => {
    const target = await begin()
    const [one = {}, two = {}]: CompletedPart[] = await send(target, [
      [1, Buffer.from('small')],
      [2, Buffer.from('last')],
    ])
    expect(await failure(complete(target, [one, { ...two, ETag: one.ETag }]))).toMatchObject({
      code: 'InvalidPart',
      status: 400,
    })
    expect((await failure(complete(target, [{ PartNumber: 3, ETag: one.ETag }]))).code).toBe('InvalidPart')
    expect((await failure(complete(target, [two, one]))).code).toBe('InvalidPartOrder')
    expect((await failure(complete(target, [one, one]))).code).toBe('InvalidPartOrder')
    expect((await failure(complete(target, [one, two]))).code).toBe('EntityTooSmall')
    expect((await failure(complete(target, []))).code).toBe('MalformedXML')
    for (const number of [0, 10_001])
      expect((await failure(part(target, number, FIVE[2]))).code).toBe('InvalidArgument')
    const stranger = { ...target, UploadId: 'nothing' }
    expect(await failure(part(stranger, 1, FIVE[2]))).toMatchObject({ code: 'NoSuchUpload', status: 404 })
  })

  it('checks the announced size of the whole', async () => {
    const target = await begin()
    const parts = await send(target, [
      [1, FIVE[0]],
      [2, FIVE[2]],
    ])
    const size = FIVE[0].length + FIVE[2].length
    expect(await failure(complete(target, parts, { MpuObjectSize: size + 1 }))).toMatchObject({
      code: 'InvalidRequest',
      status: 400,
    })
    await complete(target, parts, { MpuObjectSize: size })
  })

  it('answers a repeated completion as the first one, as long as its result is there', async () => {
    const target = await begin()
    const parts = await send(target, [[1, FIVE[2]]])
    const [first, second] = await Promise.all([complete(target, parts), complete(target, parts)])
    expect(second.ETag).toBe(first.ETag)
    expect((await complete(target, parts, { IfNoneMatch: '*' })).ETag).toBe(first.ETag)
    await fixture.s3.send(new PutObjectCommand({ Bucket, Key: target.Key, Body: 'newer' }))
    expect((await failure(complete(target, parts))).code).toBe('NoSuchUpload')
  })

  it('completes only if the key is free, or holds what is expected', async () => {
    const taken = await begin()
    const { ETag = '' } = await fixture.s3.send(new PutObjectCommand({ Bucket, Key: taken.Key, Body: 'here first' }))
    const parts = await send(taken, [[1, FIVE[2]]])
    expect(await failure(complete(taken, parts, { IfNoneMatch: '*' }))).toMatchObject({
      code: 'PreconditionFailed',
      status: 412,
    })
    expect((await content(taken.Key)).toString()).toBe('here first')
    await complete(taken, parts, { IfMatch: ETag })
    expect((await content(taken.Key)).equals(FIVE[2])).toBe(true)
  })

  it('can be aborted, after which nothing of it is left', async () => {
    const target = await begin()
    const parts = await send(target, [[1, FIVE[2]]])
    await fixture.s3.send(new AbortMultipartUploadCommand(target))
    expect((await failure(complete(target, parts))).code).toBe('NoSuchUpload')
    expect((await failure(part(target, 1, FIVE[2]))).code).toBe('NoSuchUpload')
    expect((await failure(fixture.s3.send(new ListPartsCommand(target)))).code).toBe('NoSuchUpload')
    expect((await failure(fixture.s3.send(new AbortMultipartUploadCommand(target)))).code).toBe('NoSuchUpload')
  })

  it('copies parts from objects, whole and by range', async () => {
    const body = randomBytes(11 * MIB)
    await fixture.s3.send(new PutObjectCommand({ Bucket, Key: 'source', Body: body }))
    const target = await begin({ ChecksumAlgorithm: 'CRC32', ChecksumType: 'FULL_OBJECT' })
    const copy = (PartNumber: number, CopySourceRange?: string) =>
      fixture.s3
        .send(new UploadPartCopyCommand({ ...target, PartNumber, CopySource: `${Bucket}/source`, CopySourceRange }))
        .then((answer) => ({ PartNumber, ETag: answer.CopyPartResult?.ETag }))
    const parts = [
      await copy(1, `bytes=0-${6 * MIB - 1}`),
      await copy(2, `bytes=${6 * MIB}-${11 * MIB - 1}`),
      await copy(3),
    ]
    expect((await failure(copy(4, 'bytes=0-99999999'))).code).toBe('InvalidArgument')
    const answer = await complete(target, parts)
    const whole = Buffer.concat([body, body])
    expect((await content(target.Key)).equals(whole)).toBe(true)
    expect(Buffer.from(answer.ChecksumCRC32 ?? '', 'base64').readUInt32BE()).toBe(crc32(whole))
  })
})

describe('listings of uploads and parts', () => {
  it('pages through parts', async () => {
    const target = await begin()
    await send(
      target,
      [1, 2, 3, 4, 7].map((number) => [number, Buffer.from(`part ${number}`)] as const),
    )
    const first = await fixture.s3.send(new ListPartsCommand({ ...target, MaxParts: 2 }))
    expect(first).toMatchObject({ IsTruncated: true, NextPartNumberMarker: '2', MaxParts: 2 })
    const rest = await fixture.s3.send(
      new ListPartsCommand({ ...target, PartNumberMarker: first.NextPartNumberMarker }),
    )
    expect(rest.Parts?.map((item) => item.PartNumber)).toEqual([3, 4, 7])
    expect(rest.IsTruncated).toBe(false)
    expect(rest.Parts?.[0]).toMatchObject({ Size: 6, ETag: `"${md5(Buffer.from('part 3')).toString('hex')}"` })
  })

  it('pages through uploads by key and id, with prefix and delimiter', async () => {
    const fresh = await fixture.bucket()
    const ids: string[] = []
    for (const Key of ['b', 'a', 'b', 'dir/x', 'dir/y']) {
      const { UploadId = '' } = await fixture.s3.send(new CreateMultipartUploadCommand({ Bucket: fresh, Key }))
      ids.push(UploadId)
    }
    const list = (more: object) => fixture.s3.send(new ListMultipartUploadsCommand({ Bucket: fresh, ...more }))
    const first = await list({ MaxUploads: 2 })
    expect(first.Uploads?.map((item) => item.Key)).toEqual(['a', 'b'])
    expect(first.IsTruncated).toBe(true)
    const next = await list({ KeyMarker: first.NextKeyMarker, UploadIdMarker: first.NextUploadIdMarker })
    expect(next.Uploads?.map((item) => item.Key)).toEqual(['b', 'dir/x', 'dir/y'])
    expect(new Set([...(first.Uploads ?? []), ...(next.Uploads ?? [])].map((item) => item.UploadId))).toEqual(
      new Set(ids),
    )
    const grouped = await list({ Delimiter: '/' })
    expect(grouped.CommonPrefixes?.map((item) => item.Prefix)).toEqual(['dir/'])
    expect((await list({ Prefix: 'dir/' })).Uploads).toHaveLength(2)
  })
})

describe('checksums of a multipart upload', () => {
  it.each(['CRC32', 'CRC32C', 'CRC64NVME'] as const)(
    'combines a full-object %s and checks it',
    async (ChecksumAlgorithm) => {
      const target = await begin({ ChecksumAlgorithm, ChecksumType: 'FULL_OBJECT' })
      const parts: CompletedPart[] = []
      for (const [at, body] of FIVE.entries()) {
        const { ETag } = await part(target, at + 1, body, { ChecksumAlgorithm })
        parts.push({ PartNumber: at + 1, ETag })
      }
      const sum = startChecksum(ChecksumAlgorithm)
      for (const body of FIVE) sum.update(body)
      const value = sum.digest().toString('base64')
      const field = `Checksum${ChecksumAlgorithm}` as const
      const wrong = Buffer.alloc(Buffer.from(value, 'base64').length).toString('base64')
      const bad = complete(target, parts, { [field]: wrong, ChecksumType: 'FULL_OBJECT' })
      expect(await failure(bad)).toMatchObject({ code: 'BadDigest', status: 400 })
      const answer = await complete(target, parts, { [field]: value, ChecksumType: 'FULL_OBJECT' })
      expect(answer).toMatchObject({ [field]: value, ChecksumType: 'FULL_OBJECT' })
      const head = await fixture.s3.send(new HeadObjectCommand({ Bucket, Key: target.Key, ChecksumMode: 'ENABLED' }))
      expect(head).toMatchObject({ [field]: value, ChecksumType: 'FULL_OBJECT' })
    },
  )

  it('makes a composite SHA256 of the parts’, which the request must list', async () => {
    const target = await begin({ ChecksumAlgorithm: 'SHA256' })
    const parts: CompletedPart[] = []
    for (const [at, body] of FIVE.entries()) {
      const { ETag, ChecksumSHA256 } = await part(target, at + 1, body, { ChecksumAlgorithm: 'SHA256' })
      parts.push({ PartNumber: at + 1, ETag, ChecksumSHA256 })
    }
    const bare = parts.map(({ PartNumber, ETag }) => ({ PartNumber, ETag }))
    expect(await failure(complete(target, bare))).toMatchObject({ code: 'InvalidRequest' })
    const lying = parts.map((item) => ({ ...item, ChecksumSHA256: parts[0]?.ChecksumSHA256 }))
    expect((await failure(complete(target, lying))).code).toBe('InvalidPart')
    const digests = FIVE.map((body) => createHash('sha256').update(body).digest())
    const expected = `${createHash('sha256').update(Buffer.concat(digests)).digest('base64')}-3`
    expect(await complete(target, parts)).toMatchObject({ ChecksumSHA256: expected, ChecksumType: 'COMPOSITE' })
    const attributes = await fixture.s3.send(
      new GetObjectAttributesCommand({
        Bucket,
        Key: target.Key,
        ObjectAttributes: ['ObjectParts', 'Checksum'],
        MaxParts: 2,
      }),
    )
    expect(attributes.ObjectParts).toMatchObject({ TotalPartsCount: 3, IsTruncated: true, NextPartNumberMarker: '2' })
    expect(attributes.ObjectParts?.Parts?.[1]).toMatchObject({
      PartNumber: 2,
      Size: 5 * MIB,
      ChecksumSHA256: digests[1]?.toString('base64'),
    })
  })

  it('refuses a part with another algorithm or a wrong sum, and lists what it verified', async () => {
    const target = await begin({ ChecksumAlgorithm: 'CRC32', ChecksumType: 'FULL_OBJECT' })
    const other = await failure(part(target, 1, FIVE[2], { ChecksumAlgorithm: 'SHA256' }))
    expect(other).toMatchObject({ code: 'InvalidRequest', status: 400 })
    expect(other.message).toMatch(
      /^Checksum Type mismatch occurred, expected checksum Type: crc32, actual checksum Type: sha256/,
    )
    expect((await failure(part(target, 1, FIVE[2], { ChecksumCRC32: 'AAAAAA==' }))).code).toBe('BadDigest')
    expect((await fixture.s3.send(new ListPartsCommand(target))).Parts ?? []).toHaveLength(0)
    const { ChecksumCRC32 } = await part(target, 1, FIVE[2])
    const listed = await fixture.s3.send(new ListPartsCommand(target))
    expect(listed).toMatchObject({
      ChecksumAlgorithm: 'CRC32',
      ChecksumType: 'FULL_OBJECT',
      Parts: [{ ChecksumCRC32 }],
    })
  })

  it('fails a completion with gaps in the part numbers, as S3 does where there are checksums', async () => {
    const target = await begin({ ChecksumAlgorithm: 'CRC32', ChecksumType: 'FULL_OBJECT' })
    const parts = await send(target, [
      [1, FIVE[0]],
      [3, FIVE[2]],
    ])
    expect(await failure(complete(target, parts))).toMatchObject({ code: 'InternalError', status: 500 })
  })

  it('refuses pairs of algorithm and type that S3 doesn’t have', async () => {
    const pair = (ChecksumAlgorithm: 'SHA256' | 'CRC64NVME', ChecksumType: 'FULL_OBJECT' | 'COMPOSITE') =>
      failure(begin({ ChecksumAlgorithm, ChecksumType }))
    expect((await pair('SHA256', 'FULL_OBJECT')).code).toBe('InvalidRequest')
    expect((await pair('CRC64NVME', 'COMPOSITE')).code).toBe('InvalidRequest')
    const target = await begin({ ChecksumAlgorithm: 'CRC32', ChecksumType: 'FULL_OBJECT' })
    const parts = await send(target, [[1, FIVE[2]]])
    expect((await failure(complete(target, parts, { ChecksumType: 'COMPOSITE' }))).code).toBe('InvalidRequest')
  })

  it('reads an object by part', async () => {
    const target = await begin()
    await complete(
      target,
      await send(target, [
        [1, FIVE[0]],
        [2, FIVE[2]],
      ]),
    )
    const answer = await fixture.s3.send(new GetObjectCommand({ Bucket, Key: target.Key, PartNumber: 2 }))
    expect(answer).toMatchObject({
      PartsCount: 2,
      ContentRange: `bytes ${5 * MIB}-${5 * MIB + 1233}/${5 * MIB + 1234}`,
    })
    expect(Buffer.from((await answer.Body?.transformToByteArray()) ?? []).equals(FIVE[2])).toBe(true)
    const beyond = fixture.s3.send(new GetObjectCommand({ Bucket, Key: target.Key, PartNumber: 3 }))
    expect((await failure(beyond)).status).toBe(416)
  })
})
