/**
 * A run that dies at any call to S3, before it or just after it took effect: whatever it leaves, the catalogue reads as a
 * listing with fresh manifests does, and the next run puts everything right.
 */
import { zstdCompressSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { StoreUnavailable } from '../../../../functions/contracts/errors.ts'
import type { Guest } from '../../../../functions/contracts/nouns.ts'
import { retentionSchema } from '../../../../functions/contracts/retention.ts'
import type { PlanItem } from '../../../../functions/contracts/plan-item.ts'
import type { CatalogueEntry } from '../../../../functions/domain/catalogue/catalogue.ts'
import { listPrices } from '../../../../functions/domain/prices/list-prices.ts'
import { cataloguePageKey, evidenceKey } from '../../../../functions/domain/books/object-keys.ts'
import { applyRetention } from '../../../../functions/operations/pruning/apply-retention.ts'
import { completeUpload } from '../../../../functions/operations/transfer/complete-upload.ts'
import { copyParts } from '../../../../functions/operations/transfer/copy-parts.ts'
import { newReading, readCatalogue } from '../../../../functions/operations/catalogue/read-catalogue.ts'
import { releaseBackup } from '../../../../functions/operations/backup/release-backup.ts'
import { verifyArchive } from '../../../../functions/operations/transfer/verify-archive.ts'
import { writeCatalogue } from '../../../../functions/operations/catalogue/write-catalogue.ts'
import { writeManifest } from '../../../../functions/operations/transfer/write-manifest.ts'
import { goodEvidence } from '../../../fakes/evidence.ts'
import { MemoryStore } from '../../../fakes/memory-store.ts'
import { MemoryVersions } from '../../../fakes/memory-versions.ts'
import { execution, type FakePorts, item } from '../../../fakes/ports.ts'
import { vma } from '../../archive-formats/proxmox/made-archives.ts'
import { FakeSource, scene, smallUpload } from '../transfer/fake-source.ts'

const archive = zstdCompressSync(await vma({ clusters: 4 }))
const web: Guest = item.guest
const keyPrefix = ''

/** When the process dies: `before` its n-th call to S3, or `after` that call took effect and before its answer came. */
interface Death {
  call: number
  when: 'before' | 'after'
}

/** Lets nothing through from its death on. Counts all calls. */
class Mortal {
  calls = 0
  readonly #death: Death | undefined

  constructor(death?: Death) {
    this.#death = death
  }

  /** The same store, as the process sees it. */
  seen<Store extends object>(store: Store): Store {
    return new Proxy(store, {
      get: (target, name) => {
        const member: unknown = Reflect.get(target, name, target)
        if (typeof member !== 'function') return member
        return (...words: unknown[]): unknown => {
          this.calls += 1
          const { call, when } = this.#death ?? { call: Number.POSITIVE_INFINITY, when: 'before' }
          if (this.calls > call || (this.calls === call && when === 'before')) {
            // Listings are read item by item and have no promise of their own.
            if (name === 'listObjects' || name === 'listVersions') throw new StoreUnavailable('killed')
            return Promise.reject(new StoreUnavailable('killed'))
          }
          const answer: unknown = Reflect.apply(member, target, words)
          if (this.calls < call || !(answer instanceof Promise)) return answer
          return answer.then(() => Promise.reject(new StoreUnavailable('killed')))
        }
      },
    })
  }
}

/** One guest's archive from its last part to the catalogue, on this store. */
async function archiveOne(day: number, store: MemoryStore, mortal: Mortal): Promise<void> {
  const on = scene()
  const createdAt = `2026-11-0${day}T02:00:00.000Z`
  const fileName = `vzdump-qemu-100-2026_11_0${day}-02_00_00.vma.zst`
  const source = new FakeSource(archive)
  const artifact = { ...on.artifact, fileName, createdAt, sizeBytes: archive.length }
  const its: PlanItem = {
    ...item,
    run: { id: `run-${day}`, startedAt: createdAt, prefix: `runs/2026/11/0${day}/run-${day}/` },
    retention: retentionSchema.parse({ 'keep-last': 2, timeZone: 'UTC' }),
  }
  const now = new Date(Date.parse(createdAt) + 600_000)
  const healthy: FakePorts = { ...on.ports, store, route: async () => source, now: () => now, keyPrefix }
  const key = `archives/hq/vm-100/2026-11-0${day}T02-00-00Z/${fileName}`
  const upload = await smallUpload({ ...on, ports: healthy, source, key })
  const work = { item: its, execution: `${execution}-${day}`, artifact, upload }
  const chunk = { firstPart: 1, lastPart: upload.partCount }
  const { bytesSent } = await copyParts({ ...work, chunk, order: { seconds: 600, partsInFlight: 4 } }, healthy)
  const evidence = { ...goodEvidence, archiveName: fileName, listed: artifact, listedAgainSizeBytes: archive.length }
  const kept = evidenceKey(its.run.prefix, web.id)
  await store.writeText(kept, JSON.stringify({ evidence, log: 'TASK OK' }))

  const ports: FakePorts = { ...healthy, store: mortal.seen(store) }
  const versions = mortal.seen(new MemoryVersions(store))
  const { stored } = await completeUpload({ ...work, bytesSent }, ports)
  const verdict = { name: 'archived', good: true, reason: '' } as const
  const whole = { item: its, artifacts: [artifact], stored: [stored] }
  await verifyArchive(whole, ports)
  const { manifestKey } = await writeManifest({ ...whole, verdict, evidenceKey: kept }, ports)
  await applyRetention({ item: its }, { ...ports, versions, prices: listPrices })
  await releaseBackup({ ...whole, verdict, manifestKey, execution: work.execution, startedAt: createdAt }, ports)
  await writeCatalogue({ site: 'hq' }, ports)
}

async function entriesOf(store: MemoryStore, reading = newReading()): Promise<CatalogueEntry[]> {
  const found: CatalogueEntry[] = []
  for await (const { entries } of readCatalogue({ site: 'hq' }, { store, keyPrefix }, reading)) found.push(...entries)
  return found
}

function withoutCatalogue(store: MemoryStore): MemoryStore {
  const bare = new MemoryStore()
  for (const [key, object] of store.objects) if (!key.startsWith('catalogue/')) bare.objects.set(key, object)
  return bare
}

/** A bucket after some healthy runs. */
async function bucketAfter(days: readonly number[]): Promise<MemoryStore> {
  const store = new MemoryStore(() => new Date('2026-11-01T00:00:00.000Z'))
  for (const day of days) await archiveOne(day, store, new Mortal())
  return store
}

async function callsOfOneRun(): Promise<number> {
  const counted = new Mortal()
  await archiveOne(3, await bucketAfter([1, 2]), counted)
  return counted.calls
}

describe('a run that dies', () => {
  it.each(['before', 'after'] as const)(
    '%s any of its calls to S3 leaves a catalogue that reads rightly and heals',
    async (when) => {
      const calls = await callsOfOneRun()
      const before = await bucketAfter([1, 2])
      expect(calls).toBeGreaterThan(30)
      const seen = new Set<string>()
      for (let call = 1; call <= calls; call += 1) {
        const store = before.copy()
        const death = archiveOne(3, store, new Mortal({ call, when }))
        // A listing is no promise: its death shows when it is read, or never.
        const cause = await death.catch(String)
        expect([call, cause ?? 'killed']).toEqual([call, expect.stringMatching(/killed/)])
        const left = await entriesOf(store)
        expect([call, left]).toEqual([call, await entriesOf(withoutCatalogue(store))])
        seen.add(left.map(({ state }) => state).join())

        await archiveOne(4, store, new Mortal())
        const reading = newReading()
        const healed = await entriesOf(store, reading)
        expect([call, healed]).toEqual([call, await entriesOf(withoutCatalogue(store))])
        expect([call, healed.filter(({ state }) => state === 'complete').length]).toEqual([call, 2])
        // All that has a manifest is told by the index.
        expect([call, reading.fromManifests, reading.damagedIndexes]).toEqual([call, 0, 0])
        const page = (await store.readText(cataloguePageKey(keyPrefix, 'hq')))?.text ?? ''
        const [, data = '[]'] = /id="data">([^<]*)<\/script>/.exec(page) ?? []
        const rows = (JSON.parse(data) as { rows: unknown[] }[]).flatMap((guest) => guest.rows)
        expect([call, rows.length]).toEqual([call, healed.length])
      }
      // Not committed yet; committed; pruned in part; pruned.
      expect([...seen]).toEqual(
        expect.arrayContaining([
          'complete,complete,incomplete',
          'complete,complete,complete',
          'incomplete,complete,complete',
          'complete,complete',
        ]),
      )
    },
  )
})
