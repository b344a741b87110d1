import { mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { CreateBucketCommand, ListObjectVersionsCommand } from '@aws-sdk/client-s3'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { StoredObject, StoredPart } from '../../../../functions/aws/archive-store.ts'
import { S3ArchiveStore } from '../../../../functions/aws/s3-archive-store.ts'
import { createS3Client } from '../../../../functions/aws/s3-client.ts'
import { StoreUnavailable } from '../../../../functions/contracts/errors.ts'
import { testStore } from '../../../../functions/operations/run/test-store.ts'
import type { Fault, FaultPlan } from '../../../../local/s3/faults.ts'
import { type S3Server, startS3 } from '../../../../local/s3/server.ts'
import { fakePorts } from '../../../fakes/ports.ts'
import { MemoryStore } from '../../../fakes/memory-store.ts'

const credentials = { accessKeyId: 'test', secretAccessKey: 'test-secret' }

function storeAt(endpoint: string) {
  const client = createS3Client({ endpoint, region: 'us-east-1', credentials, maxAttempts: 2 })
  return new S3ArchiveStore(client, 'archives', { random: () => 0, sleep: async () => undefined })
}

describe('testing a store over its own protocol', () => {
  let directory: string
  let server: S3Server
  let plan: FaultPlan | undefined
  let asked: string[]
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'guestlift-test-store-'))
    asked = []
    plan = undefined
    const faults: FaultPlan = (subject) => {
      asked.push(subject.operation)
      return plan?.(subject)
    }
    const options = { directory, accessKeyId: credentials.accessKeyId, secretAccessKey: credentials.secretAccessKey }
    server = await startS3({ ...options, buckets: ['archives'], faults })
  })
  afterEach(async () => {
    await server.close()
    await rm(directory, { recursive: true })
  })
  const portsTo = (endpoint = server.url) => ({ ...fakePorts(), keyPrefix: 'p/', store: storeAt(endpoint) })
  const failing =
    (operation: string, fault: Fault): FaultPlan =>
    (subject) =>
      subject.operation === operation ? fault : undefined

  async function expectNothingLeft(): Promise<void> {
    plan = undefined
    const store = storeAt(server.url)
    expect(await store.listKeys('')).toEqual([])
    expect(await store.listUploadsBelow('')).toEqual([])
  }

  it('uses all that a run needs of a store, and leaves nothing behind', async () => {
    await testStore(portsTo())
    expect(new Set(asked)).toEqual(
      new Set([
        'CreateMultipartUpload',
        'UploadPart',
        'ListMultipartUploads',
        'ListParts',
        'CompleteMultipartUpload',
        'HeadObject',
        'PutObject',
        'ListObjectsV2',
        'GetObject',
        'DeleteObject',
        'AbortMultipartUpload',
      ]),
    )
    expect(asked.length).toBeLessThanOrEqual(22)
    await expectNothingLeft()
  })

  it.each([
    ['ListMultipartUploads', /can't list uploads of .* lacks this operation/],
    ['ListParts', /can't list parts of .* lacks this operation/],
    ['AbortMultipartUpload', /can't abort .* lacks this operation/],
    ['DeleteObject', /can't remove .* lacks this operation/],
    ['PutObject', /can't write .* lacks this operation/],
  ])('names a store without %s, before anything is dumped', async (operation, words) => {
    plan = failing(operation, { code: 'NotImplemented' })
    const failure = await testStore(portsTo()).catch((error: unknown) => error)
    expect(failure).toMatchObject({ name: 'StoreDenied', group: 'fail-run', message: expect.stringMatching(words) })
  })

  it('removes what it made when it fails halfway', async () => {
    plan = failing('ListObjectsV2', { code: 'AccessDenied' })
    await expect(testStore(portsTo())).rejects.toMatchObject({ name: 'StoreDenied' })
    await expectNothingLeft()
  })

  it('leaves a bucket that keeps versions with two small ones and a marker', async () => {
    const client = createS3Client({ endpoint: server.url, region: 'us-east-1', credentials })
    await client.send(new CreateBucketCommand({ Bucket: 'locked', ObjectLockEnabledForBucket: true }))
    await testStore({
      ...portsTo(),
      store: new S3ArchiveStore(client, 'locked', { random: () => 0, sleep: async () => undefined }),
    })
    const left = await client.send(new ListObjectVersionsCommand({ Bucket: 'locked' }))
    expect(left.Versions?.map(({ Size = 0 }) => Size < 60)).toEqual([true, true])
    expect(left.DeleteMarkers).toHaveLength(1)
    client.destroy()
  })

  it('leaves it to the workflow to come back when the store itself asks for it', async () => {
    plan = failing('UploadPart', { code: 'SlowDown' })
    await expect(testStore(portsTo())).rejects.toMatchObject({ name: 'StoreUnavailable', group: 'retry' })
  })

  it('goes on trying while nobody answers, for eight seconds of its clock, and then names who did not', async () => {
    const closed = createServer()
    await new Promise<void>((resolve) => closed.listen(0, '127.0.0.1', resolve))
    const address = closed.address()
    const port = typeof address === 'object' && address !== null ? address.port : 0
    await new Promise((resolve) => closed.close(resolve))
    const ports = portsTo(`http://127.0.0.1:${port}`)
    const begunAt = ports.now().getTime()
    await expect(testStore(ports)).rejects.toMatchObject({
      name: 'StoreUnreachable',
      group: 'fail-run',
      message: expect.stringMatching(/s3:\/\/archives .*ECONNREFUSED.*Check the endpoint/),
    })
    expect(ports.now().getTime() - begunAt).toBeLessThanOrEqual(8_000)
    expect(ports.now().getTime()).toBeGreaterThan(begunAt)
  })

  it('gives up on a store that takes a request and never answers', async () => {
    let heard = () => {}
    const silent = new Promise<void>((resolve) => (heard = resolve))
    plan = ({ operation }) => {
      if (operation !== 'ListParts') return undefined
      heard()
      return 'silent'
    }
    const ports = portsTo()
    const tested = testStore(ports)
    await silent
    ports.timers.find(({ milliseconds }) => milliseconds === 8_000)?.fire()
    await expect(tested).rejects.toMatchObject({
      name: 'StoreUnreachable',
      message: expect.stringMatching(/still waiting/),
    })
    await expectNothingLeft()
  })
})

describe('testing a store that does other than it says', () => {
  const refusalOf = async (store: MemoryStore): Promise<string> => {
    const failure: unknown = await testStore({ ...fakePorts(), store }).catch((error: unknown) => error)
    return String(failure)
  }

  it('finds one that creates over what is there', async () => {
    class Careless extends MemoryStore {
      override writeText(key: string, text: string, options: { onlyIf?: { absent: true } | { etag: string } } = {}) {
        return super.writeText(key, text, options.onlyIf !== undefined && 'absent' in options.onlyIf ? {} : options)
      }
    }
    expect(await refusalOf(new Careless())).toMatch(/^StoreUnsuitable: .*overwrites an object where it should not/)
  })

  it('finds one that replaces whatever is there', async () => {
    class Careless extends MemoryStore {
      override writeText(key: string, text: string, options: { onlyIf?: { absent: true } | { etag: string } } = {}) {
        return super.writeText(key, text, options.onlyIf !== undefined && 'etag' in options.onlyIf ? {} : options)
      }
    }
    expect(await refusalOf(new Careless())).toMatch(/^StoreUnsuitable: .*replaces an object though it is another/)
  })

  it('finds one that completes over what is there', async () => {
    class Careless extends MemoryStore {
      override async completeUpload(
        key: string,
        uploadId: string,
        parts: readonly StoredPart[],
        sum: number,
      ): Promise<StoredObject> {
        await this.remove(key)
        return super.completeUpload(key, uploadId, parts, sum)
      }
    }
    expect(await refusalOf(new Careless())).toMatch(/^StoreUnsuitable: .*by completing an upload/)
  })

  it('finds one whose lists are short', async () => {
    class Forgetful extends MemoryStore {
      override async listUploads(key: string): Promise<string[]> {
        return (await super.listUploads(key)).slice(1)
      }
    }
    expect(await refusalOf(new Forgetful())).toMatch(/^StoreUnsuitable: .*does not list the uploads/)
  })

  it('finds one that removes nothing', async () => {
    class Hoarder extends MemoryStore {
      override async remove(): Promise<boolean> {
        return true
      }
    }
    expect(await refusalOf(new Hoarder())).toMatch(/^StoreUnsuitable: .*still shows an object/)
  })

  it('tells what is left behind when it can not be removed, and reports the first failure all the same', async () => {
    class Stuck extends MemoryStore {
      override listKeys(): Promise<string[]> {
        return Promise.reject(new StoreUnavailable('busy'))
      }
      override remove(): Promise<boolean> {
        return Promise.reject(new StoreUnavailable('still busy'))
      }
    }
    const ports = fakePorts()
    await expect(testStore({ ...ports, store: new Stuck() })).rejects.toThrow('busy')
    expect(ports.logged).toMatchObject([
      { event: 'store-test-left', fields: { reason: expect.stringMatching(/still busy/) } },
    ])
  })
})
