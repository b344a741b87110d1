import { describe, expect, it } from 'vitest'
import {
  BackupStartUnclear,
  NothingBackedUp,
  PlatformUnavailable,
  RequestRejected,
} from '../../../../functions/contracts/errors.ts'
import {
  type GuestClaim,
  guestClaimSchema,
  LEASE_SECONDS,
  newClaim,
  RENEW_AFTER_SECONDS,
  START_SETTLES_SECONDS,
} from '../../../../functions/domain/backup/guest-claim.ts'
import { startBackup } from '../../../../functions/operations/backup/start-backup.ts'
import type { Destination } from '../../../../functions/providers/provider.ts'
import { proxmoxTraits } from '../../../../functions/providers/proxmox/traits.ts'
import type { StorageRecord } from '../../../../functions/providers/capabilities/storages.ts'
import { claimant, execution, type FakePorts, fakePorts, item, itemOf } from '../../../fakes/ports.ts'

const mine = { item, execution }
/** The job leaves the storage open. */
const open = { ...item, backup: { ...item.backup, storage: 'auto' } }

const roomy: StorageRecord = {
  storage: 'roomy',
  node: 'pve1',
  type: 'dir',
  content: ['backup'],
  takesBackups: true,
  backupsAreFiles: true,
  enabled: true,
  active: true,
  shared: false,
  totalBytes: 2 ** 40,
  freeBytes: 2 ** 40,
}

function asked({ fakeProvider }: FakePorts): number {
  return fakeProvider.calls.filter((call) => call === 'startBackup').length
}

async function claimIn({ store }: FakePorts): Promise<GuestClaim> {
  return guestClaimSchema.parse(JSON.parse((await store.readText('claims/hq/vm-100.json'))?.text ?? ''))
}

function pass(ports: FakePorts, seconds: number) {
  ports.clock.now = new Date(ports.clock.now.getTime() + seconds * 1000)
}

/** The platform begins the job, and its answer is lost. */
function loseAnswers({ fakeProvider }: FakePorts) {
  const { onStart } = fakeProvider
  fakeProvider.onStart = async (guest, token) => {
    await onStart(guest, token)
    throw new BackupStartUnclear('answer lost')
  }
}

function moveTo(ports: FakePorts, node: string) {
  ports.fakeProvider.guests = [{ ...item.guest, node, nodeOffline: false }]
}

describe('a guest that moves while its backup is asked for', () => {
  it('is followed three times, and then the refusal is told', async () => {
    const ports = fakePorts()
    let moves = 0
    ports.fakeProvider.onStart = () => {
      moves += 1
      moveTo(ports, `pve${moves + 1}`)
      return Promise.reject(new NothingBackedUp(`it was not there the ${moves}. time`))
    }
    await expect(startBackup(mine, ports)).rejects.toThrow('it was not there the 4. time')
    expect(asked(ports)).toBe(4)
  })

  it.each([
    ['was lost', new BackupStartUnclear('answer lost')],
    ['says that the platform is away', new PlatformUnavailable('503')],
    ['is a refusal', new RequestRejected('400')],
  ])('is asked for once where the answer %s: only that nothing was started lets it ask again', async (_, error) => {
    const ports = fakePorts()
    ports.fakeProvider.onStart = () => {
      moveTo(ports, 'pve2')
      return Promise.reject(error)
    }
    await expect(startBackup(mine, ports)).rejects.toBe(error)
    expect(asked(ports)).toBe(1)
  })

  it('waits for its turn on the new node as one that asked for nothing: the next call has no answer to wait for', async () => {
    const ports = fakePorts()
    const neighbour = { ...item, guest: { ...item.guest, id: '200', node: 'pve2' } }
    ports.fakeProvider.guests = [{ ...neighbour.guest, nodeOffline: false }]
    await startBackup({ item: neighbour, execution: 'neighbour' }, ports)
    moveTo(ports, 'pve1')
    ports.fakeProvider.onStart = () => {
      moveTo(ports, 'pve2')
      return Promise.reject(new NothingBackedUp('OK'))
    }
    expect(await startBackup(mine, ports)).toMatchObject({ reason: expect.stringContaining('pve2') })
    const claim = await claimIn(ports)
    expect(claim.askedAt).toBeUndefined()
    expect(claim).toMatchObject({ ...claimant, released: false })
  })
})

describe('what is noted of a backup that is asked for', () => {
  it('is of whom: name and identity, as the platform tells them at that moment', async () => {
    const ports = fakePorts()
    const identity = { id: 'smbios:0f0e0d0c-0b0a-4009-8807-060504030201' }
    ports.fakeProvider.guests = [{ ...item.guest, name: 'renamed', identity, nodeOffline: false }]
    await startBackup(mine, ports)
    expect((await claimIn(ports)).guest).toEqual({ name: 'renamed', identity })
    const plain = fakePorts()
    await startBackup(mine, plain)
    expect((await claimIn(plain)).guest).toEqual({ name: 'web' })
  })

  it('is what the platform is asked for: the job’s options, on the storage that was chosen', async () => {
    const ports = fakePorts()
    ports.fakeProvider.storageRecords = [roomy]
    await startBackup({ item: open, execution }, ports)
    expect(ports.fakeProvider.askedFor).toEqual([{ ...open.backup, storage: 'roomy' }])
    expect(await claimIn(ports)).toMatchObject({ storage: 'roomy', backup: open.backup })
  })

  it('is when: the time of asking, not that of finding the job', async () => {
    const ports = fakePorts()
    loseAnswers(ports)
    const at = ports.now().toISOString()
    await expect(startBackup(mine, ports)).rejects.toThrow('answer lost')
    pass(ports, 30)
    expect(await startBackup(mine, ports)).toMatchObject({ startedAt: at, adopted: true })
  })
})

describe('an answer that was lost', () => {
  it('is waited for until it must have shown, to the second', async () => {
    const ports = fakePorts()
    ports.fakeProvider.onStart = () => Promise.reject(new BackupStartUnclear('answer lost'))
    await expect(startBackup(mine, ports)).rejects.toThrow('answer lost')
    pass(ports, START_SETTLES_SECONDS - 1)
    await expect(startBackup(mine, ports)).rejects.toThrow(/the answer was lost/)
    expect(asked(ports)).toBe(1)
    pass(ports, 1)
    await expect(startBackup(mine, ports)).rejects.toThrow('answer lost')
    expect(asked(ports)).toBe(2)
  })

  it('leaves the job on the storage that was chosen for it, however the storages are by now', async () => {
    const ports = fakePorts()
    ports.fakeProvider.storageRecords = [roomy]
    loseAnswers(ports)
    await expect(startBackup({ item: open, execution }, ports)).rejects.toThrow('answer lost')
    ports.fakeProvider.storageRecords = [{ ...roomy, storage: 'other' }]
    pass(ports, 30)
    expect(await startBackup({ item: open, execution }, ports)).toMatchObject({ storage: 'roomy', adopted: true })
  })

  it('of a run that died is found by the next: with its storage, clock and token, and the time when it is found', async () => {
    const ports = fakePorts()
    ports.fakeProvider.storageRecords = [roomy]
    loseAnswers(ports)
    await expect(startBackup({ item: { ...itemOf('dead'), backup: open.backup }, execution }, ports)).rejects.toThrow(
      'answer lost',
    )
    const before = await claimIn(ports)
    ports.fakeProvider.storageRecords = [{ ...roomy, storage: 'other' }]
    pass(ports, LEASE_SECONDS + 1)
    const next = { item: { ...itemOf('next'), backup: open.backup }, execution: 'next' }
    const now = ports.now().toISOString()
    expect(await startBackup(next, ports)).toMatchObject({
      jobRef: 'job-1',
      adopted: true,
      storage: 'roomy',
      startedAt: now,
    })
    expect(await claimIn(ports)).toMatchObject({ runId: 'next', jobRef: 'job-1', token: before.token, startedAt: now })
    expect(asked(ports)).toBe(1)
  })

  it('of a run that died and noted no storage: where the job would dump to now', async () => {
    const ports = fakePorts()
    ports.fakeProvider.storageRecords = [roomy]
    await startBackup({ item: open, execution }, ports)
    const { storage: _, ...old } = await claimIn(ports)
    await ports.store.writeText('claims/hq/vm-100.json', JSON.stringify(old))
    expect(await startBackup({ item: open, execution }, ports)).toMatchObject({ storage: 'roomy', adopted: true })
    const named = fakePorts()
    await startBackup(mine, named)
    const { storage: __, ...older } = await claimIn(named)
    await named.store.writeText('claims/hq/vm-100.json', JSON.stringify(older))
    expect(await startBackup(mine, named)).toMatchObject({ storage: item.backup.storage, adopted: true })
  })

  it('keeps the claim alive while a job that may be ours shows nothing, and the run says what it waits for', async () => {
    const ports = fakePorts()
    ports.fakeProvider.onStart = async () => {
      ports.fakeProvider.jobs = [{ jobRef: 'queued', startedAt: '2026-11-22T02:00:05.000Z', running: true }]
      throw new BackupStartUnclear('answer lost')
    }
    await expect(startBackup(mine, ports)).rejects.toThrow('answer lost')
    pass(ports, RENEW_AFTER_SECONDS)
    const { reason } = { reason: '', ...(await startBackup(mine, ports)) }
    expect((await claimIn(ports)).renewedAt).toBe(ports.now().toISOString())
    const progress = (await ports.store.readText(`${item.run.prefix}progress/100.json`))?.text ?? ''
    expect(JSON.parse(progress)).toMatchObject({ stage: 'waiting', reason })
    expect(reason).toContain('queued')
  })
})

describe('a guest that waits for its turn', () => {
  it('renews its claim when that is due, and not each time it asks', async () => {
    const ports = fakePorts()
    const neighbour = { ...item, guest: { ...item.guest, id: '200' } }
    ports.fakeProvider.guests = ['100', '200'].map((id) => ({ ...item.guest, id, nodeOffline: false }))
    await startBackup({ item: neighbour, execution: 'neighbour' }, ports)
    const since = ports.now().toISOString()
    expect(await startBackup(mine, ports)).toHaveProperty('waitSeconds')
    pass(ports, RENEW_AFTER_SECONDS - 1)
    await startBackup(mine, ports)
    expect((await claimIn(ports)).renewedAt).toBe(since)
    pass(ports, 1)
    await startBackup(mine, ports)
    expect((await claimIn(ports)).renewedAt).toBe(ports.now().toISOString())
  })
})

describe('jobs that were there before a backup was asked for', () => {
  it('are noted, so that none of them passes for the one that was asked for', async () => {
    const ports = fakePorts()
    ports.fakeProvider.jobs = [{ jobRef: 'earlier', startedAt: '2026-11-22T01:59:00.000Z', running: false }]
    await startBackup(mine, ports)
    expect((await claimIn(ports)).knownJobRefs).toEqual(['earlier'])
  })

  it('don’t pass for it either where a claim of this run was left without a token', async () => {
    const ports = fakePorts()
    const claim = { ...newClaim(claimant, ports.now()), askedAt: '2026-11-22T01:58:00.000Z', knownJobRefs: ['known'] }
    await ports.store.writeText('claims/hq/vm-100.json', JSON.stringify(claim))
    ports.fakeProvider.jobs = [{ jobRef: 'known', startedAt: '2026-11-22T01:57:00.000Z', running: true }]
    ports.fakeProvider.marks['known'] = {}
    await expect(startBackup(mine, ports)).rejects.toMatchObject({ name: 'GuestBusy' })
    expect(asked(ports)).toBe(0)
  })
})

describe('a platform that takes every backup at once', () => {
  const { turns: _none, ...atOnce } = proxmoxTraits

  it('is asked for all of them, and no queue is written', async () => {
    const ports = fakePorts()
    ports.fakeProvider.traits = atOnce
    ports.fakeProvider.guests = ['100', '200'].map((id) => ({ ...item.guest, id, nodeOffline: false }))
    const neighbour = { ...item, guest: { ...item.guest, id: '200' } }
    expect(await startBackup({ item: neighbour, execution: 'neighbour' }, ports)).toHaveProperty('jobRef')
    expect(await startBackup(mine, ports)).toMatchObject({ adopted: false, storage: item.backup.storage })
    expect(await ports.store.listKeys('dumps/')).toEqual([])
  })
})

describe('where an archive goes', () => {
  async function toldTo(flow: 'copy' | 'native'): Promise<Destination | undefined> {
    const ports = fakePorts()
    ports.keyPrefix = 'ours/'
    ports.clock.now = new Date('2026-11-22T02:00:05.678Z')
    ports.fakeProvider.traits = { ...proxmoxTraits, flow }
    await startBackup(mine, ports)
    return ports.fakeProvider.destinations[0]
  }

  it('is told to a platform that writes it to the bucket itself: the folder of the second when it was asked for', async () => {
    expect(await toldTo('native')).toEqual({
      bucket: 'memory',
      folder: 'ours/archives/hq/vm-100/2026-11-22T02-00-05Z/',
      createdAt: '2026-11-22T02:00:05.000Z',
    })
  })

  it('is not told to one whose archives are copied', async () => {
    expect(await toldTo('copy')).toBeUndefined()
  })
})
