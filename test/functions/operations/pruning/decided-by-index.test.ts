/** Pruning may take the index's word for what it would do; what it does must be what the manifests alone would let it do. */
import { describe, expect, it } from 'vitest'
import type { IndexedArchive } from '../../../../functions/contracts/catalogue.ts'
import { retentionSchema } from '../../../../functions/contracts/retention.ts'
import { catalogueIndexKey } from '../../../../functions/domain/books/object-keys.ts'
import { listPrices } from '../../../../functions/domain/prices/list-prices.ts'
import { indexText, readIndex } from '../../../../functions/operations/catalogue/catalogue-index.ts'
import { rebuildCatalogue } from '../../../../functions/operations/catalogue/rebuild-catalogue.ts'
import { pruneGuest, type PruneOrder } from '../../../../functions/operations/pruning/prune-guest.ts'
import { Random } from '../../../chaos/random.ts'
import { MixedBucket } from '../../../fakes/mixed-bucket.ts'

const NOW = new Date('2026-11-20T12:00:00.000Z')
const guest = { kind: 'vm', id: '100' } as const
const key = catalogueIndexKey('', 'hq', guest)
const seeds = Array.from({ length: 150 }, (_, seed) => seed)

const portsOf = ({ store, versions }: MixedBucket) => ({
  store,
  versions,
  keyPrefix: '',
  prices: listPrices,
  now: () => NOW,
  remainingMilliseconds: () => 900_000,
  log: () => undefined,
})

function drawnOrder(random: Random): Omit<PruneOrder, 'dryRun'> {
  return {
    site: 'hq',
    guest,
    by: 'test',
    gone: random.chance(0.1),
    confirmed: random.chance(0.7),
    identity: random.pick([undefined, { id: 'first', witness: '1' }, { id: 'second', witness: '2' }]),
    policy: retentionSchema.parse({
      'keep-last': random.between(0, 3),
      'keep-daily': random.between(0, 3),
      'keep-weekly': random.between(0, 2),
      minimumArchives: random.between(1, 3),
      largestShare: random.pick([0.5, 1]),
      orphans: { 'keep-last': 1 },
    }),
  }
}

/** The same bucket and order for each call with a seed; the index is of an earlier state of it. */
async function drawn(seed: number): Promise<{ bucket: MixedBucket; order: Omit<PruneOrder, 'dryRun'> }> {
  const random = new Random(seed)
  const bucket = new MixedBucket(random, NOW)
  await rebuildCatalogue({}, portsOf(bucket))
  if (random.chance(0.7)) bucket.change()
  return { bucket, order: drawnOrder(random) }
}

const byManifestsAlone = async (seed: number, dryRun: boolean) => {
  const { bucket, order } = await drawn(seed)
  bucket.store.objects.delete(key)
  return pruneGuest({ ...order, dryRun }, portsOf(bucket))
}

describe('a pruning that goes by the index', () => {
  it('foresees what the manifests alone would let it foresee, of buckets in any state', async () => {
    const seen = { remove: 0, guards: new Set<string>(), locked: 0, byIndex: 0, frozen: 0, foreign: 0 }
    for (const seed of seeds) {
      const { bucket, order } = await drawn(seed)
      bucket.store.read.length = 0
      const report = await pruneGuest({ ...order, dryRun: true }, portsOf(bucket))
      const fromIndex = bucket.store.read.filter((one) => one.endsWith('/manifest.json')).length
      expect(report, `seed ${seed}`).toEqual(await byManifestsAlone(seed, true))
      seen.remove += report.toRemove
      seen.locked += report.locked
      seen.byIndex += report.archives.length - fromIndex
      seen.frozen += report.archives.filter(({ reason }) => reason.includes('Glacier')).length
      seen.foreign += report.archives.filter(({ foreignKeys }) => foreignKeys !== undefined).length
      for (const { guard } of report.archives) if (guard !== undefined) seen.guards.add(guard)
    }
    // What was drawn is worth comparing.
    expect(Math.min(seen.remove, seen.locked, seen.byIndex, seen.frozen, seen.foreign)).toBeGreaterThan(20)
    expect(seen.guards.size).toBeGreaterThanOrEqual(6)
  })

  it('removes what the manifests alone would let it remove', async () => {
    let removed = 0
    for (const seed of seeds) {
      const { bucket, order } = await drawn(seed)
      const report = await pruneGuest({ ...order, dryRun: false }, portsOf(bucket))
      expect(report, `seed ${seed}`).toEqual(await byManifestsAlone(seed, false))
      removed += report.removed
    }
    expect(removed).toBeGreaterThan(50)
  })

  it.each([
    ['is absent', undefined],
    ['is empty', ''],
    ['is cut short', '{"version":5,"site":"hq","gue'],
    ['is a web page', '<html><body>Sign in</body></html>'],
    ['is of a higher version', '{"version":6,"site":"hq","guest":{"kind":"vm","id":"100"},"sum":"","archives":[]}'],
    ['is of an older version', '{"version":4,"site":"hq","guest":{"kind":"vm","id":"100"},"sum":"","archives":[]}'],
  ])('decides by the manifests where the index %s', async (_, text) => {
    for (const seed of seeds.slice(0, 20)) {
      const { bucket, order } = await drawn(seed)
      if (text === undefined) bucket.store.objects.delete(key)
      else await bucket.store.writeText(key, text)
      const report = await pruneGuest({ ...order, dryRun: true }, portsOf(bucket))
      expect(report, `seed ${seed}`).toEqual(await byManifestsAlone(seed, true))
    }
  })

  it('removes nothing that the manifests would keep, however an index lies with the right ETags and sum', async () => {
    let asFar = 0
    let misled = 0
    for (const seed of seeds) {
      const { bucket, order } = await drawn(seed)
      const { archives } = await readIndex('hq', guest, { store: bucket.store, keyPrefix: '' })
      const lies = [...archives.values()].map((one) => lie(one, new Random(seed)))
      await bucket.store.writeText(key, indexText('hq', guest, lies))
      const foreseen = await pruneGuest({ ...order, dryRun: true }, portsOf(bucket))
      const report = await pruneGuest({ ...order, dryRun: false }, portsOf(bucket))
      const truth = await byManifestsAlone(seed, false)
      const goes = ({ archives: all }: typeof report) =>
        all.filter(({ outcome }) => outcome === 'removed').map(({ folder }) => folder)
      // Whole or not at all: it may find nothing to do and leave all to the next one.
      expect([[], goes(truth)], `seed ${seed}`).toContainEqual(goes(report))
      if (report.removed > 0) asFar += 1
      if (foreseen.toRemove - foreseen.locked !== truth.removed) misled += 1
    }
    expect(asFar).toBeGreaterThan(20)
    expect(misled).toBeGreaterThan(20)
  })

  it('reads only what the index has nothing true of', async () => {
    const { bucket, order } = await drawn(1)
    const ports = portsOf(bucket)
    await rebuildCatalogue({}, ports)
    bucket.store.classes.clear()
    const readBy = async () => {
      bucket.store.read.length = 0
      await pruneGuest({ ...order, dryRun: true }, ports)
      return bucket.store.read.filter((one) => one.startsWith('archives/')).toSorted()
    }
    const unindexed = await readBy()
    const [first = ''] = (await bucket.store.listKeys('archives/')).filter(
      (one) => one.endsWith('/manifest.json') && !unindexed.includes(one),
    )
    await bucket.store.writeText(first, `${bucket.store.objects.get(first)?.body.toString()}\n`)
    expect(await readBy()).toEqual([...unindexed, first].toSorted())
  })
})

/** An archive that an index tells otherwise than its manifest: older or newer, protected, verified, of another guest. */
function lie(one: IndexedArchive, random: Random): IndexedArchive {
  const { facts } = one
  const shifted = new Date(Date.parse(facts.createdAt) + random.between(-20, 20) * 86_400_000).toISOString()
  const bare = { ...facts, createdAt: shifted, writtenAt: shifted, sideFiles: [] }
  return {
    ...one,
    facts: {
      ...bare,
      ...(random.chance(0.2) ? { protected: true as const } : {}),
      ...(random.chance(0.3) ? { identity: { id: 'first', witness: '1' } } : {}),
      verdict: { name: facts.verdict.name, reason: '' },
    },
    ...(one.verification === undefined ? {} : { verification: { state: 'verified' as const, tags: [] } }),
  }
}
