import { describe, expect, it } from 'vitest'
import type { GuestRetention } from '../../../../functions/contracts/retention-report.ts'
import { retentionSchema } from '../../../../functions/contracts/retention.ts'
import { listPrices } from '../../../../functions/domain/prices/list-prices.ts'
import { archiveFolder, manifestKey, verificationKey } from '../../../../functions/domain/books/object-keys.ts'
import { pruneGuest } from '../../../../functions/operations/pruning/prune-guest.ts'
import type { RetentionPorts } from '../../../../functions/operations/pruning/retention-ports.ts'
import { verifyDeep } from '../../../../functions/operations/verification/verify-deep.ts'
import { interleave, type Turn } from '../../../fakes/interleaved.ts'
import { manifestOf } from '../../../fakes/manifest.ts'
import { MemoryStore } from '../../../fakes/memory-store.ts'
import { MemoryVersions } from '../../../fakes/memory-versions.ts'

const guest = { id: '100', kind: 'vm', name: 'web', node: 'pve1' } as const
const MINIMUM = 2
const began = new Date('2026-11-22T02:00:00.000Z')
const later = new Date('2026-11-22T03:00:00.000Z')

type Wrap = <Store extends object>(store: Store) => Store
const plain: Wrap = (store) => store

function bucketWith(days: readonly string[]): MemoryStore {
  const store = new MemoryStore(() => began)
  for (const day of days) {
    const createdAt = `2026-${day}T02:00:00.000Z`
    const folder = archiveFolder('', 'hq', guest, createdAt)
    const manifest = manifestOf(createdAt, [3], guest)
    const artifacts = manifest.artifacts.map((artifact) => ({ ...artifact, key: `${folder}file`, fileName: 'file' }))
    put(store, `${folder}file`, 'vma')
    put(store, manifestKey(folder), JSON.stringify({ ...manifest, artifacts }))
  }
  return store
}

function put(store: MemoryStore, key: string, text: string): void {
  store.objects.set(key, { body: Buffer.from(text), etag: `"${text.length}-${key}"`, writtenAt: began.toISOString() })
}

function portsFor(store: MemoryStore, wrap: Wrap, now = began): RetentionPorts {
  return {
    store: wrap(store),
    versions: wrap(new MemoryVersions(store)),
    keyPrefix: '',
    prices: listPrices,
    now: () => now,
    remainingMilliseconds: () => 900_000,
    log: () => undefined,
  }
}

const prune = (by: string, rules: object, store: MemoryStore, wrap: Wrap, now = began): Promise<GuestRetention> =>
  pruneGuest(
    {
      site: 'hq',
      guest,
      by,
      policy: retentionSchema.parse({ minimumArchives: MINIMUM, largestShare: 1, ...rules }),
      gone: false,
      confirmed: true,
      dryRun: false,
    },
    portsFor(store, wrap, now),
  )

const keys = (store: MemoryStore, part: string) => [...store.objects.keys()].filter((key) => key.includes(part))
const archivesIn = (store: MemoryStore) => keys(store, 'manifest.json').length

/** Files of archives that have no manifest, records of removals and leases. */
function residue(store: MemoryStore): string[] {
  const whole = new Set(keys(store, 'manifest.json').map((key) => key.replace('manifest.json', '')))
  const orphaned = keys(store, 'archives/').filter((key) => !whole.has(key.slice(0, key.lastIndexOf('/') + 1)))
  return [...orphaned, ...keys(store, '/removing/'), ...keys(store, 'lease.json')]
}

/** One keeps the two newest, one the newest of two months: each alone leaves two, both together could leave one. */
const job = (store: MemoryStore) => (wrap: Wrap) => prune('run 1', { 'keep-last': 2 }, store, wrap)
const site = (store: MemoryStore) => (wrap: Wrap) => prune('pruning 1', { 'keep-monthly': 2 }, store, wrap)
const days = ['10-29', '10-30', '11-01', '11-02']

/** Ways of changing over from the first to the second and back: behind each call of either, every third pair of them. */
function* changesOver(most: number): Generator<Turn[]> {
  for (let first = 0; first <= most; first += 1) {
    for (let second = 1 + (first % 3); second <= most; second += 3) {
      yield [
        { actor: 0, calls: first },
        { actor: 1, calls: second },
      ]
    }
  }
}

describe('two prunings of one guest at once', () => {
  it('never leave fewer archives than the minimum nor half of one, wherever they change over', async () => {
    const alone = await interleave([job(bucketWith(days))], [])
    const most = alone.calls[0] ?? 0
    expect(most).toBeGreaterThan(15)
    let tried = 0
    for (const turns of changesOver(most)) {
      const store = bucketWith(days)
      const { endings } = await interleave([job(store), site(store)], turns)
      expect(endings.map(({ ended }) => ended)).toEqual(['done', 'done'])
      expect([archivesIn(store), residue(store)]).toEqual([MINIMUM, []])
      tried += 1
    }
    expect(tried).toBeGreaterThan(300)
  })

  it('leave nothing behind when one dies at any call, once a later pruning has been', async () => {
    const most = (await interleave([job(bucketWith(days))], [])).calls[0] ?? 0
    let deaths = 0
    for (let fatal = 1; fatal <= most; fatal += 1) {
      // The other begins before it, in the midst of it, and after its death.
      for (const before of [0, Math.floor(fatal / 2), fatal]) {
        const store = bucketWith(days)
        const turns = [
          { actor: 0, calls: before },
          { actor: 1, calls: 100 },
        ]
        const { endings } = await interleave([job(store), site(store)], turns, { 0: fatal })
        // One that found the other at work has fewer calls to die at.
        expect([endings[0]?.ended === 'failed', endings[1]?.ended]).toEqual([false, 'done'])
        if (endings[0]?.ended === 'dead') deaths += 1
        expect(archivesIn(store)).toBeGreaterThanOrEqual(MINIMUM)
        // By then the lease of the dead has lapsed.
        await prune('pruning 2', { 'keep-last': 1 }, store, plain, later)
        // A lapsed lease of one that had removed everything is in nobody's way.
        const half = residue(store).filter((key) => !key.endsWith('lease.json'))
        expect([archivesIn(store), half]).toEqual([MINIMUM, []])
      }
    }
    expect(deaths).toBeGreaterThan(most)
  })

  it('says in the report of the later one who is at work, and that nobody has to look at it', async () => {
    const store = bucketWith(days)
    const turns = [
      { actor: 0, calls: 22 },
      { actor: 1, calls: 100 },
    ]
    const { endings } = await interleave([job(store), site(store)], turns)
    const second = endings[1]?.ended === 'done' ? endings[1].result : undefined
    expect(second?.warnings).toEqual([expect.stringMatching(/Another pruning of this guest is at work \(run 1\)/)])
    expect(second?.archives.filter(({ outcome }) => outcome === 'left').length).toBeGreaterThan(0)
    expect(second?.archives.some(({ trouble }) => trouble !== undefined)).toBe(false)
  })

  it('spare an archive that a look just before its removal finds to be needed', async () => {
    const most = (await interleave([job(bucketWith(days))], [])).calls[0] ?? 0
    // Somebody removes the newest two by hand, which no lease can keep them from.
    for (let first = 0; first <= most; first += 1) {
      const store = bucketWith(days)
      const byHand = async (wrap: Wrap): Promise<undefined> => {
        const theirs = wrap(store)
        for (const key of keys(store, '2026-11-02T')) await theirs.remove(key)
      }
      const before = archivesIn(store)
      await interleave<unknown>(
        [job(store), byHand],
        [
          { actor: 0, calls: first },
          { actor: 1, calls: 10 },
        ],
      )
      expect(before - archivesIn(store)).toBeLessThanOrEqual(3)
      // One that was under way when the other went is the most that can be missed.
      expect(archivesIn(store)).toBeGreaterThanOrEqual(MINIMUM - 1)
      expect(residue(store)).toEqual([])
    }
  })
})

describe('a pruning while an archive is read back', () => {
  const folder = archiveFolder('', 'hq', guest, '2026-10-29T02:00:00.000Z')
  const verify = (store: MemoryStore) => (wrap: Wrap) =>
    verifyDeep(folder, { ...portsFor(store, wrap), toolVersion: 'guestlift/test' })

  it('leaves no verdict on an archive that is gone, wherever they change over', async () => {
    const reading = (await interleave([verify(bucketWith(days))], [])).calls[0] ?? 0
    const most = (await interleave([job(bucketWith(days))], [])).calls[0] ?? 0
    const left = new Set<number>()
    for (let first = 0; first <= reading; first += 1) {
      for (let second = 1; second <= most; second += 1) {
        const store = bucketWith(days)
        const turns = [
          { actor: 0, calls: first },
          { actor: 1, calls: second },
        ]
        const { endings } = await interleave<unknown>([verify(store), job(store)], turns)
        expect(endings.map(({ ended }) => ended)).toEqual(['done', 'done'])
        expect(residue(store)).toEqual([])
        left.add(archivesIn(store))
      }
    }
    // What was refused in time stays for a person to look at.
    expect(left).toEqual(new Set([MINIMUM, MINIMUM + 1]))
  })

  it('is followed by one that cleans up behind a reader that died', async () => {
    const reading = (await interleave([verify(bucketWith(days))], [])).calls[0] ?? 0
    let ghosts = 0
    for (let first = 0; first <= reading; first += 1) {
      for (let fatal = first + 1; fatal <= reading + 1; fatal += 1) {
        const store = bucketWith(days)
        const turns = [
          { actor: 0, calls: first },
          { actor: 1, calls: 100 },
        ]
        await interleave<unknown>([verify(store), job(store)], turns, { 0: fatal })
        const ghost = store.objects.has(verificationKey(folder)) && !store.objects.has(manifestKey(folder))
        if (ghost) ghosts += 1
        const dry = await pruneGuest(
          {
            site: 'hq',
            guest,
            by: 'look',
            policy: retentionSchema.parse({ 'keep-all': true }),
            gone: false,
            confirmed: false,
            dryRun: true,
          },
          portsFor(store, plain),
        )
        expect(dry.resumed).toEqual(ghost ? [folder] : [])
        const report = await prune('pruning 2', { 'keep-last': 2 }, store, plain, later)
        expect(report.resumed).toEqual(ghost ? [folder] : [])
        expect(residue(store)).toEqual([])
      }
    }
    expect(ghosts).toBeGreaterThan(0)
  })
})
