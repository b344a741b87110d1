/** What the core of every provider must do, however unlike its platform is: `functions/providers/provider.ts` as tests. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type BackupOptions, backupOptionsSchema } from '../../../functions/contracts/backup-options.ts'
import { backupEvidenceSchema, clockOffsetSchema } from '../../../functions/contracts/evidence.ts'
import { guestIdSchema, guestSchema, instantSchema, platformSchema } from '../../../functions/contracts/nouns.ts'
import { sideFileSchema } from '../../../functions/contracts/side-file.ts'
import { sourcesOf } from '../../../functions/domain/backup/sources.ts'
import { judge } from '../../../functions/domain/backup/verdict.ts'
import { compareIds } from '../../../functions/domain/identity/compare-ids.ts'
import type { FoundGuest } from '../../../functions/providers/guest-facts.ts'
import type { Destination, MadeByBackup, Provider } from '../../../functions/providers/provider.ts'
import type { JobSummary } from '../../../functions/providers/job-summary.ts'

/** A site that the suite may use up. */
export interface CoreHarness {
  provider: Provider
  /** Id of a guest that can be backed up, and one that nobody knows. */
  guest: string
  unknown: string
  /** Where the platform has storages. */
  storage?: string
  /** Where the platform writes to the bucket itself. */
  destination?: Destination
  close(): Promise<void>
}

const TOKEN = '0f1e2d3c4b5a6978'
/** Looks at a job or at a removal until the suite loses its patience. */
const MOST_LOOKS = 300

/** Run the suite over one platform. @param open called once; the harness is closed after the last test */
export function describeCore(name: string, open: () => Promise<CoreHarness>): void {
  describe(`the core of the provider for ${name}`, () => {
    let harness: CoreHarness
    let provider: Provider
    beforeAll(async () => {
      harness = await open()
      provider = harness.provider
    })
    afterAll(() => harness.close())

    const options = (): BackupOptions =>
      backupOptionsSchema.parse(harness.storage === undefined ? {} : { storage: harness.storage })
    const pause = () => new Promise((resolve) => setTimeout(resolve, 20))

    async function find(): Promise<FoundGuest> {
      const [guest] = await provider.findGuests([harness.guest])
      if (guest === undefined) throw new Error(`the harness's guest ${harness.guest} isn't there`)
      return guest
    }

    async function released(made: MadeByBackup): Promise<void> {
      for (let looks = 0; ; looks += 1) {
        const progress = await provider.release(made, false)
        if (progress.released) return
        expect(progress.waitSeconds).toBeGreaterThan(0)
        expect(progress.reason).toMatch(/\.$/)
        if (looks > MOST_LOOKS) throw new Error(progress.reason)
      }
    }

    it('names its platform, and says the same in its traits at any time', () => {
      expect(platformSchema.parse(provider.platform)).toBe(provider.platform)
      expect(provider.traits.guestKinds.length).toBeGreaterThan(0)
      expect(provider.traits.name).toMatch(/./)
      // A queue of storages without storages would be half a capability.
      expect(provider.traits.turns === undefined || 'storages' in provider || 'turnOf' in provider).toBe(true)
    })

    it('says which version and which cluster answers, the cluster each time the same', async () => {
      expect((await provider.identify()).version).toMatch(/\d/)
      expect(await provider.clusterId()).toBe(await provider.clusterId())
    })

    it('lists all guests by id as it finds them one by one, and passes over unknown ids', async () => {
      const { guests, mayLack } = await provider.listGuests('everything')
      expect(mayLack).toBeUndefined()
      const ids = guests.map(({ id }) => id)
      expect(ids).toEqual([...new Set(ids)].toSorted(compareIds))
      for (const id of ids) expect(guestIdSchema.parse(id)).toBe(id)
      expect(ids).toContain(harness.guest)
      expect(await provider.findGuests([harness.unknown])).toEqual([])
      expect(await provider.findGuests([])).toEqual([])
      const { lock, nodeOffline, ...guest } = await find()
      expect([guestSchema.parse(guest), lock, nodeOffline]).toEqual([guest, undefined, false])
      expect(guests.find(({ id }) => id === harness.guest)?.identity).toEqual(guest.identity)
    })

    it('tells how far its clock is off, or that nothing tells', async () => {
      const clock = await provider.clock((await find()).node)
      if (clock !== undefined) clockOffsetSchema.parse(clock)
      expect(provider.clockToleranceSeconds).toBeGreaterThanOrEqual(60)
    })

    it('lacks no privilege for what the harness prepared', async () => {
      const work = { guestIds: [harness.guest], storage: options().storage, deleteSource: true }
      expect(await provider.missingPrivileges(work)).toEqual([])
    })

    it('makes a backup that is known again by its token, proved, released, and then gone', async () => {
      const guest = await find()
      const since = new Date(Date.now() - 3_600_000)
      const before = await provider.findJobs(guest, since)
      const job: JobSummary = await provider.start(guest, options(), TOKEN, harness.destination)
      instantSchema.parse(job.startedAt)
      expect(before.map(({ jobRef }) => jobRef)).not.toContain(job.jobRef)
      for (let looks = 0; (await provider.check(job.jobRef)).running; looks += 1) {
        if (looks > MOST_LOOKS) throw new Error(`${job.jobRef} doesn't end`)
        await pause()
      }
      expect((await provider.findJobs(guest, since)).map(({ jobRef }) => jobRef)).toContain(job.jobRef)
      expect(await provider.readMark(job.jobRef)).toEqual({ token: TOKEN })

      const { evidence, sideFiles } = await provider.gather(job.jobRef, guest, options().storage)
      expect(backupEvidenceSchema.parse(evidence)).toEqual(evidence)
      for (const file of sideFiles) expect(sideFileSchema.parse(file)).toEqual(file)
      const names = [
        ...sourcesOf(evidence).map(({ artifact }) => artifact.fileName),
        ...sideFiles.map(({ name }) => name),
      ]
      expect(new Set(names).size).toBe(names.length)
      expect(judge(evidence, provider.judgeJob)).toMatchObject({ good: true })
      const sources = sourcesOf(evidence)
      expect(sources.length).toBeGreaterThan(0)

      const soon = new Date(Date.now() + 3_600_000)
      const places = sources.map(({ artifact }) => ({
        artifactRef: artifact.artifactRef,
        node: artifact.location.node,
      }))
      const ours = (await provider.findStrays(soon)).filter(({ made }) => made.token === TOKEN)
      expect(ours.map(({ made }) => made.guest.id)).toContain(guest.id)
      expect(await provider.findStrays(since)).toEqual([])

      await released({ guest, jobRef: job.jobRef, token: TOKEN, sources: places })
      expect((await provider.findStrays(soon)).filter(({ made }) => made.token === TOKEN)).toEqual([])
      const after = await provider.gather(job.jobRef, guest, options().storage)
      expect(judge(after.evidence, provider.judgeJob).good).toBe(false)
      // Gone already: fine, also by what a sweep knows of it.
      await released({ guest, jobRef: job.jobRef, sources: places })
      for (const { made } of ours) await released(made)
    })

    it('leaves an ended job alone when it is to be stopped', async () => {
      const guest = await find()
      const [job] = await provider.findJobs(guest, new Date(Date.now() - 3_600_000))
      if (job !== undefined) await provider.stop(job.jobRef, 1)
      const after = await provider.findJobs(guest, new Date(Date.now() - 3_600_000))
      expect(after.map(({ jobRef, running }) => [jobRef, running])).toEqual(
        job === undefined ? [] : [[job.jobRef, false]],
      )
    })
  })
}
