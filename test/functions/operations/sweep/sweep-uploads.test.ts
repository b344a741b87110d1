import { crc32 } from 'node:zlib'
import { beforeEach, describe, expect, it } from 'vitest'
import { StoreDenied, UploadVanished } from '../../../../functions/contracts/errors.ts'
import { sweepReportSchema } from '../../../../functions/contracts/sweep.ts'
import { newClaim } from '../../../../functions/domain/backup/guest-claim.ts'
import { partRecordKey, uploadFileKey } from '../../../../functions/domain/books/object-keys.ts'
import { sweepUploads } from '../../../../functions/operations/sweep/sweep-uploads.ts'
import { writeUploadRecord } from '../../../../functions/operations/books/upload-record.ts'
import { artifact, stored } from '../../../fakes/evidence.ts'
import { type FakePorts, fakePorts } from '../../../fakes/ports.ts'

const HOUR = 3_600_000
const reportKey = 'sweeps/2026/11/22/sweep-1.json'
const keyOf = (guest: string, site = 'hq'): string => `archives/${site}/${guest}/2026-11-01T02-00-00Z/a.vma.zst`

let ports: FakePorts
let sweepTime: Date
beforeEach(() => {
  ports = fakePorts()
  sweepTime = ports.clock.now
})

/** Let something happen so many hours before the sweep. */
async function hoursAgo<T>(hours: number, happening: () => Promise<T>): Promise<T> {
  ports.clock.now = new Date(sweepTime.getTime() - hours * HOUR)
  const result = await happening()
  ports.clock.now = sweepTime
  return result
}

/** An upload of parts of 1 KiB that arrived so many hours ago. */
async function openUpload(key: string, openedHoursAgo: number, partsHoursAgo: number[] = []): Promise<string> {
  const uploadId = await hoursAgo(openedHoursAgo, () => ports.store.createUpload(key))
  const body = Buffer.alloc(1024, 7)
  for (const [index, hours] of partsHoursAgo.entries()) {
    await hoursAgo(hours, () => ports.store.putPart(key, uploadId, index + 1, body, crc32(body)))
  }
  return uploadId
}

async function record(key: string, uploadId: string, writtenHoursAgo = 0): Promise<void> {
  const { partSizeBytes, partCount, source } = stored
  await hoursAgo(writtenHoursAgo, async () => {
    const openedAt = ports.now().toISOString()
    const its = { ...source, artifactRef: artifact.artifactRef }
    await writeUploadRecord(
      ports,
      { version: 1, key, uploadId, partSizeBytes, partCount, source: its, openedAt },
      undefined,
    )
  })
}

const claimed = async (key: string): Promise<unknown> =>
  ports.store.writeText(key, JSON.stringify(newClaim({ runId: 'run-9', execution: 'e' }, ports.now())))

const sweep = (dryRun = false) =>
  sweepUploads({ sweepId: 'sweep-1', startedAt: '2026-11-22T02:00:05.000Z', dryRun }, ports)

async function report() {
  return sweepReportSchema.parse(JSON.parse((await ports.store.readText(reportKey))?.text ?? '{}'))
}

describe('a sweep', () => {
  it('drops what nobody goes on with, keeps the rest, and reports both', async () => {
    const leftover = await openUpload(keyOf('vm-100'), 60, [50, 30])
    const expired = await openUpload(keyOf('vm-101'), 24 * 20, [24 * 15])
    await record(keyOf('vm-101'), expired)
    const resumable = await openUpload(keyOf('container-102'), 24 * 13, [24 * 12])
    await record(keyOf('container-102'), resumable)
    const active = await openUpload(keyOf('vm-103'), 100, [23])
    const living = await openUpload(keyOf('vm-104'), 24 * 40)
    await claimed('claims/hq/vm-104.json')

    const summary = await sweep()
    expect(summary).toMatchObject({
      outcome: 'succeeded',
      dropped: 2,
      kept: 3,
      failed: 0,
      droppedBytes: 3072,
      reportKey,
    })
    expect(summary.summary).toMatch(
      /^Dropped 2 abandoned uploads holding 3\.0 KiB \(less than \$0\.01 so far\); kept 3 /,
    )
    expect([...ports.store.uploads.keys()].sort()).toEqual([resumable, active, living].sort())
    expect(await ports.store.listKeys('uploads/')).toEqual([`uploads/${keyOf('container-102')}.json`])

    const { uploads, ...rest } = await report()
    expect(uploads.map(({ uploadId, outcome }) => [uploadId, outcome])).toEqual([
      [living, 'kept'],
      [expired, 'dropped'],
      [resumable, 'kept'],
      [active, 'kept'],
      [leftover, 'dropped'],
    ])
    expect(uploads.at(-1)).toMatchObject({
      key: keyOf('vm-100'),
      openedAt: '2026-11-19T14:00:05.000Z',
      lastActiveAt: '2026-11-20T20:00:05.000Z',
      partCount: 2,
      sizeBytes: 2048,
    })
    expect(rest).toMatchObject({ dryRun: false, foreignUploads: 0, price: { dollarsPerGiBMonth: 0.023 } })
  })

  it('counts what an upload has cost part by part, from when each arrived', async () => {
    const uploadId = await openUpload(keyOf('vm-100'), 1000)
    const parts = ports.store.uploads.get(uploadId)?.parts
    const part = { partNumber: 1, sizeBytes: 1024 * 2 ** 30, etag: 'e', crc32: 0 }
    const at = (hours: number) => new Date(sweepTime.getTime() - hours * HOUR).toISOString()
    parts?.set(1, { part, body: Buffer.alloc(0), arrivedAt: at(730) })
    parts?.set(2, { part: { ...part, partNumber: 2 }, body: Buffer.alloc(0), arrivedAt: at(365) })
    expect(await sweep()).toMatchObject({
      costDollars: 35.328, // 1,024 GiB × $0.023 × 1.5 months
      summary: 'Dropped 1 abandoned upload holding 2.0 TiB (about $35.33 so far); kept none.',
    })
  })

  it('only tells in a dry run', async () => {
    const uploadId = await openUpload(keyOf('vm-100'), 24 * 20)
    await record(keyOf('vm-100'), uploadId, 24 * 20)
    await record(keyOf('vm-101'), 'gone', 24 * 20)
    const summary = await sweep(true)
    expect(summary).toMatchObject({ dropped: 1, removedRecords: 1 })
    expect(summary.summary).toMatch(/^Would drop 1 .* Would remove 1 record/)
    expect(ports.store.uploads.has(uploadId)).toBe(true)
    expect(await ports.store.listKeys('uploads/')).toHaveLength(2)
    expect(await report()).toMatchObject({ dryRun: true, uploads: [{ uploadId, outcome: 'dropped' }] })
  })

  it.each([
    'backups/other.tar',
    'archives/readme.txt',
    'archives/hq/vm-100/a.vma.zst',
    'archives/hq/vm-100/2026-11-01/a.vma.zst',
    'archives/hq/vm-100/deeper/2026-11-01T02-00-00Z/a.vma.zst',
    'archives/hq/machine-100/2026-11-01T02-00-00Z/a.vma.zst',
    'archives/h q/vm-100/2026-11-01T02-00-00Z/a.vma.zst',
    'runs/2026/11/22/run-1/map/results.json',
  ])('never touches nor lists an upload of %s', async (key) => {
    await openUpload(key, 24 * 100)
    expect(await sweep()).toMatchObject({ kept: 0, dropped: 0, failed: 0 })
    expect(ports.store.uploads.size).toBe(1)
    const { uploads, foreignUploads } = await report()
    expect(uploads).toEqual([])
    expect(foreignUploads).toBe(key.startsWith('archives/') ? 1 : 0)
  })

  it('keeps to its key prefix', async () => {
    ports.keyPrefix = 'pre/'
    await openUpload(keyOf('vm-100'), 24 * 100)
    const ours = await openUpload(`pre/${keyOf('vm-100')}`, 24 * 100)
    await record(`pre/${keyOf('vm-100')}`, ours, 24 * 100)
    await record(`pre/${keyOf('vm-101')}`, 'gone', 24 * 100)
    ports.keyPrefix = ''
    await record(keyOf('vm-101'), 'gone', 24 * 100)
    ports.keyPrefix = 'pre/'
    expect(await sweep()).toMatchObject({ dropped: 1, removedRecords: 1, reportKey: `pre/${reportKey}` })
    expect([...ports.store.uploads.values()].map(({ key }) => key)).toEqual([keyOf('vm-100')])
    expect(await ports.store.listKeys('')).toEqual([`pre/${reportKey}`, `uploads/${keyOf('vm-101')}.json`])
  })

  it('forgets records of uploads that are long gone, and only those', async () => {
    await record(keyOf('vm-100'), 'gone', 24 * 14 + 1)
    await record(keyOf('vm-101'), 'gone', 24 * 14 - 1)
    const open = await openUpload(keyOf('vm-102'), 10)
    await record(keyOf('vm-102'), open, 24 * 15)
    expect(await sweep()).toMatchObject({ removedRecords: 1, kept: 1 })
    expect(await ports.store.listKeys('uploads/')).toEqual([
      `uploads/${keyOf('vm-101')}.json`,
      `uploads/${keyOf('vm-102')}.json`,
    ])
  })

  it('forgets what was kept of parts once their record is gone and no upload is open, and not sooner', async () => {
    const parts = (guest: string, hours: number) =>
      hoursAgo(hours, () => ports.store.writeText(partRecordKey('', keyOf(guest), 1), '{}'))
    for (const guest of ['vm-100', 'vm-101', 'vm-102', 'vm-103']) await parts(guest, 24 * 15)
    await hoursAgo(24 * 15, () => ports.store.writeText(uploadFileKey('', keyOf('vm-100'), 'plan', 1), '{}'))
    await record(keyOf('vm-101'), 'gone', 24 * 13)
    await openUpload(keyOf('vm-102'), 10)
    await hoursAgo(24 * 13, () => ports.store.writeText(partRecordKey('', keyOf('vm-103'), 2), '{}'))
    const before = await ports.store.listKeys('uploads/parts/')
    await sweepUploads({ sweepId: 'looking', startedAt: '2026-11-22T02:00:05.000Z', dryRun: true }, ports)
    expect(await ports.store.listKeys('uploads/parts/')).toEqual(before)
    await sweep()
    expect(await ports.store.listKeys('uploads/parts/')).toEqual(before.filter((key) => !key.includes('vm-100')))
  })

  it.each(['not json', '{"version":2}'])('keeps an upload whose record reads %j, and says so', async (text) => {
    await openUpload(keyOf('vm-100'), 24 * 100)
    await ports.store.writeText(`uploads/${keyOf('vm-100')}.json`, text)
    expect(await sweep()).toMatchObject({ kept: 1, dropped: 0 })
    expect((await report()).uploads[0]?.reason).toMatch(/record uploads\/archives\/.*unreadable/)
  })

  it.each(['not json', '{"version":2}'])('keeps an upload whose claim reads %j, and says so', async (text) => {
    await openUpload(keyOf('vm-100'), 24 * 100)
    await ports.store.writeText('claims/hq/vm-100.json', text)
    expect(await sweep()).toMatchObject({ kept: 1, dropped: 0 })
    expect((await report()).uploads[0]?.reason).toMatch(/claim claims\/hq\/vm-100\.json is unreadable/)
  })
})

describe('between look and abort', () => {
  /** Something happens after the first look at the upload. */
  function afterFirstLook(happening: () => Promise<unknown>): void {
    const list = ports.store.listArrivals.bind(ports.store)
    let looks = 0
    ports.store.listArrivals = async (key, uploadId) => {
      const seen = await list(key, uploadId)
      looks += 1
      if (looks === 1) await happening()
      return seen
    }
  }

  it('a part that arrives keeps the upload', async () => {
    const key = keyOf('vm-100')
    const uploadId = await openUpload(key, 100)
    const body = Buffer.from('late')
    afterFirstLook(() => ports.store.putPart(key, uploadId, 1, body, crc32(body)))
    expect(await sweep()).toMatchObject({ kept: 1, dropped: 0 })
    expect(ports.store.uploads.has(uploadId)).toBe(true)
    expect((await report()).uploads).toMatchObject([{ partCount: 1, reason: expect.stringMatching(/^Too recent/) }])
  })

  it('a run that takes the guest keeps the upload', async () => {
    const uploadId = await openUpload(keyOf('vm-100'), 100)
    afterFirstLook(() => claimed('claims/hq/vm-100.json'))
    expect(await sweep()).toMatchObject({ kept: 1, dropped: 0 })
    expect(ports.store.uploads.has(uploadId)).toBe(true)
  })

  it('an upload that ends by itself is neither dropped nor a failure', async () => {
    const uploadId = await openUpload(keyOf('vm-100'), 100)
    afterFirstLook(() => ports.store.abortUpload(keyOf('vm-100'), uploadId))
    expect(await sweep()).toMatchObject({ outcome: 'succeeded', kept: 0, dropped: 0, failed: 0 })
  })

  it('a record that names another upload by then stays', async () => {
    const key = keyOf('vm-100')
    const uploadId = await openUpload(key, 24 * 20)
    await record(key, uploadId)
    const abort = ports.store.abortUpload.bind(ports.store)
    ports.store.abortUpload = async (...upload) => {
      await abort(...upload)
      await ports.store.remove(`uploads/${key}.json`)
      await record(key, 'a new one')
    }
    expect(await sweep()).toMatchObject({ dropped: 1 })
    expect((await ports.store.readText(`uploads/${key}.json`))?.text).toContain('a new one')
  })

  it('a record that comes to name another upload in the moment of its removal stays', async () => {
    const key = keyOf('vm-100')
    const uploadId = await openUpload(key, 24 * 20)
    await record(key, uploadId)
    const remove = ports.store.remove.bind(ports.store)
    ports.store.remove = async (its, onlyIf) => {
      if (its === `uploads/${key}.json`) {
        await remove(its)
        await record(key, 'a new one')
      }
      return remove(its, onlyIf)
    }
    expect(await sweep()).toMatchObject({ dropped: 1 })
    expect((await ports.store.readText(`uploads/${key}.json`))?.text).toContain('a new one')
  })
})

describe('one bad upload', () => {
  it('never stops the others, and its reason is told', async () => {
    const bad = await openUpload(keyOf('vm-100'), 24 * 30, [24 * 29])
    await openUpload(keyOf('vm-101'), 24 * 20)
    const abort = ports.store.abortUpload.bind(ports.store)
    ports.store.abortUpload = async (key, uploadId) => {
      if (uploadId === bad) throw new StoreDenied('access denied')
      await abort(key, uploadId)
    }
    expect(await sweep()).toMatchObject({ outcome: 'partial', dropped: 1, failed: 1 })
    expect((await report()).uploads[0]).toMatchObject({
      uploadId: bad,
      outcome: 'failed',
      reason: 'It could not be swept: access denied',
      sizeBytes: 1024,
    })
  })

  it('is reported even when nothing of it could be seen', async () => {
    await openUpload(keyOf('vm-100'), 100)
    ports.store.listArrivals = () => Promise.reject(new StoreDenied('no parts for you'))
    expect(await sweep()).toMatchObject({ outcome: 'failed', failed: 1 })
    expect((await report()).uploads).toMatchObject([{ outcome: 'failed', partCount: 0, sizeBytes: 0 }])
  })

  it('that has just vanished is passed over', async () => {
    await openUpload(keyOf('vm-100'), 100)
    ports.store.listArrivals = () => Promise.reject(new UploadVanished('gone'))
    expect(await sweep()).toMatchObject({ outcome: 'succeeded', summary: 'No uploads are open.' })
  })

  it('does not keep what was dropped from being reported when records cannot be listed', async () => {
    await openUpload(keyOf('vm-100'), 100)
    ports.store.listDatedKeys = () => Promise.reject(new StoreDenied('no list for you'))
    expect(await sweep()).toMatchObject({ outcome: 'partial', dropped: 1 })
    expect((await report()).summary).toMatch(/could not be looked through: no list for you/)
  })
})

describe('many uploads', () => {
  it('are worked off a few at a time, oldest first, until time runs short', async () => {
    for (let count = 0; count < 3000; count += 1) await openUpload(keyOf(`vm-${count}`), 5000 - count)
    let atOnce = 0
    let most = 0
    let remaining = 900_000
    ports.remainingMilliseconds = () => remaining
    const list = ports.store.listArrivals.bind(ports.store)
    ports.store.listArrivals = async (key, uploadId) => {
      atOnce += 1
      most = Math.max(most, atOnce)
      await new Promise(setImmediate)
      atOnce -= 1
      remaining -= 200
      return list(key, uploadId)
    }
    const summary = await sweep()
    expect(most).toBeGreaterThan(1)
    expect(most).toBeLessThanOrEqual(8)
    expect(summary.dropped + summary.left).toBe(3000)
    expect(summary.dropped).toBeGreaterThan(1900)
    expect(summary.left).toBeGreaterThan(900)
    expect(summary).toMatchObject({
      outcome: 'succeeded',
      summary: expect.stringContaining(`${summary.left} uploads left for the next sweep`),
    })
    expect(remaining).toBeGreaterThan(80_000)
    // What is left is the youngest, and nothing in between was passed over.
    const left = [...ports.store.uploads.values()].map(({ key }) => Number(/vm-(\d+)/.exec(key)?.[1]))
    expect(Math.min(...left)).toBe(summary.dropped)
    remaining = 900_000
    expect(
      await sweepUploads({ sweepId: 'next', startedAt: '2026-11-23T02:00:05.000Z', dryRun: false }, ports),
    ).toMatchObject({ left: expect.any(Number) })
    expect(ports.store.uploads.size).toBe(0)
  })
})

describe('a sweep that is asked for again because its answer was lost', () => {
  it('answers what the first call did', async () => {
    await openUpload(keyOf('vm-100'), 100, [50])
    const first = await sweep()
    const before = (await ports.store.readText(reportKey))?.text
    expect(await sweep()).toEqual(first)
    expect((await ports.store.readText(reportKey))?.text).toBe(before)
  })
})

describe('what tests of the store left behind', () => {
  const key = 'uploads/test/0000000000000001'

  it('is removed once it is a day old, uploads and objects, and is told in the summary', async () => {
    await openUpload(key, 25, [25])
    await hoursAgo(25, () => ports.store.writeText(`${key}2`, 'Guestlift tests this store.'))
    expect((await sweep()).summary).toMatch(/Removed 2 left-overs of tests of the store\./)
    expect(ports.store.uploads.size).toBe(0)
    expect(await ports.store.listKeys('uploads/')).toEqual([])
  })

  it('is left alone while its test may still be at work, and in a dry run', async () => {
    await openUpload(key, 23)
    await hoursAgo(23, () => ports.store.writeText(`${key}2`, 'Guestlift tests this store.'))
    await openUpload(`${key}3`, 25)
    expect((await sweep(true)).summary).toMatch(/Would remove 1 left-over of tests/)
    expect(ports.store.uploads.size).toBe(2)
    expect(await ports.store.listKeys('uploads/')).toHaveLength(1)
  })
})
