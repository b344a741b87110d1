import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Guest } from '../../../functions/contracts/nouns.ts'
import { retentionSchema } from '../../../functions/contracts/retention.ts'
import {
  archiveFolder,
  artifactKey,
  catalogueIndexKey,
  claimKey,
  outcomeKey,
  progressKey,
  readArtifactKey,
  recordedKey,
  retentionReportKey,
  uploadRecordKey,
} from '../../../functions/domain/books/object-keys.ts'
import { readFolder } from '../../../functions/domain/catalogue/catalogue.ts'
import { guestsIn } from '../../../functions/domain/catalogue/catalogue-guests.ts'
import { listPrices } from '../../../functions/domain/prices/list-prices.ts'
import { emptyOutcome } from '../../../functions/operations/books/outcomes.ts'
import { readCatalogue } from '../../../functions/operations/catalogue/read-catalogue.ts'
import { rebuildCatalogue } from '../../../functions/operations/catalogue/rebuild-catalogue.ts'
import { judgeCoverage } from '../../../functions/operations/coverage/judge-coverage.ts'
import { pruneSite } from '../../../functions/operations/pruning/prune-site.ts'
import { authenticate } from '../../../functions/operations/run/authenticate.ts'
import { planRun } from '../../../functions/operations/run/plan-run.ts'
import { reportRun } from '../../../functions/operations/run/report-run.ts'
import { recordOutcome } from '../../../functions/operations/books/outcomes.ts'
import { archivedGuests } from '../../../functions/operations/selection/look-at-site.ts'
import { runReportShape } from '../../../functions/operations/books/shapes.ts'
import { readRecord } from '../../../functions/operations/books/stored-json.ts'
import { planVerification } from '../../../functions/operations/verification/plan-verification.ts'
import { fakePorts } from '../../fakes/ports.ts'
import { putArchive } from '../../fakes/put-archive.ts'
import { openVersionedBucket, type VersionedBucket } from '../../fakes/versioned-bucket.ts'

/** As the platforms make them, and some that begin alike or look like names of ours; in their order. */
const ids = (
  '7 100 1000 4567890123456789012 0f8fad5b-d9cb-469f-a165-70867728950e 1e2 ' +
  'a a-b a.b.json a.json container-1 i-0abc i-0abcd'
).split(' ')
const guestOf = (id: string): Guest => ({ id, kind: 'vm', name: `name of ${id}`, node: 'n1' })
const days = ['2026-11-01T02:00:00.000Z', '2026-11-02T02:00:00.000Z']

const anyId = fc.stringMatching(/^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/)
const anyGuest = fc.record({ kind: fc.constantFrom('vm' as const, 'container' as const), id: anyId })
const anyPrefix = fc.constantFrom('', 'vault/', 'a/b/')

describe('keys of guests with ids of any form', () => {
  it('tell whose they are', () => {
    fc.assert(
      fc.property(anyGuest, anyPrefix, (its, prefix) => {
        const guest = { ...its, name: '', node: '' }
        const folder = archiveFolder(prefix, 'hq', guest, days[0] ?? '')
        const key = artifactKey(folder, 'disk.raw')
        expect(readArtifactKey(prefix, key)).toMatchObject({ site: 'hq', guest: its })
        expect(readFolder(prefix, key)).toEqual({ site: 'hq', guest: its, folder, keyedAt: days[0] })
        expect(recordedKey(prefix, uploadRecordKey(prefix, key))).toBe(key)
      }),
    )
  })

  it('are different for different guests', () => {
    const keys = [
      (guest: Guest) => claimKey('', 'hq', guest),
      (guest: Guest) => catalogueIndexKey('', 'hq', guest),
      (guest: Guest) => retentionReportKey('', 'hq', guest, days[0] ?? ''),
      (guest: Guest) => archiveFolder('', 'hq', guest, days[0] ?? ''),
    ]
    fc.assert(
      fc.property(anyGuest, anyGuest, (one, other) => {
        const isSame = one.id === other.id && one.kind === other.kind
        for (const keyOf of keys) {
          const [a, b] = [one, other].map((guest) => keyOf({ ...guest, name: '', node: '' }))
          expect(a === b).toBe(isSame)
        }
        expect(outcomeKey('runs/x/', one.id) === outcomeKey('runs/x/', other.id)).toBe(one.id === other.id)
        expect(progressKey('runs/x/', one.id) === progressKey('runs/x/', other.id)).toBe(one.id === other.id)
      }),
    )
  })
})

describe('a bucket with archives of guests with ids of any form', () => {
  let bucket: VersionedBucket
  const base = {
    keyPrefix: '',
    prices: listPrices,
    now: () => new Date('2026-11-03T00:00:00.000Z'),
    log: () => undefined,
  }
  const ports = () => ({
    ...base,
    store: bucket.store,
    versions: bucket.versions,
    remainingMilliseconds: () => 900_000,
  })
  beforeAll(async () => {
    bucket = await openVersionedBucket('versioned')
    for (const id of ids) for (const day of days) await putArchive(bucket, guestOf(id), day)
  })
  afterAll(() => bucket.close())

  const sorted = (some: Iterable<string>) => [...some].toSorted()

  it('lists each of them with all of its archives, with an index and without', async () => {
    expect(sorted((await archivedGuests('hq', ports())).map(({ id }) => id))).toEqual(sorted(ids))
    expect(await rebuildCatalogue({}, ports())).toMatchObject({
      guests: ids.length,
      archives: 2 * ids.length,
      removed: 0,
    })
    const again = await rebuildCatalogue({}, ports())
    expect(again).toMatchObject({ guests: ids.length, written: 0, removed: 0, reading: { fromManifests: 0 } })
    expect(again.reading).toMatchObject({ fromIndex: 2 * ids.length, damagedIndexes: 0, strangers: { count: 0 } })
  })

  it.each(ids)('finds the archives of %s alone, and keeps its index when it looks at no other', async (id) => {
    const found = []
    for await (const read of readCatalogue({ guestId: id }, ports())) found.push(...guestsIn(read))
    expect(found.map(({ guest, entries, name }) => [guest.id, entries.length, name])).toEqual([
      [id, 2, `name of ${id}`],
    ])
    expect(await rebuildCatalogue({ site: 'hq', guestId: id }, ports())).toMatchObject({ guests: 1, removed: 0 })
  })

  it('judges each by its own archives, in the order of ids', async () => {
    const provider = fakePorts().fakeProvider
    provider.guests = ids.map((id) => ({ ...guestOf(id), nodeOffline: false }))
    const rules = { everyMilliseconds: 1, graceMilliseconds: 1, parkedIds: [], parkedTags: [], shrunkBelow: 0.5 }
    const { guests } = await judgeCoverage('hq', rules, { ...ports(), provider })
    expect(new Set(guests.map(({ state }) => state)).size).toBe(1)
    expect(guests.map(({ guest }) => guest.id)).toEqual(ids)
  })

  it('prunes each by its own archives, and goes on behind each', async () => {
    const order = {
      site: 'hq',
      policy: retentionSchema.parse({ 'keep-last': 1 }),
      by: 'test',
      confirmed: true,
      dryRun: true,
    }
    const seen: string[] = []
    for await (const { guest, result } of pruneSite(order, ports())) {
      seen.push(guest.id)
      expect('trouble' in result ? result.trouble : result.archives.map(({ decision }) => decision)).toEqual([
        'remove',
        'keep',
      ])
    }
    expect(sorted(seen)).toEqual(sorted(ids))
    for (const [index, id] of seen.entries()) {
      const next = pruneSite({ ...order, behind: { kind: 'vm', id } }, ports())
      expect((await next.next()).value?.guest.id).toBe(seen[index + 1])
      await next.return()
    }
  })

  it('reads the archives of one guest when it is asked for by its folder', async () => {
    for (const id of ids) {
      const request = { archives: [`archives/hq/vm-${id}/`] }
      const input = { verificationId: `of-${id}`, startedAt: days[0] ?? '', request }
      expect(await planVerification(input, ports())).toMatchObject({ archiveCount: 2 })
    }
  })
})

describe('a run over guests with ids of any form', () => {
  it('plans those that are listed, and repeats and reports each under its id', async () => {
    const ports = fakePorts()
    ports.fakeProvider.guests = ids.map((id) => ({ ...guestOf(id), nodeOffline: false }))
    const startedAt = '2026-11-22T02:00:00.000Z'
    const begun = await authenticate(
      { request: { site: 'hq', guests: { ids: [...ids, 'i-gone'] } }, runId: 'first', startedAt },
      ports,
    )
    const { run, site, platform, platformVersion, job } = begun
    const planned = await planRun({ run, site, platform, platformVersion, job }, ports)
    expect(planned.guestCount).toBe(ids.length)
    const archived = { ...emptyOutcome(guestOf('i-0abc'), 'failed', 'archived', '', 1), outcome: 'succeeded' as const }
    await recordOutcome(run, archived, ports)
    const { reportKey } = await reportRun({ run, site, planKey: planned.planKey, notes: [] }, ports)
    const report = await readRecord(ports.store, reportKey, runReportShape)
    expect(report?.guests.map(({ id }) => id)).toEqual([...ids, 'i-gone'])

    const again = await authenticate(
      { request: { again: { run: 'first', startedAt } }, runId: 'second', startedAt },
      ports,
    )
    expect(again.job.guests.ids).toHaveLength(ids.length)
    expect(again.job.guests.ids).not.toContain('i-0abc')
  })
})
