/** Ceph's gateway as Debian has it (16.2): a store that somebody else wrote, with no CRC-32 and half of the conditions. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { crc32 } from 'node:zlib'
import {
  AbortMultipartUploadCommand,
  CreateBucketCommand,
  CreateMultipartUploadCommand,
  type S3Client,
  UploadPartCommand,
} from '@aws-sdk/client-s3'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { OneMachineStore } from '../../functions/aws/one-machine-store.ts'
import { createS3Client } from '../../functions/aws/s3-client.ts'
import { manifestSchema } from '../../functions/contracts/manifest.ts'
import { crc32ToBase64 } from '../../functions/domain/transfer/crc32.ts'
import { bareEtag } from '../../functions/domain/transfer/etag.ts'
import { testStore } from '../../functions/operations/run/test-store.ts'
import { md5Of, multipartEtag } from '../../functions/operations/transfer/md5.ts'
import { identifyProcess, isGone } from '../../functions/runtime/process-identity.ts'
import { openSite } from '../e2e/harness.ts'
import { fakePorts } from '../fakes/ports.ts'
import { type CephCluster, missingPrograms, startCeph } from './ceph-cluster.ts'

if (missingPrograms.length > 0) console.warn(`skipped: no ${missingPrograms.join(', no ')}`)

describe.skipIf(missingPrograms.length > 0)("Debian's Ceph", () => {
  let ceph: CephCluster
  let client: S3Client
  let store: OneMachineStore
  let locks: string
  beforeAll(async () => {
    ceph = await startCeph()
    client = createS3Client({ endpoint: ceph.url, region: 'us-east-1', credentials: ceph, maxAttempts: 3 })
    await client.send(new CreateBucketCommand({ Bucket: 'archives' }))
    // At their first use, the gateway makes the pools that it keeps objects in: two seconds each.
    const warm = await client.send(new CreateMultipartUploadCommand({ Bucket: 'archives', Key: 'warm' }))
    const upload = { Bucket: 'archives', Key: 'warm', UploadId: warm.UploadId }
    await client.send(new UploadPartCommand({ ...upload, PartNumber: 1, Body: 'warm' }))
    await client.send(new AbortMultipartUploadCommand(upload))
    locks = mkdtempSync(join(tmpdir(), 'guestlift-ceph-locks-'))
    const deps = { sleep: (milliseconds: number) => delay(milliseconds), random: Math.random, now: () => new Date() }
    store = new OneMachineStore(client, 'archives', { ...deps, self: () => identifyProcess(), isGone }, locks)
  })
  afterAll(async () => {
    client?.destroy()
    await ceph?.close()
    if (locks !== undefined) rmSync(locks, { recursive: true })
  })

  it('is proved by part checksums, and used by one machine alone', async () => {
    expect(ceph.version).toMatch(/^ceph version 1\d\./)
    const facts = await testStore({ ...fakePorts(), store })
    expect(facts).toEqual({ proof: 'part-checksums', conditions: false, locks })
    expect(await store.listKeys('')).toEqual([])
    expect(await store.listUploadsBelow('')).toEqual([])
  })

  it('gives the hash of hashes to an object of parts, refuses a damaged part, and overwrites nothing', async () => {
    const parts = [Buffer.alloc(5 * 2 ** 20, 'a'), Buffer.from('the rest')]
    const uploadId = await store.bare.create('object')
    for (const [index, body] of parts.entries()) {
      await store.bare.putPart('object', uploadId, index + 1, [body], { md5: md5Of([body]), etagIsMd5: true })
    }
    const damaged = store.bare.putPart('object', uploadId, 3, [Buffer.from('x')], { md5: md5Of([]), etagIsMd5: true })
    await expect(damaged).rejects.toMatchObject({ name: 'ChecksumMismatch' })
    const listed = await store.bare.listParts('object', uploadId)
    expect(listed.map(({ etag }) => etag)).toEqual(parts.map((body) => md5Of([body])))
    const etag = multipartEtag(listed.map((part) => part.etag))
    const object = await store.bare.complete('object', uploadId, listed, etag)
    expect(bareEtag(object.etag)).toBe(etag)
    const rival = await store.bare.create('object')
    const part = await store.bare.putPart('object', rival, 1, [Buffer.from('no')], {
      md5: md5Of([Buffer.from('no')]),
      etagIsMd5: true,
    })
    await expect(store.bare.complete('object', rival, [part], 'other')).rejects.toMatchObject({
      name: 'ArchiveConflict',
    })
    await store.bare.create('object')
    expect((await store.head('object'))?.etag).toBe(object.etag)
  })

  it('keeps archives of a whole run, which its manifest and a reading of every byte prove', async () => {
    const site = await openSite({ s3: ceph })
    try {
      const { result, report, guests } = await site.run({
        site: 'hq',
        guests: { vmids: [100] },
        backup: { storage: 'local' },
      })
      expect(result.status).toBe('SUCCEEDED')
      expect(report?.notes).toEqual([
        expect.stringMatching(/computes no CRC-32 over whole objects/),
        expect.stringMatching(/use it from this machine and user alone/),
      ])
      const manifest = manifestSchema.parse(JSON.parse(await site.text(guests['100']?.manifestKey ?? '')))
      const [artifact] = manifest.artifacts
      expect(artifact?.proof?.level).toBe('part-checksums')
      const found = site.lab.control.archives().find(({ file }) => artifact?.key.endsWith(`/${file}`))
      expect(artifact?.checksum).toBe(`CRC32:${crc32ToBase64(crc32(readFileSync(found?.path ?? '')))}`)
      const verified = await site.upkeep('verifyArchives', {})
      expect(verified.result.status).toBe('SUCCEEDED')
    } finally {
      await site.close()
    }
  })
})
