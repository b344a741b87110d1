import { describe, expect, it } from 'vitest'
import { NothingBackedUp, StoreUnavailable } from '../../../../functions/contracts/errors.ts'
import type { PlanItem } from '../../../../functions/contracts/plan-item.ts'
import { guestProgressSchema } from '../../../../functions/contracts/progress.ts'
import { dumpQueueSchema, TURN_SECONDS } from '../../../../functions/domain/backup/dump-queue.ts'
import { checkBackup } from '../../../../functions/operations/backup/check-backup.ts'
import { keepStaged } from '../../../../functions/operations/backup/dump-turns.ts'
import { recordFailure } from '../../../../functions/operations/backup/record-failure.ts'
import { releaseBackup } from '../../../../functions/operations/backup/release-backup.ts'
import { startBackup } from '../../../../functions/operations/backup/start-backup.ts'
import type { PlatformArchive } from '../../../../functions/providers/capabilities/archives-on-platform.ts'
import type { StorageRecord } from '../../../../functions/providers/capabilities/storages.ts'
import { begun } from '../../../fakes/begun.ts'
import { artifact, goodEvidence, stored } from '../../../fakes/evidence.ts'
import { execution, fakePorts, item } from '../../../fakes/ports.ts'

const GIB = 2 ** 30

const nas: StorageRecord = {
  storage: 'nas',
  node: 'pve1',
  type: 'nfs',
  content: ['backup'],
  takesBackups: true,
  backupsAreFiles: true,
  enabled: true,
  active: true,
  shared: true,
  totalBytes: 100 * GIB,
  freeBytes: 50 * GIB,
}

/** A guest of the same site, with an execution of its own. */
function work(id: string, change: Partial<PlanItem> = {}) {
  const guest = { ...item.guest, id }
  return { item: { ...item, backup: { ...item.backup, storage: 'nas' }, ...change, guest }, execution: `e-${id}` }
}

function site(...ids: string[]) {
  const ports = fakePorts()
  ports.fakeProvider.guests = ids.map((id) => ({ ...item.guest, id, nodeOffline: false }))
  ports.fakeProvider.storageRecords = [nas]
  // Jobs of other guests are none of a guest's own.
  ports.fakeProvider.findJobs = async () => []
  return ports
}

const seconds = (ports: ReturnType<typeof fakePorts>, count: number) => ports.sleep(count * 1000)
const queueOf = async ({ store }: ReturnType<typeof fakePorts>) =>
  dumpQueueSchema.parse(JSON.parse((await store.readText('dumps/hq.json'))?.text ?? '{}'))
const starts = ({ fakeProvider }: ReturnType<typeof fakePorts>) =>
  fakeProvider.calls.filter((call) => call === 'startBackup').length

function lastArchive(guestId: string, sizeBytes: number, format = 'vma.zst'): PlatformArchive {
  return {
    artifactRef: `nas:backup/${guestId}`,
    node: 'pve1',
    storage: 'nas',
    guestId,
    guestKind: 'vm',
    createdAt: '2026-11-21T02:00:00.000Z',
    sizeBytes,
    format,
    notes: '',
    protected: false,
    encrypted: false,
  }
}

describe('a guest whose node dumps another', () => {
  it('starts nothing, says why and how long to wait, and holds its claim and its place in the queue', async () => {
    const ports = site('100', '101')
    await startBackup(work('100'), ports)
    const answer = await startBackup(work('101'), ports)
    expect(answer).toEqual({ waitSeconds: 5, reason: 'Node pve1 dumps guest vm-100; its turn comes next.' })
    expect(starts(ports)).toBe(1)
    expect(await queueOf(ports)).toMatchObject({ turns: [{ guest: 'vm-100' }], waiters: [{ guest: 'vm-101' }] })
    await expect(startBackup({ ...work('101'), execution: 'another' }, ports)).rejects.toMatchObject({
      name: 'GuestBusy',
    })
    const progress = guestProgressSchema.parse(
      JSON.parse((await ports.store.readText('runs/2026/11/22/run-1/progress/101.json'))?.text ?? '{}'),
    )
    expect(progress).toMatchObject({ stage: 'waiting', reason: expect.stringContaining('vm-100') })
  })

  it('dumps once the other job has ended, before that one’s archive is moved', async () => {
    const ports = site('100', '101')
    const first = begun(await startBackup(work('100'), ports))
    await startBackup(work('101'), ports)
    ports.fakeProvider.running = true
    const check = { ...work('100'), jobRef: first.jobRef, startedAt: first.startedAt }
    await seconds(ports, 60)
    expect(await checkBackup(check, ports)).toMatchObject({ done: false })
    expect(await startBackup(work('101'), ports)).toHaveProperty('reason')
    ports.fakeProvider.running = false
    expect(await checkBackup(check, ports)).toMatchObject({ done: true })
    expect(begun(await startBackup(work('101'), ports)).adopted).toBe(false)
    expect(starts(ports)).toBe(2)
  })

  it('dumps after the other failed', async () => {
    const ports = site('100', '101')
    await startBackup(work('100'), ports)
    await recordFailure({ ...work('100'), error: { Error: 'BackupFailed', Cause: '{}' } }, ports)
    expect(begun(await startBackup(work('101'), ports)).jobRef).toBeDefined()
  })

  it('doesn’t dump while a dead execution’s job runs on, and does once it has ended', async () => {
    const ports = site('100', '101')
    await startBackup(work('100'), ports)
    ports.fakeProvider.running = true
    await seconds(ports, TURN_SECONDS + 1)
    expect(await startBackup(work('101'), ports)).toHaveProperty('reason')
    expect(ports.logged).toContainEqual({
      event: 'silent-dump',
      fields: { site: 'hq', guest: 'vm-100', jobRef: 'job-1', running: true },
    })
    ports.fakeProvider.running = false
    await seconds(ports, 400)
    expect(begun(await startBackup(work('101'), ports)).adopted).toBe(false)
  })

  it('is asked for again on the node it has moved to, with that node’s turn', async () => {
    const ports = site('100', '101')
    ports.fakeProvider.guests = [
      { ...item.guest, id: '100', node: 'pve2', nodeOffline: false },
      { ...item.guest, id: '101', nodeOffline: false },
    ]
    await startBackup(work('100'), ports)
    ports.fakeProvider.onStart = async () => {
      ports.fakeProvider.guests = ports.fakeProvider.guests.map((guest) => ({ ...guest, node: 'pve2' }))
      throw new NothingBackedUp('OK')
    }
    expect(await startBackup(work('101'), ports)).toEqual({
      waitSeconds: 5,
      reason: 'Node pve2 dumps guest vm-100; its turn comes next.',
    })
    // Nothing was started there, so nothing has to be waited out: the next call asks for its turn at once.
    expect(await startBackup(work('101'), ports)).toMatchObject({ reason: expect.stringContaining('pve2') })
    expect(starts(ports)).toBe(2)
  })
})

describe('space for an archive', () => {
  it('is looked for before the dump: what can’t fit isn’t begun', async () => {
    const ports = site('100')
    ports.fakeProvider.archives = [lastArchive('100', 60 * GIB)]
    await expect(startBackup(work('100'), ports)).rejects.toMatchObject({
      name: 'StorageUnusable',
      message: expect.stringMatching(/Storage nas has 50\.0 GiB free for it, and its archive took 60\.0 GiB last time/),
    })
    expect(starts(ports)).toBe(0)
  })

  it.each([
    ['compressed otherwise', lastArchive('100', 60 * GIB, 'vma')],
    ['another guest’s', lastArchive('999', 60 * GIB)],
  ])('isn’t refused because of an archive that was %s', async (_, archive) => {
    const ports = site('100')
    ports.fakeProvider.archives = [archive]
    expect(begun(await startBackup(work('100'), ports)).storage).toBe('nas')
  })

  it('is chosen on the storage with most room when the job says auto, and kept for every repetition', async () => {
    const ports = site('100')
    ports.fakeProvider.storageRecords = [nas, { ...nas, storage: 'big', freeBytes: 80 * GIB }]
    const auto = work('100', { backup: { ...item.backup, storage: 'auto' } })
    expect(begun(await startBackup(auto, ports))).toMatchObject({
      storage: 'big',
      reason: 'Storage big has most room for backups, 80.0 GiB free (nas 50.0 GiB).',
    })
    ports.fakeProvider.storageRecords = [nas]
    expect(begun(await startBackup(auto, ports))).toMatchObject({ storage: 'big', adopted: true })
    const { backupsAreFiles: _, ...plugin } = nas
    ports.fakeProvider.storageRecords = [{ ...plugin, node: 'pve3', type: 'blockstor' }]
    const other = { ...auto, item: { ...auto.item, guest: { ...auto.item.guest, id: '102', node: 'pve3' } } }
    ports.fakeProvider.guests = [{ ...other.item.guest, nodeOffline: false }]
    await expect(startBackup(other, ports)).rejects.toThrow(
      /node pve3: no storage keeps backups as files.*passes over nas: its type blockstor/,
    )
  })

  it('is staged until the archive has left it', async () => {
    const ports = site('100', '101')
    const leaving = { deleteSource: true, staging: { maxArchives: 1 } }
    const first = begun(await startBackup(work('100', leaving), ports))
    await checkBackup({ ...work('100', leaving), jobRef: first.jobRef, startedAt: first.startedAt }, ports)
    expect(await startBackup(work('101', leaving), ports)).toMatchObject({
      reason: '1 archives on storage nas wait to be moved; 1 may.',
    })
    await keepStaged(work('100', leaving), ports)
    await releaseBackup(
      {
        ...work('100', leaving),
        artifacts: [artifact],
        stored: [stored],
        verdict: { name: 'archived', good: true, reason: '' },
        manifestKey: 'm',
        startedAt: first.startedAt,
      },
      ports,
    )
    expect((await queueOf(ports)).staged).toEqual([])
    expect(begun(await startBackup(work('101', leaving), ports)).storage).toBe('nas')
  })
})

describe('a place at which only so many backups may stand', () => {
  it('is taken from the start to the release, whatever nodes the guests are on, and says why another one waits', async () => {
    const ports = site('100', '101')
    ports.fakeProvider.guests = ports.fakeProvider.guests.map((guest) => ({ ...guest, node: `node-of-${guest.id}` }))
    const full = 'One snapshot stands there already.'
    Object.assign(ports.fakeProvider, { turnOf: async () => ({ place: 'datastore1', most: 1, full }) })
    const first = begun(await startBackup(work('100'), ports))
    await checkBackup({ ...work('100'), jobRef: first.jobRef, startedAt: first.startedAt }, ports)
    await keepStaged(work('100'), ports)
    expect(await startBackup(work('101'), ports)).toMatchObject({ reason: full })
    await recordFailure({ ...work('100'), error: { Error: 'SourceChanged', Cause: '{}' } }, ports)
    expect(await startBackup(work('101'), ports)).toHaveProperty('jobRef')
  })
})

describe('how far a dump is', () => {
  it('comes from the platform, with rate and end, and is kept once a minute', async () => {
    const ports = site('100')
    const { jobRef, startedAt } = begun(await startBackup(work('100'), ports))
    const look = async (doneBytes: number) => {
      ports.fakeProvider.check = async () => ({
        running: true,
        progressPercent: (doneBytes / (32 * GIB)) * 100,
        doneBytes,
        totalBytes: 32 * GIB,
      })
      return checkBackup({ ...work('100'), jobRef, startedAt }, ports)
    }
    const kept = async () =>
      guestProgressSchema.parse(
        JSON.parse((await ports.store.readText('runs/2026/11/22/run-1/progress/100.json'))?.text ?? '{}'),
      )
    await seconds(ports, 64)
    expect((await look(8 * GIB)).progress).toMatchObject({ bytesPerSecond: GIB / 8, secondsLeft: 192, percent: 25 })
    const { turns } = await queueOf(ports)
    expect(turns).toMatchObject([{ expectedEndAt: new Date(ports.clock.now.getTime() + 192_000).toISOString() }])
    await seconds(ports, 32)
    expect((await look(10 * GIB)).progress).toMatchObject({ bytesPerSecond: GIB / 16 })
    expect(await kept()).toMatchObject({ stage: 'dumping', percent: 25, doneBytes: 8 * GIB })
    await seconds(ports, 32)
    await look(12 * GIB)
    expect(await kept()).toMatchObject({ percent: 37.5, bytesPerSecond: GIB / 16, secondsLeft: 320, estimated: false })
  })

  it('is estimated for a container from how its storage fills, and not while others write there', async () => {
    const ports = site('100', '200')
    ports.fakeProvider.running = true
    ports.fakeProvider.archives = [lastArchive('100', 10 * GIB)]
    const { jobRef, startedAt } = begun(await startBackup(work('100'), ports))
    await seconds(ports, 100)
    ports.fakeProvider.storageRecords = [{ ...nas, freeBytes: 46 * GIB }]
    const check = () => checkBackup({ ...work('100'), jobRef, startedAt }, ports)
    expect((await check()).progress).toMatchObject({
      percent: 40,
      doneBytes: 4 * GIB,
      secondsLeft: 150,
      estimated: true,
    })
    ports.fakeProvider.guests = [{ ...item.guest, id: '200', node: 'pve2', nodeOffline: false }]
    ports.fakeProvider.storageRecords = [
      { ...nas, freeBytes: 46 * GIB },
      { ...nas, node: 'pve2', freeBytes: 46 * GIB },
    ]
    await startBackup(work('200'), ports)
    expect((await check()).progress).toEqual({ estimated: false })
  })

  it('is told with a failure, which is what the notice quotes', async () => {
    const ports = site('100')
    ports.fakeProvider.running = true
    ports.fakeProvider.progressPercent = 45
    const { jobRef, startedAt } = begun(await startBackup(work('100'), ports))
    await seconds(ports, 10)
    await checkBackup({ ...work('100'), jobRef, startedAt }, ports)
    ports.fakeProvider.evidence = { ...goodEvidence, ending: 'errors' }
    const error = { Error: 'StorageUnusable', Cause: '{"errorMessage":"Storage nas is offline."}' }
    const { reason } = await recordFailure({ ...work('100'), error }, ports)
    expect(reason).toBe(
      'Storage nas is offline. It was last seen being dumped, 45 % done, at 2026-11-22T02:00:15.000Z.',
    )
  })

  it('never fails the backup: a store that can’t be written is logged', async () => {
    const ports = site('100')
    ports.fakeProvider.running = true
    ports.fakeProvider.progressPercent = 50
    const { jobRef, startedAt } = begun(await startBackup({ ...work('100'), execution }, ports))
    const writeText = ports.store.writeText.bind(ports.store)
    ports.store.writeText = async (key, ...rest) => {
      if (key.includes('/progress/')) throw new StoreUnavailable('S3 says 503')
      return writeText(key, ...rest)
    }
    const looked = await checkBackup({ ...work('100'), execution, jobRef, startedAt }, ports)
    expect(looked).toMatchObject({ done: false, progressPercent: 50 })
    expect(ports.logged.map(({ event }) => event)).toContain('progress-not-kept')
  })
})
