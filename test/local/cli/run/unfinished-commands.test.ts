/** `guestlift unfinished` as a person types it, against the embedded S3. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { crc32, zstdCompressSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { S3ArchiveStore } from '../../../../functions/aws/s3-archive-store.ts'
import { createS3Client } from '../../../../functions/aws/s3-client.ts'
import { writeUploadRecord } from '../../../../functions/operations/books/upload-record.ts'
import { type S3Server, startS3 } from '../../../../local/s3/server.ts'
import { artifact, goodEvidence, stored } from '../../../fakes/evidence.ts'
import { item } from '../../../fakes/ports.ts'
import { vma } from '../../../functions/archive-formats/proxmox/made-archives.ts'
import { guestlift as run, type Ended } from '../command-line.ts'

const credentials = { accessKeyId: 'key', secretAccessKey: 'secret' }
const env = { ...process.env, AWS_ACCESS_KEY_ID: 'key', AWS_SECRET_ACCESS_KEY: 'secret', AWS_REGION: 'us-east-1' }
const folder = stored.key.slice(0, stored.key.lastIndexOf('/') + 1)
const lost = 'archives/hq/vm-101/2026-11-22T02-00-07Z/'

let directory: string
let server: S3Server
let store: S3ArchiveStore

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'guestlift-unfinished-'))
  server = await startS3({ directory, ...credentials, buckets: ['archives'] })
  const client = createS3Client({ endpoint: server.url, region: 'us-east-1', credentials })
  store = new S3ArchiveStore(client, 'archives', { sleep: async () => undefined, random: () => 0 })
  const body = zstdCompressSync(await vma())
  await put(stored.key, body)
  await put(`${lost}${artifact.fileName}`, body)
  const listed = { ...artifact, sizeBytes: body.length }
  const evidence = { ...goodEvidence, listed, listedAgainSizeBytes: body.length }
  await store.writeText(`${item.run.prefix}evidence/100.json`, JSON.stringify({ evidence, log: 'TASK OK' }))
  const source = { sizeBytes: body.length, modifiedAt: stored.source.modifiedAt, artifactRef: artifact.artifactRef }
  const { partSizeBytes, partCount, key } = stored
  const opened = {
    version: 1 as const,
    key,
    uploadId: 'u',
    partSizeBytes,
    partCount,
    source,
    openedAt: item.run.startedAt,
  }
  await writeUploadRecord({ store, keyPrefix: '' }, { ...opened, crc32: crc32(body), item }, undefined)
})
afterAll(async () => {
  await server.close()
  await rm(directory, { recursive: true, force: true })
})

async function put(key: string, body: Buffer): Promise<void> {
  const uploadId = await store.createUpload(key)
  const part = await store.putPart(key, uploadId, 1, body, crc32(body))
  await store.completeUpload(key, uploadId, [part], crc32(body))
}

function guestlift(...words: string[]): Promise<Ended> {
  const where = ['--bucket', 'archives', '--s3', server.url]
  return run(['unfinished', ...words, ...where], { env })
}

describe('guestlift unfinished', () => {
  it('lists, adopts what is proved, leaves what is not, and removes what is named', { timeout: 400_000 }, async () => {
    const listed = await guestlift('list')
    expect(listed).toMatchObject({ code: 0 })
    expect(listed.out).toMatch(new RegExp(`adoptable: ${folder}`))
    expect(listed.out).toMatch(new RegExp(`unproven: ${lost}`))
    expect(listed.out).toMatch(/2 folders without a manifest, [^$]*B\.\n$/)

    const dry = await guestlift('adopt', folder)
    expect(dry.out).toMatch(/would adopt: .*Nothing was changed\. Repeat it with --confirm\./s)
    expect(await store.head(`${folder}manifest.json`)).toBeUndefined()

    const adopted = await guestlift('adopt', '--confirm')
    expect(adopted.code).toBe(2)
    expect(adopted.out).toMatch(new RegExp(`adopted: ${folder}`))
    expect(adopted.out).toMatch(new RegExp(`left: ${lost}.*nothing proves what it is`, 's'))
    expect(await store.head(`${folder}manifest.json`)).toBeDefined()

    expect(await guestlift('remove', folder, '--confirm')).toMatchObject({ code: 1 })
    expect(await guestlift('remove', lost, '--confirm', '--json')).toMatchObject({ code: 0 })
    expect(await store.listKeys(lost)).toEqual([])
    expect((await guestlift('list')).out).toBe('Every folder among the archives has a manifest.\n')
  })
})
