/** The test of a store finds by what each kind of store can prove an archive, and whether one machine must have it alone. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { OneMachineStore } from '../../../../functions/aws/one-machine-store.ts'
import { S3ArchiveStore } from '../../../../functions/aws/s3-archive-store.ts'
import { createS3Client } from '../../../../functions/aws/s3-client.ts'
import { storeNotes } from '../../../../functions/domain/doctor/store-steps.ts'
import { testStore } from '../../../../functions/operations/run/test-store.ts'
import type { Lack } from '../../../../local/s3/lacks.ts'
import { startS3 } from '../../../../local/s3/server.ts'
import { fakePorts } from '../../../fakes/ports.ts'

const credentials = { accessKeyId: 'test', secretAccessKey: 'test-secret' }
const ended: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const end of ended.splice(0).toReversed()) await end()
})

async function storeThatLacks(...lacks: Lack[]) {
  const directory = await mkdtemp(join(tmpdir(), 'guestlift-kinds-'))
  ended.push(() => rm(directory, { recursive: true }))
  const asked: string[] = []
  const server = await startS3({
    directory: join(directory, 's3'),
    ...credentials,
    buckets: ['archives'],
    lacks,
    onDone: ({ operation }) => void asked.push(operation),
  })
  ended.push(() => server.close())
  const client = createS3Client({ endpoint: server.url, region: 'us-east-1', credentials, maxAttempts: 2 })
  ended.push(async () => client.destroy())
  const deps = { random: () => 0, sleep: async () => undefined, now: () => new Date() }
  const locks = join(directory, 'locks')
  const here = new OneMachineStore(client, 'archives', { ...deps, self: () => undefined, isGone: () => false }, locks)
  return { here, asked, locks, elsewhere: new S3ArchiveStore(client, 'archives', deps) }
}

describe('the test of a store', () => {
  it.each<[string, Lack[], string]>([
    ['that does all that AWS does', [], 'full-object-crc'],
    ['that passes over checksums', ['checksums'], 'part-checksums'],
    ['that refuses the headers of checksums', ['checksum-headers'], 'part-checksums'],
    ['that knows CRC-64/NVME alone', ['full-object-crc32'], 'part-checksums'],
    ['whose object has an ETag that is no hash of hashes', ['checksums', 'hash-of-hashes'], 'read-back'],
    ['whose parts have ETags that are no MD5', ['checksum-headers', 'part-hashes'], 'read-back'],
    ['that has CRC-32 and strange ETags', ['hash-of-hashes', 'part-hashes'], 'full-object-crc'],
  ])('%s finds its proof, and leaves nothing behind', async (_name, lacks, proof) => {
    const { here } = await storeThatLacks(...lacks)
    expect(await testStore({ ...fakePorts(), store: here })).toMatchObject({ proof, conditions: true })
    expect(here.oneMachine.isNeeded()).toBe(false)
    expect(await here.listKeys('')).toEqual([])
    expect(await here.listUploadsBelow('')).toEqual([])
  })

  it.each<[string, Lack[]]>([
    ['on any write', ['conditions']],
    ['on completions', ['conditions-of-completions']],
    ['on completions, and CRC-32, and quotes, as Ceph 16', ['conditions-of-completions', 'checksums', 'quoted-tags']],
  ])('that keeps no conditions %s is for one machine alone, and says so in one sentence', async (_name, lacks) => {
    const { here, locks } = await storeThatLacks(...lacks)
    const facts = await testStore({ ...fakePorts(), store: here })
    expect(facts).toMatchObject({ conditions: false, locks })
    expect(here.oneMachine.isNeeded()).toBe(true)
    expect(facts && storeNotes('archives', { ...facts, proof: 'full-object-crc' })).toEqual([
      `The store of s3://archives keeps no conditions on writes (If-None-Match): use it from this machine and user alone, ` +
        `where lock files in ${locks} keep runs apart; nothing would keep out another machine.`,
    ])
    expect(await here.listKeys('')).toEqual([])
  })

  it('finds out anew that a store keeps conditions by now', async () => {
    const { here } = await storeThatLacks()
    here.oneMachine.note({ proof: 'full-object-crc', conditions: false })
    expect(await testStore({ ...fakePorts(), store: here })).toMatchObject({ conditions: true })
    expect(here.oneMachine.isNeeded()).toBe(false)
  })

  it('is not made again for the same run, and what it found is known all the same', async () => {
    const { here, asked } = await storeThatLacks('checksums', 'conditions')
    const ports = { ...fakePorts(), store: here }
    const found = await testStore(ports, 'runs/job.json')
    await here.writeText('runs/job.json', '{}')
    asked.length = 0
    expect(await testStore(ports, 'runs/job.json')).toMatchObject({ proof: found?.proof, conditions: false })
    expect(asked).toEqual(['HeadObject'])
  })

  it('asks a store with full-object CRC-32 for nothing more than before', async () => {
    const { here, asked } = await storeThatLacks()
    await testStore({ ...fakePorts(), store: here })
    expect(asked.length).toBeLessThanOrEqual(22)
  })

  it('refuses all of these where AWS is expected, and says that one machine could use it', async () => {
    const bare = await storeThatLacks('checksums')
    await expect(testStore({ ...fakePorts(), store: bare.elsewhere })).rejects.toMatchObject({
      name: 'StoreDenied',
      message: expect.stringMatching(/full-object CRC-32/),
    })
    const careless = await storeThatLacks('conditions')
    await expect(testStore({ ...fakePorts(), store: careless.elsewhere })).rejects.toMatchObject({
      name: 'StoreUnsuitable',
      message: expect.stringMatching(/If-None-Match.*One machine alone can use such a store: guestlift run --local/),
    })
  })
})
