import { describe, expect, it } from 'vitest'
import {
  BackupPutOff,
  BackupStartUnclear,
  GuestLocked,
  GuestLockedBriefly,
  GuestLockStays,
  NothingBackedUp,
  PlatformUnavailable,
} from '../../../../functions/contracts/errors.ts'
import {
  guestClaimSchema,
  LEASE_SECONDS,
  newClaim,
  START_SETTLES_SECONDS,
} from '../../../../functions/domain/backup/guest-claim.ts'
import { ownClaim } from '../../../../functions/operations/books/claims.ts'
import { recordFailure } from '../../../../functions/operations/backup/record-failure.ts'
import { startBackup } from '../../../../functions/operations/backup/start-backup.ts'
import { begun } from '../../../fakes/begun.ts'
import { goodEvidence } from '../../../fakes/evidence.ts'
import { claimant, execution, fakePorts, item, itemOf } from '../../../fakes/ports.ts'

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
    ['keeps no files', { type: 'pbs', backupsAreFiles: false }, /is of type pbs, whose backups aren't files/],
    ["can't be reached", { active: false }, /can't be reached from the node/],
  ])('asks for nothing on a storage that %s, as the plan says', async (_name, changes, reason) => {
    const ports = fakePorts()
    const { storage } = item.backup
    ports.fakeProvider.storageRecords = [
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

  it.each([
    ['is waited for when it is soon gone', GuestLockedBriefly, 'retry'],
    ['skips the guest when it ends by itself', GuestLocked, 'skip'],
    ['fails the guest when a person has to act', GuestLockStays, 'fail-guest'],
  ])('asks for nothing while the guest is locked: a lock %s', async (_name, lockMeans, group) => {
    const ports = fakePorts()
    ports.fakeProvider.lockMeans = lockMeans
    ports.fakeProvider.guests = [{ ...item.guest, nodeOffline: false, lock: 'any' }]
    await expect(startBackup({ item, execution }, ports)).rejects.toMatchObject({ name: lockMeans.errorName, group })
    expect(asks(ports.fakeProvider.calls)).toBe(0)
    ports.fakeProvider.guests = [{ ...item.guest, nodeOffline: false }]
    expect(begun(await startBackup({ item, execution }, ports)).adopted).toBe(false)
  })

  it('asks for nothing that the retention of the storage would refuse', async () => {
    const ports = fakePorts()
    Object.assign(ports.fakeProvider.storages, { refusalByRetention: () => Promise.resolve('It is full.') })
    await expect(startBackup({ item, execution }, ports)).rejects.toMatchObject({
      name: 'StorageUnusable',
      message: expect.stringMatching(/guest \d+: It is full\. The dump was not begun\.$/),
    })
    expect(asks(ports.fakeProvider.calls)).toBe(0)
  })

  it('waits a minute when the platform is full of backups, and asks at once then', async () => {
    const ports = fakePorts()
    const { onStart } = ports.fakeProvider
    ports.fakeProvider.onStart = () => Promise.reject(new BackupPutOff('As many as may be.'))
    const waiting = { waitSeconds: 60, reason: 'As many as may be.' }
    expect(await startBackup({ item, execution }, ports)).toEqual(waiting)
    // Nothing was begun, so there is no answer to wait for.
    expect(await startBackup({ item, execution }, ports)).toEqual(waiting)
    ports.fakeProvider.onStart = onStart
    expect(begun(await startBackup({ item, execution }, ports)).adopted).toBe(false)
  })

  it('gives up when the platform is full of backups for a week', async () => {
    const ports = fakePorts()
    ports.fakeProvider.onStart = () => Promise.reject(new BackupPutOff('As many as may be.'))
    const run = { ...item.run, startedAt: '2026-11-10T00:00:00.000Z' }
    await expect(startBackup({ item: { ...item, run }, execution }, ports)).rejects.toThrow(BackupPutOff)
  })

  it('adopts the job that an earlier attempt started without hearing the answer', async () => {
    const ports = fakePorts()
    const { onStart } = ports.fakeProvider
    ports.fakeProvider.onStart = async (guest, token) => {
      await onStart(guest, token)
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

  it('adopts the job of a lost answer that has ended as well, and tells it from all that look alike by its token', async () => {
    const ports = fakePorts()
    const { onStart } = ports.fakeProvider
    ports.fakeProvider.onStart = async (guest, token) => {
      await onStart(guest, token)
      throw new BackupStartUnclear('answer lost')
    }
    await expect(startBackup({ item, execution }, ports)).rejects.toThrow(BackupStartUnclear)
    const ended = ports.fakeProvider.jobs.map((job) => ({ ...job, running: false }))
    const theirs = { jobRef: 'theirs', startedAt: '2026-11-22T02:00:09.000Z', running: true }
    ports.fakeProvider.marks['theirs'] = { token: 'ffffffffffffffff' }
    ports.fakeProvider.jobs = [theirs, ...ended]
    later(ports, 30)
    await expect(startBackup({ item, execution }, ports)).resolves.toMatchObject({ jobRef: 'job-1', adopted: true })
  })

  it('writes down the token before it asks, and asks again with the same one', async () => {
    const ports = fakePorts()
    const tokens: unknown[] = []
    ports.fakeProvider.onStart = async (_guest, token) => {
      const claim = guestClaimSchema.parse(
        JSON.parse((await ports.store.readText('claims/hq/vm-100.json'))?.text ?? '{}'),
      )
      tokens.push(token, claim.token)
      throw new BackupStartUnclear('answer lost')
    }
    for (let call = 0; call < 2; call++) {
      await expect(startBackup({ item, execution }, ports)).rejects.toThrow(BackupStartUnclear)
      later(ports, START_SETTLES_SECONDS + 1)
    }
    expect(tokens).toEqual(Array.from({ length: 4 }, () => '0000000000000000'))
  })

  it.each([
    ['without a token', {}],
    ['with another token', { token: 'ffffffffffffffff' }],
    ['that shows no mark yet', undefined],
  ])('neither adopts nor doubles a running job of the account %s', async (_, mark) => {
    const ports = fakePorts()
    ports.fakeProvider.jobs = [{ jobRef: 'nightly', startedAt: '2026-11-22T01:00:00.000Z', running: true }]
    if (mark !== undefined) ports.fakeProvider.marks['nightly'] = mark
    await expect(startBackup({ item, execution }, ports)).rejects.toMatchObject({
      name: 'GuestBusy',
      group: 'skip',
      message: expect.stringContaining("by a job that this run didn't start (nightly)"),
    })
    expect(asks(ports.fakeProvider.calls)).toBe(0)
  })

  it('waits while a job that began after a lost answer shows nothing yet, and takes it once it does', async () => {
    const ports = fakePorts()
    ports.fakeProvider.onStart = async () => {
      ports.fakeProvider.jobs = [{ jobRef: 'queued', startedAt: '2026-11-22T02:00:05.000Z', running: true }]
      throw new BackupStartUnclear('answer lost')
    }
    await expect(startBackup({ item, execution }, ports)).rejects.toThrow(BackupStartUnclear)
    later(ports, START_SETTLES_SECONDS + 1)
    const wait = await startBackup({ item, execution }, ports)
    expect(wait).toMatchObject({ waitSeconds: 60, reason: expect.stringContaining('queued') })
    ports.fakeProvider.marks['queued'] = { token: '0000000000000000' }
    expect(begun(await startBackup({ item, execution }, ports)).jobRef).toBe('queued')
    expect(asks(ports.fakeProvider.calls)).toBe(1)
  })

  it('gives up such waiting after a day, and leaves the job alone', async () => {
    const ports = fakePorts()
    ports.fakeProvider.onStart = async () => {
      ports.fakeProvider.jobs = [{ jobRef: 'queued', startedAt: '2026-11-22T02:00:05.000Z', running: true }]
      throw new BackupStartUnclear('answer lost')
    }
    await expect(startBackup({ item, execution }, ports)).rejects.toThrow(BackupStartUnclear)
    later(ports, 25 * 3600)
    await expect(startBackup({ item, execution }, ports)).rejects.toMatchObject({ name: 'GuestBusy' })
  })

  it('waits for a job that an older version asked for without a token, and starts its own when that has ended', async () => {
    const ports = fakePorts()
    const claim = { ...newClaim(claimant, ports.now()), askedAt: '2026-11-22T01:58:00.000Z' }
    await ports.store.writeText('claims/hq/vm-100.json', JSON.stringify(claim))
    const job = { jobRef: 'old', startedAt: '2026-11-22T01:58:01.000Z', running: true }
    ports.fakeProvider.jobs = [job]
    ports.fakeProvider.marks['old'] = {}
    expect(await startBackup({ item, execution }, ports)).toMatchObject({ waitSeconds: 60 })
    ports.fakeProvider.jobs = [{ ...job, running: false }]
    expect(begun(await startBackup({ item, execution }, ports))).toMatchObject({ adopted: false })
  })

  describe('after a run that died without a word', () => {
    async function dead(backup = item.backup) {
      const ports = fakePorts()
      await startBackup({ item: { ...itemOf('dead'), backup }, execution }, ports)
      later(ports, LEASE_SECONDS + 1)
      return ports
    }

    it('goes on with the job that its claim names, if it runs and was asked for with the same options', async () => {
      const ports = await dead()
      ports.fakeProvider.running = true
      const next = { item: itemOf('next'), execution: 'next' }
      expect(begun(await startBackup(next, ports))).toMatchObject({ jobRef: 'job-1', adopted: true })
      // The token went along, so that this run may stop it.
      await recordFailure({ ...next, error: { Error: 'RunInterrupted', Cause: '{}' } }, ports)
      expect(ports.fakeProvider.calls).toContain('stopBackup job-1')
    })

    const identity = { id: 'smbios:0f0e0d0c-0b0a-4009-8807-060504030201' }
    const other = { id: 'smbios:11111111-1111-4111-8111-111111111111' }

    /** It asked for a backup and never heard the answer: only its token tells the job. */
    async function deadAsking() {
      const ports = fakePorts()
      ports.fakeProvider.guests = [{ ...item.guest, identity, nodeOffline: false }]
      const { onStart } = ports.fakeProvider
      ports.fakeProvider.onStart = async (guest, token) => {
        await onStart(guest, token)
        throw new BackupStartUnclear('answer lost')
      }
      await expect(startBackup({ item: itemOf('dead'), execution }, ports)).rejects.toThrow(BackupStartUnclear)
      later(ports, LEASE_SECONDS + 1)
      return ports
    }

    it('leaves the job of another guest that had the id alone, also where only its token tells it', async () => {
      const ports = await deadAsking()
      ports.fakeProvider.guests = [{ ...item.guest, identity: other, nodeOffline: false }]
      const next = { item: itemOf('next'), execution: 'next' }
      await expect(startBackup(next, ports)).rejects.toMatchObject({ name: 'GuestBusy' })
    })

    it('remembers of whom an adopted job is: kept after a failure, it serves no other guest with the id', async () => {
      const ports = await deadAsking()
      const next = { item: itemOf('next'), execution: 'next' }
      expect(begun(await startBackup(next, ports))).toMatchObject({ jobRef: 'job-1', adopted: true })
      ports.fakeProvider.jobs = ports.fakeProvider.jobs.map((job) => ({ ...job, running: false }))
      ports.fakeProvider.evidence = goodEvidence
      await recordFailure({ ...next, error: { Error: 'StoreDenied', Cause: '403' } }, ports)
      expect((await ownClaim(next, ports))?.claim).toMatchObject({ guest: { identity }, backup: item.backup })
      ports.fakeProvider.guests = [{ ...item.guest, identity: other, nodeOffline: false }]
      const { guest } = item
      ports.fakeProvider.onStart = async () => ({
        jobRef: 'job-2',
        startedAt: '2026-11-22T03:00:00.000Z',
        running: true,
      })
      const third = { item: { ...itemOf('third'), guest: { ...guest, identity: other } }, execution: 'third' }
      expect(begun(await startBackup(third, ports))).toMatchObject({ adopted: false })
    })

    it('leaves a job with other options alone, and finds the guest busy', async () => {
      const ports = await dead({ ...item.backup, storage: 'nas' })
      const next = { item: itemOf('next'), execution: 'next' }
      await expect(startBackup(next, ports)).rejects.toMatchObject({ name: 'GuestBusy' })
      await recordFailure({ ...next, error: { Error: 'GuestBusy', Cause: '{}' } }, ports)
      expect(ports.fakeProvider.calls.filter((call) => call.startsWith('stopBackup'))).toEqual([])
    })

    it.each([
      ['goes on with its archive when that job has ended well', goodEvidence, { jobRef: 'job-1', adopted: true }],
      [
        'starts a backup of its own when that job has failed',
        { ...goodEvidence, ending: 'errors' as const },
        { jobRef: 'job-2', adopted: false },
      ],
    ])('%s', async (_what, evidence, expected) => {
      const ports = await dead()
      ports.fakeProvider.evidence = evidence
      ports.fakeProvider.jobs = ports.fakeProvider.jobs.map((job) => ({ ...job, running: false }))
      expect(begun(await startBackup({ item: itemOf('next'), execution: 'next' }, ports))).toMatchObject(expected)
    })
  })

  it('looks at every job that the node still lists, whatever its clock says of their age', async () => {
    const ports = fakePorts()
    await startBackup({ item, execution }, ports)
    expect(ports.fakeProvider.since).toEqual([new Date(0)])
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
    ports.fakeProvider.evidence = goodEvidence
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

describe('a clock that is off', () => {
  const off = (offsetSeconds: number) => ({
    offsetSeconds,
    uncertaintySeconds: 0.6,
    measuredAt: '2026-11-22T02:00:05.000Z',
  })

  it('by more than the site allows keeps a backup from being started', async () => {
    const ports = fakePorts()
    ports.fakeProvider.clockOffset = off(-157_680_000)
    await expect(startBackup({ item, execution }, ports)).rejects.toMatchObject({
      name: 'ClockOff',
      group: 'fail-guest',
      message: expect.stringMatching(/^Site hq, node pve1: its clock is 5 years behind.*No backup was started\..*NTP/),
    })
    expect(asks(ports.fakeProvider.calls)).toBe(0)
  })

  it('is allowed where the site says so, and kept in the claim', async () => {
    const ports = fakePorts()
    ports.fakeProvider.clockOffset = off(157_680_000)
    ports.fakeProvider.clockToleranceSeconds = 200_000_000
    await startBackup({ item, execution }, ports)
    expect((await ownClaim({ item, execution }, ports))?.claim.clock).toEqual(off(157_680_000))
  })

  it('that only the started job shows stops that job, at the first answer and at any repeated one', async () => {
    const ports = fakePorts()
    ports.fakeProvider.clockOffset = off(0)
    const { onStart } = ports.fakeProvider
    ports.fakeProvider.onStart = async (guest) => ({ ...(await onStart(guest)), clock: off(3600) })
    for (let call = 0; call < 2; call += 1) {
      await expect(startBackup({ item, execution }, ports)).rejects.toMatchObject({
        name: 'ClockOff',
        message: expect.stringContaining('The backup that just began is stopped.'),
      })
    }
    expect(asks(ports.fakeProvider.calls)).toBe(1)
    ports.fakeProvider.running = true
    await recordFailure({ item, execution, error: { Error: 'ClockOff', Cause: '{}' } }, ports)
    expect(ports.fakeProvider.calls).toContain('stopBackup job-1')
    const claim = (await ownClaim({ item, execution }, ports))?.claim
    expect(claim).toMatchObject({ released: true })
    // Repeating the guest starts another backup.
    expect(claim?.jobRef).toBeUndefined()
  })

  it('that is within the bound only when the doubt is counted is not refused', async () => {
    const ports = fakePorts()
    ports.fakeProvider.clockOffset = { ...off(905), uncertaintySeconds: 10 }
    await expect(startBackup({ item, execution }, ports)).resolves.toMatchObject({ adopted: false })
  })

  it('is measured by an answer for a job that is adopted', async () => {
    const ports = fakePorts()
    const { onStart } = ports.fakeProvider
    ports.fakeProvider.onStart = async (guest, token) => {
      await onStart(guest, token)
      throw new BackupStartUnclear('answer lost')
    }
    await expect(startBackup({ item, execution }, ports)).rejects.toThrow(BackupStartUnclear)
    ports.fakeProvider.clockOffset = off(42)
    await expect(startBackup({ item, execution }, ports)).resolves.toMatchObject({ adopted: true })
    expect((await ownClaim({ item, execution }, ports))?.claim.clock).toEqual(off(42))
  })

  it('looks for jobs of any time, since the node dates them', async () => {
    const ports = fakePorts()
    await startBackup({ item, execution }, ports)
    expect(ports.fakeProvider.since).toEqual([new Date(0)])
  })
})

describe('a guest whose id was given again', () => {
  const identity = { id: 'smbios:0f0e0d0c-0b0a-4009-8807-060504030201' }
  const planned = { ...item, guest: { ...item.guest, identity } }

  it.each([
    ['to another of its kind', { identity: { id: 'smbios:11111111-1111-4111-8111-111111111111' } }],
    ['to one with a copied identity, created at another time', { identity: { ...identity, witness: 'ctime:2' } }],
    ['to one of the other kind', { kind: 'container' as const }],
  ])('%s since it was planned fails, and nothing is dumped', async (_, now) => {
    const ports = fakePorts()
    const witnessed = { ...planned, guest: { ...planned.guest, identity: { ...identity, witness: 'ctime:1' } } }
    ports.fakeProvider.guests = [{ ...planned.guest, name: 'scratch', nodeOffline: false, ...now }]
    await expect(startBackup({ item: witnessed, execution }, ports)).rejects.toMatchObject({
      name: 'GuestReplaced',
      group: 'fail-guest',
      message: expect.stringMatching(/id 100 was vm web .* now another guest has it \((vm|container) scratch\)/),
    })
    expect(asks(ports.fakeProvider.calls)).toBe(0)
  })

  it.each([
    ['was planned before there were identities', item, identity],
    ['can’t be asked who it is now', planned, undefined],
    ['was renamed', planned, identity],
  ])('is not what a guest is that %s', async (_, by, now) => {
    const ports = fakePorts()
    const { identity: _planned, ...guest } = planned.guest
    ports.fakeProvider.guests = [
      { ...guest, name: 'renamed', nodeOffline: false, ...(now === undefined ? {} : { identity: now }) },
    ]
    await expect(startBackup({ item: by, execution }, ports)).resolves.toMatchObject({ adopted: false })
  })
})
