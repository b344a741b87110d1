import { zstdCompressSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { manifestSchema } from '../../../../functions/contracts/manifest.ts'
import type { LockOrder } from '../../../../functions/contracts/object-lock.ts'
import type { PlanItem } from '../../../../functions/contracts/plan-item.ts'
import { uploadRecordSchema } from '../../../../functions/contracts/upload-record.ts'
import { locateArchive } from '../../../../functions/operations/backup/locate-archive.ts'
import { planRun } from '../../../../functions/operations/run/plan-run.ts'
import { readPin } from '../../../../functions/operations/books/pins.ts'
import { openUpload } from '../../../../functions/operations/transfer/open-upload.ts'
import { writeManifest } from '../../../../functions/operations/transfer/write-manifest.ts'
import { jobSchema } from '../../../../functions/contracts/job.ts'
import { goodEvidence, stored } from '../../../fakes/evidence.ts'
import { type FakePorts, fakePorts, item } from '../../../fakes/ports.ts'
import { vma } from '../../archive-formats/proxmox/made-archives.ts'
import { scene } from './fake-source.ts'

const order: LockOrder = { mode: 'compliance', days: 30 }
const locked: PlanItem = { ...item, objectLock: order }
const until = '2026-12-22T02:00:05.000Z'
const writtenAt = '2026-11-22T02:00:05.000Z'

async function located(its: PlanItem) {
  const ports = fakePorts()
  ports.fakeProvider.evidence = goodEvidence
  const { artifacts, verdict, evidenceKey } = await locateArchive({ item: its, jobRef: 'job-1' }, ports)
  ports.store.objects.set(stored.key, { body: zstdCompressSync(await vma()), etag: 'e' })
  return { ports, input: { item: its, artifacts, stored: [stored], verdict, evidenceKey } }
}

async function manifestIn(ports: FakePorts) {
  const key = [...ports.store.objects.keys()].find((one) => one.endsWith('/manifest.json')) ?? ''
  return manifestSchema.parse(JSON.parse((await ports.store.readText(key))?.text ?? 'null'))
}

describe('the locks of an archive', () => {
  it('are noted in its manifest as S3 shows them, asked for or not', async () => {
    const { ports, input } = await located(item)
    ports.store.locks.set(stored.key, { mode: 'governance', until, legalHold: true, writtenAt })
    await writeManifest(input, ports)
    expect((await manifestIn(ports)).artifacts[0]?.lock).toEqual({ mode: 'governance', until, legalHold: true })
  })

  it('are not noted where S3 shows none, or one that is over', async () => {
    const { ports, input } = await located(item)
    ports.store.locks.set(stored.key, { mode: 'governance', until: writtenAt, writtenAt })
    await writeManifest(input, ports)
    expect((await manifestIn(ports)).artifacts[0]).not.toHaveProperty('lock')
  })

  it('are given to all that lies beside the files, and to the manifest', async () => {
    const { ports, input } = await located(locked)
    ports.store.locks.set(stored.key, { mode: 'compliance', until, writtenAt })
    await writeManifest(input, ports)
    const keys = [...ports.store.objects.keys()].filter((key) => key.startsWith('archives/'))
    expect(keys.length).toBeGreaterThan(2)
    expect(keys.filter((key) => ports.store.locks.get(key)?.until !== until)).toEqual([])
  })

  it.each([
    ['S3 shows none', undefined, 'S3 shows no lock on it'],
    ['it is weaker', { mode: 'governance', until, writtenAt } as const, 'its lock has the mode governance'],
    [
      'it is shorter',
      { mode: 'compliance', until: '2026-12-21T02:00:05.000Z', writtenAt } as const,
      'its lock ends on 2026-12-21',
    ],
  ])('are missing where %s: the archive gets no manifest and so does not count', async (_why, lock, reason) => {
    const { ports, input } = await located(locked)
    if (lock !== undefined) ports.store.locks.set(stored.key, lock)
    await expect(writeManifest(input, ports)).rejects.toMatchObject({
      name: 'LockMissing',
      message: expect.stringContaining(reason),
    })
    const keys = [...ports.store.objects.keys()].filter((key) => key.startsWith('archives/'))
    expect(keys).toEqual([stored.key])
  })

  it('are missing where the object that S3 shows is another version than the proved one', async () => {
    const { ports, input } = await located(locked)
    ports.store.locks.set(stored.key, { mode: 'compliance', until, writtenAt })
    const other = { ...input, stored: [{ ...stored, versionId: 'v1' }] }
    await expect(writeManifest(other, ports)).rejects.toMatchObject({ name: 'LockMissing' })
  })

  it.each([['v1'], [undefined]])(
    'are those of the version that was proved, where it is known: %s',
    async (versionId) => {
      const { ports, input } = await located(locked)
      const head = ports.store.head.bind(ports.store)
      ports.store.head = async (key) => {
        const object = await head(key)
        return object && { ...object, versionId: 'v1' }
      }
      ports.store.locks.set(stored.key, { mode: 'compliance', until, writtenAt })
      const own = { ...stored, ...(versionId === undefined ? {} : { versionId }) }
      await writeManifest({ ...input, stored: [own] }, ports)
      expect((await manifestIn(ports)).artifacts[0]?.lock).toEqual({ mode: 'compliance', until })
    },
  )

  it('count from the opening of the upload, also where the store dates the object by its end', async () => {
    const { ports, input } = await located(locked)
    const late = '2026-11-24T00:00:00.000Z'
    ports.store.locks.set(stored.key, { mode: 'compliance', until, writtenAt: late })
    await expect(writeManifest(input, ports)).rejects.toMatchObject({ name: 'LockMissing' })
    const record = uploadRecordSchema.parse({
      version: 1,
      key: stored.key,
      uploadId: 'u',
      partSizeBytes: 1,
      partCount: 1,
      source: { ...stored.source, artifactRef: 'a' },
      openedAt: writtenAt,
    })
    await ports.store.writeText(`uploads/${stored.key}.json`, JSON.stringify(record))
    await writeManifest(input, ports)
    expect((await manifestIn(ports)).artifacts[0]?.lock).toEqual({ mode: 'compliance', until })
  })
})

describe('a job that pins its archives', () => {
  it('has each one pinned before it counts, with the reason', async () => {
    const { ports, input } = await located({ ...item, pin: 'before the move' })
    const order: string[] = []
    const write = ports.store.writeText.bind(ports.store)
    ports.store.writeText = (key, ...rest) => {
      order.push(key)
      return write(key, ...rest)
    }
    const { manifestKey } = await writeManifest(input, ports)
    expect(order.slice(-2)).toEqual([
      expect.stringMatching(/^retention\/hq\/vm-100\/pins\/.*\/pin\.json$/),
      manifestKey,
    ])
    expect(await readPin(manifestKey.slice(0, -'manifest.json'.length), ports)).toMatchObject({
      reason: 'before the move',
    })
  })
})

describe('an upload of an archive that is to be locked', () => {
  it('is opened with the lock, counted from now', async () => {
    const on = scene()
    on.ports.clock.now = new Date('2026-11-22T02:00:05.000Z')
    await openUpload({ item: locked, artifact: on.artifact }, on.ports)
    expect([...on.ports.store.uploads.values()].map(({ lock }) => lock)).toEqual([{ mode: 'compliance', until }])
  })

  it('goes on with one that has at least this lock, and begins anew in place of any other', async () => {
    const on = scene()
    const open = async (objectLock: LockOrder | undefined) => {
      const its = objectLock === undefined ? item : { ...item, objectLock }
      return (await openUpload({ item: its, artifact: on.artifact }, on.ports)).upload.uploadId
    }
    expect(await open(undefined)).toBe('upload-1')
    expect(await open(order)).toBe('upload-2')
    expect(await open(order)).toBe('upload-2')
    expect(await open({ mode: 'governance', days: 30 })).toBe('upload-2')
    expect(await open(undefined)).toBe('upload-2')
    expect(await open({ mode: 'compliance', days: 31 })).toBe('upload-3')
    expect([...on.ports.store.uploads.keys()]).toEqual(['upload-3'])
  })
})

describe('the plan of a run', () => {
  async function planned(job: object, requiredLock?: LockOrder) {
    const ports = { ...fakePorts(), requiredLock }
    const { run, site, platform, platformVersion } = item
    const whole = jobSchema.parse({ site: 'hq', guests: { vmids: [100] }, ...job })
    const { planKey } = await planRun({ run, site, platform, platformVersion, job: whole }, ports)
    return JSON.parse((await ports.store.readText(planKey))?.text ?? '[]')[0].objectLock
  }

  it('has the stronger of the job’s lock and the one that the deployment demands', async () => {
    expect(await planned({ pin: 'x' })).toBeUndefined()
    expect(await planned({ objectLock: { mode: 'governance', days: 7 } })).toEqual({ mode: 'governance', days: 7 })
    expect(await planned({}, order)).toEqual(order)
    expect(await planned({ objectLock: { mode: 'governance', days: 90 } }, order)).toEqual({
      mode: 'compliance',
      days: 90,
    })
  })
})
