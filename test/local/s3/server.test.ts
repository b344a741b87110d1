import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { appendFileSync, existsSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import http from 'node:http'
import { join } from 'node:path'
import {
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  ListPartsCommand,
  PutBucketVersioningCommand,
  PutObjectCommand,
  S3Client,
  UploadPartCommand,
} from '@aws-sdk/client-s3'
import { afterEach, describe, expect, it } from 'vitest'
import type { FaultSubject } from '../../../local/s3/faults.ts'
import type { S3Options } from '../../../local/s3/server.ts'
import { failure, type Fixture, KEYS, MIB, startFixture } from './fixture.ts'
import { presign } from './signer.ts'

let fixture: Fixture
afterEach(() => fixture.close())

async function start(options: Partial<S3Options> = {}): Promise<string> {
  fixture = await startFixture(options)
  return fixture.bucket()
}

const put = (Bucket: string, Key: string, Body: string | Buffer, more: object = {}) =>
  fixture.s3.send(new PutObjectCommand({ Bucket, Key, Body, ...more }))

async function text(Bucket: string, Key: string, VersionId?: string): Promise<string> {
  const answer = await fixture.s3.send(new GetObjectCommand({ Bucket, Key, VersionId }))
  return (await answer.Body?.transformToString()) ?? ''
}

function files(directory: string): string[] {
  return readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
}

describe('keys and files', () => {
  it('stores every key, however awkward, and never outside its directory', async () => {
    const Bucket = await start()
    const keys = [
      '../escape',
      '../../../../tmp/guestlift-escape',
      'a/../../../escape',
      './dot',
      '/leading',
      '//two',
      'trailing/',
      'a//b',
      'a',
      'a/b',
      'a/b/c',
      '..',
      '.',
      'long'.repeat(200),
      'x'.repeat(255),
      'back\\slash',
      'new\nline',
      'tab\tand\u0001control',
      'ü/ß/日本/😀',
      '%2e%2e/%2F',
      '.s3/bucket.json',
      'con:colon?*"<>|',
      ' space ',
      '__proto__',
      'constructor',
    ]
    const before = new Set(readdirSync(join(fixture.directory, '..')))
    for (const key of keys) await put(Bucket, key, `content of ${key}`)
    await fixture.restart()
    for (const key of keys) expect(await text(Bucket, key)).toBe(`content of ${key}`)
    const listed = await fixture.s3.send(new ListObjectsV2Command({ Bucket, EncodingType: 'url' }))
    const names = listed.Contents?.map((item) => decodeURIComponent(item.Key ?? '')) ?? []
    expect(new Set(names)).toEqual(new Set(keys))
    const added = readdirSync(join(fixture.directory, '..')).filter((name) => !before.has(name))
    expect(added.filter((name) => name.includes('escape'))).toEqual([])
    expect(existsSync('/tmp/guestlift-escape')).toBe(false)
    for (const key of keys) await fixture.s3.send(new DeleteObjectCommand({ Bucket, Key: key }))
    const left = files(fixture.directory).filter((path) => !/(bucket\.json|lock)$/.test(path))
    expect(left).toEqual([])
  })

  it('keeps an object as a plain file under its own name', async () => {
    const Bucket = await start()
    await put(Bucket, 'archives/hq/qemu-100/manifest.json', '{}')
    expect(readFileSync(join(fixture.directory, Bucket, 'archives/hq/qemu-100/manifest.json'), 'utf8')).toBe('{}')
  })

  it('leaves files that aren’t its own alone', async () => {
    const Bucket = await start()
    const mine = join(fixture.directory, Bucket, 'notes.txt')
    writeFileSync(mine, 'a person wrote this')
    await put(Bucket, 'notes.txt', 'an object')
    expect(await text(Bucket, 'notes.txt')).toBe('an object')
    await fixture.s3.send(new DeleteObjectCommand({ Bucket, Key: 'notes.txt' }))
    expect(readFileSync(mine, 'utf8')).toBe('a person wrote this')
  })

  it('says so when a file was changed from outside, and doesn’t serve it', async () => {
    const Bucket = await start()
    await put(Bucket, 'k', 'right')
    appendFileSync(join(fixture.directory, Bucket, 'k'), 'tampered')
    const outcome = await failure(text(Bucket, 'k'))
    expect(outcome).toMatchObject({ code: 'InternalError', status: 500 })
    expect(outcome.message).toContain('changed from outside')
  })
})

describe('a restart', () => {
  it('keeps objects with everything about them, and versions', async () => {
    const Bucket = await start()
    await fixture.s3.send(new PutBucketVersioningCommand({ Bucket, VersioningConfiguration: { Status: 'Enabled' } }))
    const one = await put(Bucket, 'k', 'one', { Metadata: { a: 'b' }, StorageClass: 'GLACIER_IR' })
    await put(Bucket, 'k', 'two')
    await fixture.restart()
    expect([await text(Bucket, 'k'), await text(Bucket, 'k', one.VersionId)]).toEqual(['two', 'one'])
    const head = await fixture.s3.send(
      new HeadObjectCommand({ Bucket, Key: 'k', VersionId: one.VersionId, ChecksumMode: 'ENABLED' }),
    )
    expect(head).toMatchObject({ Metadata: { a: 'b' }, StorageClass: 'GLACIER_IR', ChecksumCRC32: one.ChecksumCRC32 })
  })

  it('keeps an open upload with its parts, which then completes, and its repeat is recognised', async () => {
    const Bucket = await start()
    const target = { Bucket, Key: 'vm.vma' }
    const { UploadId } = await fixture.s3.send(
      new CreateMultipartUploadCommand({ ...target, ChecksumAlgorithm: 'CRC32', ChecksumType: 'FULL_OBJECT' }),
    )
    const bodies = [randomBytes(5 * MIB), randomBytes(5 * MIB), randomBytes(77)]
    const part = (PartNumber: number) =>
      fixture.s3.send(
        new UploadPartCommand({ ...target, UploadId, PartNumber, Body: bodies[PartNumber - 1] ?? Buffer.alloc(0) }),
      )
    await part(2)
    await fixture.restart()
    await part(1)
    await fixture.restart()
    await part(3)
    const { Parts = [] } = await fixture.s3.send(new ListPartsCommand({ ...target, UploadId }))
    expect(Parts.map((item) => item.PartNumber)).toEqual([1, 2, 3])
    const MultipartUpload = { Parts: Parts.map(({ PartNumber, ETag }) => ({ PartNumber, ETag })) }
    const complete = () => fixture.s3.send(new CompleteMultipartUploadCommand({ ...target, UploadId, MultipartUpload }))
    const first = await complete()
    await fixture.restart()
    expect((await complete()).ETag).toBe(first.ETag)
    expect(readFileSync(join(fixture.directory, Bucket, 'vm.vma')).equals(Buffer.concat(bodies))).toBe(true)
  })
})

describe('a connection cut in the middle', () => {
  it('leaves no part, no object and no file behind, and the server goes on', async () => {
    const Bucket = await start()
    const target = { Bucket, Key: 'cut' }
    const { UploadId } = await fixture.s3.send(new CreateMultipartUploadCommand(target))
    for (const path of [`cut?partNumber=1&uploadId=${UploadId}`, 'whole']) {
      const url = presign('PUT', `${fixture.server.url}/${Bucket}/${path}`)
      await new Promise<void>((resolve) => {
        const request = http.request(url, { method: 'PUT', headers: { 'content-length': 5 * MIB } })
        request.on('error', () => resolve())
        request.write(Buffer.alloc(MIB), () => setTimeout(() => request.destroy(), 50))
      })
    }
    const { Parts } = await fixture.s3.send(new ListPartsCommand({ ...target, UploadId }))
    expect(Parts ?? []).toEqual([])
    expect((await failure(text(Bucket, 'whole'))).code).toBe('NoSuchKey')
    // The server notices a cut after the client made it; closing waits until each request has put away what it began.
    await fixture.server.close()
    expect(files(join(fixture.directory, '.s3', Bucket, 'bodies'))).toEqual([])
  })
})

describe('kill -9', () => {
  it('loses nothing that was acknowledged and shows nothing that wasn’t', async () => {
    await start()
    await fixture.server.close()
    const child = spawn(
      process.execPath,
      [
        new URL('../../../local/s3/main.ts', import.meta.url).pathname,
        '--dir',
        fixture.directory,
        '--access-key',
        KEYS.accessKeyId,
        '--secret-key',
        KEYS.secretAccessKey,
        '--bucket',
        'killed',
      ],
      { stdio: ['ignore', 'pipe', 'inherit'] },
    )
    const line = await new Promise<string>((resolve) => {
      child.stdout.once('data', (data: Buffer) => resolve(data.toString()))
    })
    const { url } = JSON.parse(line) as { url: string }
    const s3 = new S3Client({
      endpoint: url,
      region: 'us-east-1',
      credentials: KEYS,
      forcePathStyle: true,
      maxAttempts: 1,
    })
    const acknowledged = new Map<string, string>()
    const attempted = new Map<string, Set<string>>()
    const stopped = new AbortController()
    // Overwrites, so that both the old and the new state of a key are at risk.
    const writers = Array.from({ length: 4 }, async (_, writer) => {
      for (let round = 0; !stopped.signal.aborted; round += 1) {
        const Key = `dir-${writer}/key-${round % 5}`
        const Body = `${writer}:${round}:${'x'.repeat((round % 7) * 10_000)}`
        attempted.set(Key, (attempted.get(Key) ?? new Set()).add(Body))
        try {
          await s3.send(new PutObjectCommand({ Bucket: 'killed', Key, Body }))
          acknowledged.set(Key, Body)
          attempted.set(Key, new Set([Body]))
        } catch {
          return
        }
      }
    })
    await new Promise((resolve) => {
      setTimeout(resolve, 700)
    })
    child.kill('SIGKILL')
    stopped.abort()
    await Promise.all(writers)
    s3.destroy()
    await fixture.restart()
    expect(acknowledged.size).toBeGreaterThan(0)
    for (const [key] of acknowledged) expect(attempted.get(key)).toContain(await text('killed', key))
    const listed = await fixture.s3.send(new ListObjectsV2Command({ Bucket: 'killed' }))
    for (const { Key = '' } of listed.Contents ?? []) expect(attempted.get(Key)).toContain(await text('killed', Key))
    expect(files(join(fixture.directory, '.s3', 'killed', 'bodies'))).toEqual([])
  })

  it('between commit and move is finished at the next start', async () => {
    const Bucket = await start()
    await put(Bucket, 'dir/k', 'content')
    const [record = ''] = files(join(fixture.directory, '.s3', Bucket, 'keys'))
    const { versions } = JSON.parse(readFileSync(record, 'utf8')) as { versions: { bodyId: string }[] }
    const waiting = join(fixture.directory, '.s3', Bucket, 'bodies', versions[0]?.bodyId ?? '')
    renameSync(join(fixture.directory, Bucket, 'dir/k'), waiting)
    writeFileSync(join(fixture.directory, '.s3', Bucket, 'bodies', 'stray'), 'half a body')
    await fixture.restart()
    expect(await text(Bucket, 'dir/k')).toBe('content')
    expect(existsSync(join(fixture.directory, Bucket, 'dir/k'))).toBe(true)
    expect(files(join(fixture.directory, '.s3', Bucket, 'bodies'))).toEqual([])
  })
})

describe('faults on demand', () => {
  it('answers errors for the chosen request only, and counts', async () => {
    const seen: FaultSubject[] = []
    const Bucket = await start({
      faults: (subject) => {
        seen.push(subject)
        return subject.operation === 'PutObject' && subject.count === 1 ? { code: 'SlowDown' } : undefined
      },
    })
    expect(await failure(put(Bucket, 'k', 'x'))).toMatchObject({ code: 'SlowDown', status: 503 })
    await put(Bucket, 'k', 'x')
    expect(
      seen.filter((item) => item.operation === 'PutObject').map((item) => [item.bucket, item.key, item.count]),
    ).toEqual([
      [Bucket, 'k', 1],
      [Bucket, 'k', 2],
    ])
  })

  it('cuts an upload in the middle, without storing it', async () => {
    const Bucket = await start({
      faults: ({ operation, count }) => (operation === 'PutObject' && count === 1 ? 'cut' : undefined),
    })
    await expect(put(Bucket, 'k', randomBytes(3 * MIB))).rejects.toThrow(/./)
    expect((await failure(text(Bucket, 'k'))).code).toBe('NoSuchKey')
  })

  it('cuts a download in the middle', async () => {
    const Bucket = await start({ faults: ({ operation }) => (operation === 'GetObject' ? 'cut' : undefined) })
    await put(Bucket, 'k', randomBytes(3 * MIB))
    await expect(text(Bucket, 'k')).rejects.toThrow(/./)
  })

  it('does the work and loses the answer', async () => {
    const Bucket = await start({
      faults: ({ operation, count }) => (operation === 'PutObject' && count === 1 ? 'lose-answer' : undefined),
    })
    await expect(put(Bucket, 'k', 'x')).rejects.toThrow(/./)
    expect(await text(Bucket, 'k')).toBe('x')
  })

  it('gets another byte than was sent, and refuses what does not fit its sum', async () => {
    const Bucket = await start({
      faults: ({ operation, count }) => (operation === 'PutObject' && count === 1 ? 'corrupt' : undefined),
    })
    expect((await failure(put(Bucket, 'k', 'x'))).code).toBe('XAmzContentSHA256Mismatch')
    await put(Bucket, 'k', 'x')
    expect(await text(Bucket, 'k')).toBe('x')
  })

  it('tells what was done before the answer goes out, and not what was refused', async () => {
    const done: unknown[] = []
    const Bucket = await start({
      faults: ({ operation, count }) => (operation === 'PutObject' && count === 1 ? { code: 'SlowDown' } : undefined),
      onDone: ({ operation, key, sizeBytes }) => void done.push([operation, key, sizeBytes]),
    })
    await expect(put(Bucket, 'k', 'xyz')).rejects.toThrow(/./)
    await put(Bucket, 'k', 'xyz')
    expect(done).toContainEqual(['PutObject', 'k', 3])
    expect(done.filter((each) => Array.isArray(each) && each[0] === 'PutObject')).toHaveLength(1)
  })

  it('stays silent until the client gives up', async () => {
    const Bucket = await start({ faults: ({ operation }) => (operation === 'PutObject' ? 'silent' : undefined) })
    const abortSignal = AbortSignal.timeout(300)
    const call = fixture.s3.send(new PutObjectCommand({ Bucket, Key: 'k', Body: 'x' }), { abortSignal })
    await expect(call).rejects.toThrow(/abort/i)
  })
})
