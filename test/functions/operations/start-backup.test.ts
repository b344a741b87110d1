import { describe, expect, it } from 'vitest'
import { BackupStartUnclear, NothingBackedUp, PlatformUnavailable } from '../../../functions/contracts/errors.ts'
import { LEASE_SECONDS, START_SETTLES_SECONDS } from '../../../functions/domain/guest-claim.ts'
import { startBackup } from '../../../functions/operations/start-backup.ts'
import { begun } from '../../fakes/begun.ts'
import { execution, fakePorts, item, itemOf } from '../../fakes/ports.ts'

const asks = (calls: readonly string[]) => calls.filter((call) => call === 'startBackup').length

function later(ports: ReturnType<typeof fakePorts>, seconds: number) {
  ports.clock.now = new Date(ports.clock.now.getTime() + seconds * 1000)
}

describe('starting a backup', () => {
  it('asks once and names the job, however often it is repeated', async () => {
    const ports = fakePorts()
    const first = begun(await startBackup({ item, execution }, ports))
    const second = begun(await startBackup({ item, execution }, ports))
    expect(second.jobRef).toBe(first.jobRef)
    expect(first.adopted).toBe(false)
    expect(second.adopted).toBe(true)
    expect(asks(ports.fakeProvider.calls)).toBe(1)
  })

  it.each([
    ['takes no backups', { takesBackups: false, content: ['iso'] }, /doesn't take backups, only iso/],
    ['is disabled', { enabled: false }, /is disabled/],
    ["can't be reached", { active: false }, /can't be reached from the node/],
  ])('asks for nothing on a storage that %s, as the plan says', async (_name, changes, reason) => {
    const ports = fakePorts()
    const { storage } = item.backup
    ports.fakeProvider.storages = [
      {
        storage,
        node: item.guest.node,
        type: 'dir',
        content: ['backup'],
        takesBackups: true,
        enabled: true,
        active: true,
        shared: false,
        totalBytes: 2 ** 40,
        freeBytes: 2 ** 40,
        ...changes,
      },
    ]
    await expect(startBackup({ item, execution }, ports)).rejects.toMatchObject({
      name: 'StorageUnusable',
      message: expect.stringMatching(reason),
    })
    expect(asks(ports.fakeProvider.calls)).toBe(0)
  })

  it('asks for nothing that the retention of the storage would refuse', async () => {
    const ports = fakePorts()
    Object.assign(ports.fakeProvider, { refusalByRetention: () => Promise.resolve('It is full.') })
    await expect(startBackup({ item, execution }, ports)).rejects.toMatchObject({
      name: 'StorageUnusable',
      message: expect.stringMatching(/guest \d+: It is full\. The dump was not begun\.$/),
    })
    expect(asks(ports.fakeProvider.calls)).toBe(0)
  })

  it('adopts the job that an earlier attempt started without hearing the answer', async () => {
    const ports = fakePorts()
    const { onStart } = ports.fakeProvider
    ports.fakeProvider.onStart = async (guest) => {
      await onStart(guest)
      throw new BackupStartUnclear('answer lost')
    }
    await expect(startBackup({ item, execution }, ports)).rejects.toThrow(BackupStartUnclear)
    later(ports, 30)
    const repeated = await startBackup({ item, execution }, ports)
    expect(repeated).toMatchObject({ jobRef: 'job-1', adopted: true, startedAt: '2026-11-22T02:00:05.000Z' })
    expect(asks(ports.fakeProvider.calls)).toBe(1)
  })

  it('does not mistake an older job for the one whose answer was lost', async () => {
    const ports = fakePorts()
    ports.fakeProvider.jobs = [{ jobRef: 'yesterday', startedAt: '2026-11-22T01:59:00.000Z', running: false }]
    ports.fakeProvider.onStart = () => Promise.reject(new BackupStartUnclear('answer lost'))
    await expect(startBackup({ item, execution }, ports)).rejects.toThrow(BackupStartUnclear)
    later(ports, 10)
    await expect(startBackup({ item, execution }, ports)).rejects.toThrow(/asked for at/)
    expect(asks(ports.fakeProvider.calls)).toBe(1)
  })

  it('asks again only after a lost answer had the time to show up as a job', async () => {
    const ports = fakePorts()
    const { onStart } = ports.fakeProvider
    ports.fakeProvider.onStart = () => Promise.reject(new BackupStartUnclear('answer lost'))
    await expect(startBackup({ item, execution }, ports)).rejects.toThrow(BackupStartUnclear)
    later(ports, START_SETTLES_SECONDS + 1)
    ports.fakeProvider.onStart = onStart
    await expect(startBackup({ item, execution }, ports)).resolves.toMatchObject({ adopted: false })
    expect(asks(ports.fakeProvider.calls)).toBe(2)
  })

  it('adopts a job of ours that a dead run left running', async () => {
    const ports = fakePorts()
    ports.fakeProvider.jobs = [{ jobRef: 'orphan', startedAt: '2026-11-22T01:00:00.000Z', running: true }]
    await expect(startBackup({ item, execution }, ports)).resolves.toMatchObject({ jobRef: 'orphan', adopted: true })
    expect(asks(ports.fakeProvider.calls)).toBe(0)
  })

  it('lets exactly one of two runs at once have the guest', async () => {
    const ports = fakePorts()
    const both = await Promise.allSettled([
      startBackup({ item: itemOf('run-a'), execution }, ports),
      startBackup({ item: itemOf('run-b'), execution }, ports),
    ])
    expect(both.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected'])
    const refused = both.find((result) => result.status === 'rejected')
    expect(refused?.reason).toMatchObject({ name: 'GuestBusy', group: 'skip' })
    expect(asks(ports.fakeProvider.calls)).toBe(1)
  })

  it('takes over a guest whose run died without a word, once its claim lapsed', async () => {
    const ports = fakePorts()
    await startBackup({ item: itemOf('dead'), execution }, ports)
    ports.fakeProvider.jobs = []
    await expect(startBackup({ item: itemOf('next'), execution }, ports)).rejects.toMatchObject({ name: 'GuestBusy' })
    later(ports, LEASE_SECONDS + 1)
    await expect(startBackup({ item: itemOf('next'), execution }, ports)).resolves.toMatchObject({ jobRef: 'job-1' })
  })

  it('follows a guest that moved between look and call', async () => {
    const ports = fakePorts()
    const { onStart } = ports.fakeProvider
    ports.fakeProvider.onStart = async (guest) => {
      if (guest.node === 'pve2') return onStart(guest)
      ports.fakeProvider.guests = [{ ...item.guest, node: 'pve2', nodeOffline: false }]
      throw new NothingBackedUp('OK')
    }
    await startBackup({ item, execution }, ports)
    expect(ports.fakeProvider.calls).toContain('started on pve2')
  })

  it('reports that nothing was backed up when the guest did not move', async () => {
    const ports = fakePorts()
    ports.fakeProvider.onStart = () => Promise.reject(new NothingBackedUp('OK'))
    await expect(startBackup({ item, execution }, ports)).rejects.toThrow(NothingBackedUp)
    expect(asks(ports.fakeProvider.calls)).toBe(1)
  })

  it.each([
    ['migrate', 'GuestMigrating'],
    ['snapshot', 'GuestLocked'],
    ['backup', 'GuestLocked'],
  ])('skips a guest with lock %s as %s', async (lock, name) => {
    const ports = fakePorts()
    ports.fakeProvider.guests = [{ ...item.guest, nodeOffline: false, lock }]
    await expect(startBackup({ item, execution }, ports)).rejects.toMatchObject({ name, group: 'skip' })
  })

  it('says which node is offline', async () => {
    const ports = fakePorts()
    ports.fakeProvider.guests = [{ ...item.guest, nodeOffline: true }]
    await expect(startBackup({ item, execution }, ports)).rejects.toThrow(/node pve1 with guest 100 is offline/)
  })

  it('does not repeat a call that the platform refused', async () => {
    const ports = fakePorts()
    ports.fakeProvider.onStart = () => Promise.reject(new PlatformUnavailable('503'))
    await expect(startBackup({ item, execution }, ports)).rejects.toThrow(PlatformUnavailable)
    expect(asks(ports.fakeProvider.calls)).toBe(1)
  })
})
