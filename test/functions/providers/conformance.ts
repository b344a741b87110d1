/** What every provider must do, whatever its platform: the comments of `functions/providers/provider.ts` as tests. */
import { evidenceOf, freed } from './gathered.ts'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { backupEvidenceSchema, clockOffsetSchema } from '../../../functions/contracts/evidence.ts'
import { GuestliftError } from '../../../functions/contracts/errors.ts'
import { type BackupOptions, backupOptionsSchema } from '../../../functions/contracts/backup-options.ts'
import { judgeProxmox as judge } from '../../fakes/judge.ts'
import { guestIdentitySchema, guestIdSchema, guestSchema, instantSchema } from '../../../functions/contracts/nouns.ts'
import { SELECTION_KEYS } from '../../../functions/contracts/selection.ts'
import { compareIds } from '../../../functions/domain/identity/compare-ids.ts'
import { offered } from '../../../functions/providers/capabilities/offered.ts'
import type { FoundGuest } from '../../../functions/providers/guest-facts.ts'
import type { Provider } from '../../../functions/providers/provider.ts'

/** A site that the suite may use up, and what the suite can't do to it through a provider. */
export interface ProviderHarness {
  provider: Provider
  /** Ids of guests that can be backed up, and of one that nobody knows. */
  vm: string
  container: string
  unknown: string
  /** A storage that takes backups. */
  storage: string
  /** From now on jobs run until `releaseJobs`; without them they end by themselves within seconds. */
  holdJobs(): void
  releaseJobs(): void
  /** Have another operation lock a guest's configuration, and free it again. */
  lock(guestId: string, locked: boolean): void
  /** Seconds since 1970 on the platform. */
  platformNow(): number
  close(): Promise<void>
}

/**
 * Run the suite over one platform. Each test stands alone but for the site they share; backups are of small guests.
 * @param open called once; the harness is closed after the last test
 */
export function describeProvider(name: string, open: () => Promise<ProviderHarness>): void {
  describe(`the provider for ${name}`, () => {
    let harness: ProviderHarness
    let provider: Provider
    beforeAll(async () => {
      harness = await open()
      provider = harness.provider
    })
    afterAll(async () => {
      await harness.close()
    })

    const options = (more: Partial<BackupOptions> = {}): BackupOptions =>
      backupOptionsSchema.parse({ storage: harness.storage, ...more })
    const since = () => new Date((harness.platformNow() - 3600) * 1000)

    async function find(id: string): Promise<FoundGuest> {
      const [guest] = await provider.findGuests([id])
      if (guest === undefined) throw new Error(`the harness's guest ${id} isn't there`)
      return guest
    }

    async function ended(jobRef: string): Promise<void> {
      for (let looks = 0; (await provider.check(jobRef)).running; looks += 1) {
        if (looks > 300) throw new Error(`${jobRef} doesn't end`)
        await new Promise((resolve) => setTimeout(resolve, 100))
      }
    }

    it('says which version answers', async () => {
      expect((await provider.identify()).version).toMatch(/^\d+\.\d+/)
    })

    it('says which cluster answers, each time the same', async () => {
      const id = await provider.clusterId()
      expect(id).toMatch(/./)
      expect(await provider.clusterId()).toBe(id)
    })

    it('lacks no privilege for what the harness prepared', async () => {
      const work = { guestIds: [harness.vm, harness.container], storage: harness.storage, deleteSource: true }
      expect(await provider.missingPrivileges(work)).toEqual([])
    })

    it('finds guests where they are, each once, and passes over unknown ids', async () => {
      const found = await provider.findGuests([harness.vm, harness.unknown, harness.container])
      expect(found.map(({ id }) => id).toSorted()).toEqual([harness.vm, harness.container].toSorted())
      expect(found.find(({ id }) => id === harness.vm)?.kind).toBe('vm')
      expect(found.find(({ id }) => id === harness.container)?.kind).toBe('container')
      for (const { lock, nodeOffline, ...guest } of found) {
        expect(guestSchema.parse(guest)).toEqual(guest)
        expect({ lock, nodeOffline }).toEqual({ lock: undefined, nodeOffline: false })
      }
      expect(await provider.findGuests([harness.unknown])).toEqual([])
      expect(await provider.findGuests([])).toEqual([])
    })

    it('knows keys by which guests are chosen, ids among them, and says what seeing a guest takes', () => {
      expect(provider.selectionKeys).toContain('ids')
      expect(SELECTION_KEYS).toEqual(expect.arrayContaining([...provider.selectionKeys]))
      expect(provider.privilegeToSee(harness.vm)).toContain(harness.vm)
      expect(provider.privilegeToSee()).toMatch(/\S/)
    })

    it('lists all guests as it finds them one by one, and none may be missing from the list', async () => {
      const { guests, mayLack } = await provider.listGuests('everything')
      expect(mayLack).toBeUndefined()
      const ids = guests.map(({ id }) => id)
      expect(ids).toEqual([...new Set(ids)].toSorted(compareIds))
      for (const id of ids) expect(guestIdSchema.parse(id)).toBe(id)
      expect(ids).toEqual(expect.arrayContaining([harness.vm, harness.container]))
      const found = await provider.findGuests(ids)
      for (const { id, kind, name, node } of found) {
        expect(guests.find((guest) => guest.id === id)).toMatchObject({ kind, name, node, missingPrivileges: [] })
      }
      expect(found).toHaveLength(guests.length)
    })

    it('tells who a guest is, the same by its id and in a list, and different guests apart', async () => {
      const found = await provider.findGuests([harness.vm, harness.container])
      expect(new Set(found.map(({ identity }) => identity?.id)).size).toBe(2)
      for (const depth of ['identities', 'everything'] as const) {
        const { guests } = await provider.listGuests(depth)
        for (const { id, identity } of found) {
          expect(guestIdentitySchema.parse(identity)).toEqual(identity)
          expect(guests.find((guest) => guest.id === id)?.identity).toEqual(identity)
        }
      }
    })

    it('tells how far its clock is off, at any time and when a backup starts', async () => {
      const { node } = await find(harness.vm)
      const asked = Date.now()
      const trueOffset = () => harness.platformNow() - Date.now() / 1000
      const clock = clockOffsetSchema.parse(await provider.clock(node))
      expect(Math.abs(clock.offsetSeconds - trueOffset())).toBeLessThanOrEqual(clock.uncertaintySeconds + 1)
      expect(Date.parse(clock.measuredAt)).toBeGreaterThan(asked - 60_000)
      expect(provider.clockToleranceSeconds).toBeGreaterThanOrEqual(60)
    })

    it("tells a guest's disks, and that a backup holds some of them", async () => {
      for (const id of [harness.vm, harness.container]) {
        const { disks } = await provider.describeGuest(await find(id))
        expect(disks.filter(({ included }) => included).length).toBeGreaterThan(0)
        for (const { reason } of disks) expect(reason).not.toBe('')
      }
    })

    it('tells a storage as a node sees it, and that one that does not exist is not there', async () => {
      const { node } = await find(harness.vm)
      const found = await offered(provider, 'storages').describe(harness.storage, node)
      expect(found).toMatchObject({ storage: harness.storage, node, takesBackups: true, enabled: true, active: true })
      expect(found?.freeBytes).toBeGreaterThan(0)
      expect(found?.freeBytes).toBeLessThanOrEqual(found?.totalBytes ?? 0)
      expect(await offered(provider, 'storages').describe('no-such-storage', node)).toBeUndefined()
    })

    it('shows a lock on a guest while it is there', async () => {
      harness.lock(harness.vm, true)
      expect((await find(harness.vm)).lock).toMatch(/./)
      harness.lock(harness.vm, false)
      expect((await find(harness.vm)).lock).toBeUndefined()
    })

    it.each(['vm', 'container'] as const)('backs up a %s: start, list, follow, prove, read, remove', async (kind) => {
      const guest = await find(harness[kind])
      const before = await provider.findJobs(guest, since())
      const notes = 'before "the" upgrade: C:\\new {{x}} ü'
      const token = `0f1e2d3c4b5a69${kind === 'vm' ? '01' : '02'}`
      const { clock, ...job } = await provider.start(guest, options({ notes }), token)
      const { offsetSeconds, uncertaintySeconds } = clockOffsetSchema.parse(clock)
      const trueOffset = harness.platformNow() - Date.now() / 1000
      expect(Math.abs(offsetSeconds - trueOffset)).toBeLessThanOrEqual(uncertaintySeconds + 1)
      instantSchema.parse(job.startedAt)
      expect(job.running).toBe(true)
      expect(before.map(({ jobRef }) => jobRef)).not.toContain(job.jobRef)

      await ended(job.jobRef)
      const [newest] = await provider.findJobs(guest, since())
      expect(newest).toEqual({ jobRef: job.jobRef, startedAt: job.startedAt, running: false })
      expect(await provider.readMark(job.jobRef)).toEqual({ token })

      const evidence = await evidenceOf(provider, job.jobRef, guest, harness.storage)
      expect(backupEvidenceSchema.parse(evidence)).toEqual(evidence)
      expect(judge(evidence)).toMatchObject({ name: 'archived', good: true })
      expect(evidence).toMatchObject({ jobRef: job.jobRef, jobStartedAt: job.startedAt, ending: 'ok' })
      expect(evidence.notes).toContain('before "the" upgrade: C:\\new')
      // The mark is ours and no part of what people wrote.
      expect(evidence.notes?.endsWith('ü')).toBe(true)

      const log = await offered(provider, 'tasks').log(job.jobRef)
      expect(log).toContain(evidence.archiveName)
      expect(log.endsWith('\n')).toBe(true)

      const { artifactRef = '', location } = evidence.listed ?? {}
      await freed(provider, artifactRef, location?.node ?? '')
      const after = await evidenceOf(provider, job.jobRef, guest, harness.storage)
      expect(judge(after).name).toBe('archive-missing')
      // Gone already: fine.
      await freed(provider, artifactRef, location?.node ?? '')
    })

    it.each(['zstd', 'gzip', 'lzo', 'none'] as const)('takes compress %s', async (compress) => {
      const guest = await find(harness.container)
      const { jobRef } = await provider.start(guest, options({ compress, mode: 'stop' }))
      await ended(jobRef)
      expect(await provider.readMark(jobRef)).toEqual({})
      const evidence = await evidenceOf(provider, jobRef, guest, harness.storage)
      expect(judge(evidence).good).toBe(true)
      await freed(provider, evidence.listed?.artifactRef ?? '', guest.node)
    })

    it('keeps older archives when it makes a new one', async () => {
      const guest = await find(harness.container)
      const archives: string[] = []
      for (let round = 0; round < 2; round += 1) {
        const { jobRef } = await provider.start(guest, options())
        await ended(jobRef)
        const evidence = await evidenceOf(provider, jobRef, guest, harness.storage)
        archives.push(evidence.listed?.artifactRef ?? '')
        // Names hold the second.
        await new Promise((resolve) => setTimeout(resolve, 1100))
      }
      expect(new Set(archives).size).toBe(2)
      for (const artifactRef of archives) await freed(provider, artifactRef, guest.node)
    })

    it('lists an archive, changes its notes and protection, refuses to remove it while protected, then removes it', async () => {
      const guest = await find(harness.container)
      const { jobRef, startedAt } = await provider.start(guest, options({ notes: 'first line' }))
      await ended(jobRef)
      const { listed } = await evidenceOf(provider, jobRef, guest, harness.storage)
      const filter = { storage: harness.storage, guestId: guest.id }
      const listing = await offered(provider, 'archivesOnPlatform').list(filter)
      expect(listing).toMatchObject({ unread: [], hidden: [] })
      const archive = listing.archives.find(({ artifactRef }) => artifactRef === listed?.artifactRef)
      expect(archive).toMatchObject({
        node: guest.node,
        storage: harness.storage,
        guestId: guest.id,
        guestKind: 'container',
        sizeBytes: listed?.sizeBytes,
        createdAt: listed?.createdAt,
        protected: false,
        encrypted: false,
      })
      expect(archive?.notes).toContain('first line')
      expect(listing.archives.map(({ createdAt }) => createdAt)).toEqual(
        listing.archives
          .map(({ createdAt }) => createdAt)
          .toSorted()
          .toReversed(),
      )
      expect(startedAt <= (archive?.createdAt ?? '')).toBe(true)
      const ref = archive?.artifactRef ?? ''

      const marks = { notes: 'before the "upgrade"\n100 % ü', protected: true }
      expect(await offered(provider, 'archivesOnPlatform').editMarks(ref, guest.node, marks)).toEqual(marks)
      expect(await offered(provider, 'archivesOnPlatform').editMarks(ref, guest.node, { notes: '' })).toEqual({
        notes: '',
        protected: true,
      })
      expect(await offered(provider, 'archivesOnPlatform').readMarks(ref, guest.node)).toEqual({
        notes: '',
        protected: true,
      })
      expect(await offered(provider, 'archivesOnPlatform').remove(ref, guest.node)).toBe('protected')
      const preview = async () =>
        (await offered(provider, 'archivesOnPlatform').previewPrune(filter, { 'keep-last': 1 })).marks.find(
          ({ artifactRef }) => artifactRef === ref,
        )
      expect(await preview()).toMatchObject({ mark: 'protected', guestId: guest.id, guestKind: 'container' })
      expect(
        (await offered(provider, 'archivesOnPlatform').editMarks(ref, guest.node, { protected: false })).protected,
      ).toBe(false)
      expect((await preview())?.mark).toBe('keep')
      expect(await offered(provider, 'archivesOnPlatform').remove(ref, guest.node)).toBe('removed')
      expect(await offered(provider, 'archivesOnPlatform').remove(ref, guest.node)).toBe('gone')
      expect(await offered(provider, 'archivesOnPlatform').readMarks(ref, guest.node)).toBeUndefined()
      await expect(
        offered(provider, 'archivesOnPlatform').editMarks(ref, guest.node, { notes: 'x' }),
      ).rejects.toMatchObject({
        name: 'SourceUnreadable',
      })
    })

    it.each(['vm', 'container'] as const)(
      'stops and starts a %s, and says when there was nothing to do',
      async (kind) => {
        const guest = await find(harness[kind])
        const order = (action: 'start' | 'shutdown' | 'stop' | 'reboot') =>
          offered(provider, 'power').order(guest, action, { timeoutSeconds: 60 })
        await order('start')
        expect(await order('start')).toMatchObject({ changed: false, state: { status: 'running' } })
        expect(await order('reboot')).toMatchObject({ changed: true, state: { status: 'running' } })
        expect(await order('shutdown')).toMatchObject({ changed: true, state: { status: 'stopped' } })
        expect(await order('stop')).toMatchObject({ changed: false, state: { status: 'stopped' } })
        await expect(order('reboot')).rejects.toMatchObject({ name: 'RequestRejected' })
        expect((await order('start')).jobRef).toMatch(/./)
        expect(await order('stop')).toMatchObject({ changed: true })
        harness.lock(guest.id, true)
        await expect(order('start')).rejects.toMatchObject({ name: 'GuestLocked' })
        harness.lock(guest.id, false)
        await order('start')
        expect(await offered(provider, 'power').state(guest)).toMatchObject({ status: 'running', template: false })
      },
    )

    it('shows a running job as running, stops it, and what it leaves is never good', async () => {
      harness.holdJobs()
      const guest = await find(harness.vm)
      const { jobRef } = await provider.start(guest, options())
      expect((await provider.check(jobRef)).running).toBe(true)
      expect((await provider.findJobs(guest, since())).find((job) => job.jobRef === jobRef)?.running).toBe(true)
      expect(judge(await evidenceOf(provider, jobRef, guest, harness.storage)).good).toBe(false)
      const { jobs } = await offered(provider, 'tasks').list(since())
      expect(jobs.find((job) => job.jobRef === jobRef)).toMatchObject({ running: true, guestId: guest.id })
      expect(await offered(provider, 'tasks').describe(jobRef)).toMatchObject({ running: true, guestId: guest.id })
      expect((await offered(provider, 'locks').awaitFreed(guest, 0))?.advice).toMatch(/./)
      await provider.stop(jobRef, 20)
      harness.releaseJobs()
      expect(await offered(provider, 'locks').awaitFreed(guest, 20)).toBeUndefined()
      expect(await offered(provider, 'tasks').describe(jobRef)).toMatchObject({ running: false })
      expect((await provider.check(jobRef)).running).toBe(false)
      expect(judge(await evidenceOf(provider, jobRef, guest, harness.storage)).good).toBe(false)
      // Stopped already: left alone.
      await provider.stop(jobRef, 5)
    })

    it('finds no jobs of the future, and none of a guest that has none', async () => {
      const guest = await find(harness.vm)
      const tomorrow = new Date((harness.platformNow() + 86_400) * 1000)
      expect(await provider.findJobs(guest, tomorrow)).toEqual([])
      expect(await provider.findJobs({ ...guest, id: harness.unknown }, since())).toEqual([])
    })

    it('ends in an error of ours for a node, a storage or a job that does not exist', async () => {
      const guest = await find(harness.vm)
      const lost = [
        provider.start({ ...guest, node: 'nosuchnode' }, options()),
        provider.findJobs({ ...guest, node: 'nosuchnode' }, since()),
        provider.check('nosuchjob'),
        evidenceOf(provider, 'nosuchjob', guest, harness.storage),
        freed(provider, 'nosuchartifact', guest.node),
      ]
      for (const result of await Promise.allSettled(lost)) {
        expect(result.status === 'rejected' && result.reason instanceof GuestliftError).toBe(true)
      }
    })
  })
}
