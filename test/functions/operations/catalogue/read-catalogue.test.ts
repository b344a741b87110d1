import { createHash } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { catalogueIndexKey, archiveFolder, manifestKey } from '../../../../functions/domain/books/object-keys.ts'
import type { CatalogueEntry } from '../../../../functions/domain/catalogue/catalogue.ts'
import { newReading, readCatalogue } from '../../../../functions/operations/catalogue/read-catalogue.ts'
import { rebuildCatalogue } from '../../../../functions/operations/catalogue/rebuild-catalogue.ts'
import type { CatalogueFilter } from '../../../../functions/operations/catalogue/list-archives.ts'
import { StoreDenied, StoreUnavailable } from '../../../../functions/contracts/errors.ts'
import { verificationSchema } from '../../../../functions/contracts/verification.ts'
import { manifestOf } from '../../../fakes/manifest.ts'
import { MemoryStore } from '../../../fakes/memory-store.ts'

const keyPrefix = 'vault/'
const vm = { id: '100', kind: 'vm', name: 'web', node: 'pve1' } as const
/** Its number begins with the other's: their keys must not be mixed. */
const neighbour = { id: '1000', kind: 'vm', name: 'db', node: 'pve1' } as const
const container = { id: '100', kind: 'container', name: 'cache', node: 'pve2' } as const
const guests = [vm, neighbour, container]

type Guest = (typeof guests)[number]
const day = (number: number) => `2026-11-${String(number).padStart(2, '0')}T02:00:00.000Z`

/** An archive of so many bytes, as a run leaves it. Returns its folder. */
async function put(store: MemoryStore, guest: Guest, createdAt: string, bytes = 5, site = 'hq'): Promise<string> {
  const folder = archiveFolder(keyPrefix, site, guest, createdAt)
  const manifest = manifestOf(createdAt, [bytes], guest)
  const artifacts = manifest.artifacts.map((artifact) => ({ ...artifact, key: `${folder}${artifact.fileName}` }))
  await store.writeText(`${folder}${artifacts[0]?.fileName}`, 'x'.repeat(bytes))
  await store.writeText(manifestKey(folder), JSON.stringify({ ...manifest, site, artifacts }))
  return folder
}

async function entriesOf(store: MemoryStore, filter: CatalogueFilter = {}): Promise<CatalogueEntry[]> {
  const found: CatalogueEntry[] = []
  for await (const { entries } of readCatalogue(filter, { store, keyPrefix })) found.push(...entries)
  return found
}

async function rebuild(store: MemoryStore) {
  return rebuildCatalogue({}, { store, keyPrefix })
}

function sortedKeys(_key: string, value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value
  return Object.fromEntries(Object.entries(value).toSorted(([one], [other]) => (one < other ? -1 : 1)))
}

/** As a verification leaves it. */
function verification(result: 'accepted' | 'refused' | 'not-verified', at: string): string {
  const configuration = { name: 'qemu-server.conf', text: 'cores: 1\ntags: prod;blue\n' }
  const evidence = [{ fileName: 'a', sizeBytes: 1, crc32: 'AAAAAA==', contentBytes: 1, configuration }]
  const findings = result === 'refused' ? [{ code: 'cut', message: 'It ends early.' }] : []
  const parsed = verificationSchema.parse({
    version: 1,
    verifiedAt: at,
    tool: 't',
    result,
    findings,
    notes: [],
    evidence,
  })
  return JSON.stringify(parsed)
}

describe('reading the catalogue', () => {
  it('tells each archive with what its manifest says, guests apart and oldest first', async () => {
    const store = new MemoryStore()
    await put(store, vm, day(2))
    await put(store, vm, day(1))
    await put(store, neighbour, day(1))
    await put(store, container, day(3))
    const entries = await entriesOf(store)
    expect(
      entries.map(({ guest, facts, createdAt, state }) => [guest.kind, guest.id, facts?.name, createdAt, state]),
    ).toEqual([
      ['container', '100', 'cache', day(3), 'complete'],
      ['vm', '100', 'web', day(1), 'complete'],
      ['vm', '100', 'web', day(2), 'complete'],
      ['vm', '1000', 'db', day(1), 'complete'],
    ])
  })

  it('hides nothing: without manifest, with an unreadable one, with files gone or cut', async () => {
    const store = new MemoryStore()
    store.objects.delete(manifestKey(await put(store, vm, day(1))))
    await store.writeText(manifestKey(await put(store, vm, day(2))), '{"version":1')
    const gone = await put(store, vm, day(3))
    for (const key of store.objects.keys())
      if (key.startsWith(gone) && !key.endsWith('.json')) store.objects.delete(key)
    const cut = await put(store, vm, day(4))
    for (const key of store.objects.keys())
      if (key.startsWith(cut) && !key.endsWith('.json')) await store.writeText(key, 'x')
    await store.writeText(manifestKey(await put(store, vm, day(5))), '{"version":2}')
    const entries = await entriesOf(store)
    expect(entries.map(({ state }) => state)).toEqual(['incomplete', 'unreadable', 'damaged', 'damaged', 'unreadable'])
    expect(entries.map(({ createdAt }) => createdAt)).toEqual([1, 2, 3, 4, 5].map(day))
    expect(entries[2]?.reason).toMatch(/is gone/)
    expect(entries[3]?.reason).toMatch(/has 1 bytes instead of 5/)
  })

  it('believes no manifest that lies in the wrong folder', async () => {
    const store = new MemoryStore()
    const one = await put(store, vm, day(1))
    const other = await put(store, neighbour, day(1))
    await store.writeText(manifestKey(one), (await store.readText(manifestKey(other)))?.text ?? '')
    const [entry] = await entriesOf(store, { guestId: '100' })
    expect(entry).toMatchObject({ state: 'unreadable', reason: expect.stringMatching(/another archive's.*vm 1000/) })
  })

  it("reads manifests with fields and options that this version doesn't know", async () => {
    const store = new MemoryStore()
    const key = manifestKey(await put(store, vm, day(1)))
    const manifest = JSON.parse((await store.readText(key))?.text ?? '') as { backup: object }
    const later = {
      ...manifest,
      backup: { ...manifest.backup, later: 1 },
      later: [],
      configuration: 'cores: 2\ntags: prod;web\n[old]\ntags: dev\n',
    }
    await store.writeText(key, JSON.stringify(later))
    expect(await entriesOf(store)).toMatchObject([{ state: 'complete', facts: { tags: ['prod', 'web'] } }])
  })

  it('counts keys that are not of archives, and goes on', async () => {
    const store = new MemoryStore()
    await put(store, vm, day(1))
    await store.writeText(`${keyPrefix}archives/README.txt`, 'hello')
    await store.writeText(`${keyPrefix}archives/hq/vm-100/2026-02-31T02-00-00Z.old`, 'hello')
    const reading = newReading()
    let archives = 0
    for await (const { entries } of readCatalogue({}, { store, keyPrefix }, reading)) archives += entries.length
    expect(archives).toBe(1)
    expect(reading.strangers.count).toBe(2)
  })

  it('narrows down by site, guest and time, both ends included', async () => {
    const store = new MemoryStore()
    for (const site of ['hq', 'branch'])
      for (const guest of guests) for (const at of [1, 2, 3]) await put(store, guest, day(at), 5, site)
    expect(await entriesOf(store)).toHaveLength(18)
    expect(await entriesOf(store, { site: 'hq' })).toHaveLength(9)
    expect(await entriesOf(store, { guestId: '100' })).toHaveLength(12)
    expect(await entriesOf(store, { site: 'hq', guestId: '1000', since: day(2), until: day(3) })).toHaveLength(2)
  })

  it('reads verifications, and says so when one makes no sense', async () => {
    const store = new MemoryStore()
    await store.writeText(`${await put(store, vm, day(1))}verification.json`, verification('accepted', day(4)))
    await store.writeText(`${await put(store, vm, day(2))}verification.json`, verification('refused', day(4)))
    await store.writeText(`${await put(store, vm, day(3))}verification.json`, 'verified')
    expect((await entriesOf(store)).map(({ verification }) => verification?.state)).toEqual([
      'verified',
      'failed',
      'unreadable',
    ])
  })
})

describe('the index', () => {
  it('saves reading manifests once it is built, and is written only where it would differ', async () => {
    const store = new MemoryStore()
    for (const guest of guests) for (const at of [1, 2, 3]) await put(store, guest, day(at))
    expect(await rebuild(store)).toMatchObject({
      guests: 3,
      archives: 9,
      written: 3,
      reading: { fromIndex: 0, fromManifests: 9 },
    })
    expect(await rebuild(store)).toMatchObject({ written: 0, reading: { fromIndex: 9, fromManifests: 0 } })
    await put(store, vm, day(4))
    expect(await rebuild(store)).toMatchObject({ written: 1, reading: { fromIndex: 9, fromManifests: 1 } })
  })

  it.each([1, 2])(
    'of version %i counts as none, since nothing tells what it lacks, and is written anew',
    async (version) => {
      const store = new MemoryStore()
      const key = manifestKey(await put(store, vm, day(1)))
      const manifest = JSON.parse((await store.readText(key))?.text ?? '') as { evidence: object }
      await store.writeText(key, JSON.stringify({ ...manifest, evidence: { ...manifest.evidence, contentBytes: 9 } }))
      await rebuild(store)
      const indexKey = catalogueIndexKey(keyPrefix, 'hq', vm)
      const now = (await store.readText(indexKey))?.text ?? ''
      // As that version wrote it over the same manifest: it didn't know the field, and its sum is right.
      const { archives, ...index } = JSON.parse(now) as { archives: { facts: { contentBytes?: number } }[] }
      const older = archives.map(({ facts: { contentBytes: _known, ...facts }, ...rest }) => ({ ...rest, facts }))
      const sum = `sha256:${createHash('sha256').update(JSON.stringify(older, sortedKeys)).digest('hex')}`
      await store.writeText(indexKey, JSON.stringify({ ...index, version, sum, archives: older }))
      expect((await entriesOf(store))[0]?.facts?.contentBytes).toBe(9)
      expect(await rebuild(store)).toMatchObject({ written: 1, reading: { fromIndex: 0, fromManifests: 1 } })
      expect((await store.readText(indexKey))?.text).toBe(now)
      // Were it of this version, it would be believed.
      await store.writeText(indexKey, JSON.stringify({ ...index, sum, archives: older }))
      expect((await entriesOf(store))[0]?.facts).not.toHaveProperty('contentBytes')
    },
  )

  it('is done without where it may not be read, and a store that does not answer is told', async () => {
    const failing = (error: Error) =>
      new (class extends MemoryStore {
        override async readText(key: string) {
          if (key.startsWith(`${keyPrefix}catalogue/`)) throw error
          return super.readText(key)
        }
      })()
    const denied = failing(new StoreDenied('no'))
    await put(denied, vm, day(1))
    expect(await entriesOf(denied)).toMatchObject([{ state: 'complete' }])
    const silent = failing(new StoreUnavailable('no answer'))
    await put(silent, vm, day(1))
    await expect(entriesOf(silent)).rejects.toMatchObject({ name: 'StoreUnavailable' })
  })

  it('goes when the last archive of its guest is gone, and nothing else does', async () => {
    const store = new MemoryStore()
    const folder = await put(store, vm, day(1))
    await put(store, neighbour, day(1))
    await rebuild(store)
    await store.writeText(`${keyPrefix}catalogue/notes.txt`, 'mine')
    for (const key of store.objects.keys()) if (key.startsWith(folder)) store.objects.delete(key)
    expect(await rebuild(store)).toMatchObject({ guests: 1, removed: 1 })
    expect(store.objects.has(`${keyPrefix}catalogue/notes.txt`)).toBe(true)
    expect(store.objects.has(catalogueIndexKey(keyPrefix, 'hq', neighbour))).toBe(true)
  })

  it('never changes the answer, however old, damaged, mixed up or missing it is', async () => {
    const bucketChange = fc.record({
      guest: fc.constantFrom(...guests),
      at: fc.integer({ min: 1, max: 6 }),
      what: fc.constantFrom(
        'put',
        'put',
        'resize',
        'drop-manifest',
        'spoil-manifest',
        'verify',
        'fail',
        'remove',
        'rebuild',
        'rebuild',
      ),
    })
    const indexChange = fc.record({
      guest: fc.constantFrom(...guests),
      other: fc.constantFrom(...guests),
      what: fc.constantFrom('remove', 'garbage', 'cut', 'copy', 'edit-facts', 'edit-etag', 'none'),
      at: fc.double({ min: 0, max: 1, noNaN: true }),
    })
    let usedIndex = 0
    await fc.assert(
      fc.asyncProperty(
        fc.array(bucketChange, { minLength: 8, maxLength: 40 }),
        fc.array(indexChange, { maxLength: 4 }),
        async (changes, damage) => {
          const store = new MemoryStore()
          for (const { guest, at, what } of changes) {
            const folder = archiveFolder(keyPrefix, 'hq', guest, day(at))
            if (what === 'put') await put(store, guest, day(at))
            else if (what === 'resize') await put(store, guest, day(at), 9)
            else if (what === 'drop-manifest') store.objects.delete(manifestKey(folder))
            else if (what === 'spoil-manifest') await store.writeText(manifestKey(folder), '{}')
            else if (what === 'rebuild') await rebuild(store)
            else if (what === 'remove') {
              for (const key of store.objects.keys()) if (key.startsWith(folder)) store.objects.delete(key)
            } else
              await store.writeText(
                `${folder}verification.json`,
                verification(what === 'verify' ? 'accepted' : 'refused', day(at)),
              )
          }
          for (const { guest, other, what, at } of damage) {
            const key = catalogueIndexKey(keyPrefix, 'hq', guest)
            const text = store.objects.get(key)?.body.toString()
            if (text === undefined) continue
            if (what === 'remove') store.objects.delete(key)
            else if (what === 'garbage') await store.writeText(key, '\u0000[]')
            else if (what === 'cut') await store.writeText(key, text.slice(0, Math.floor(text.length * at)))
            else if (what === 'edit-facts') await store.writeText(key, text.replace('"name":"', '"name":"not-'))
            else if (what === 'edit-etag')
              await store.writeText(key, text.replace(/"manifestEtag":"\w\w/, '"manifestEtag":"00'))
            else if (what === 'copy') {
              const others = store.objects.get(catalogueIndexKey(keyPrefix, 'hq', other))?.body.toString()
              if (others !== undefined) await store.writeText(key, others)
            }
          }
          const bare = new MemoryStore()
          for (const [key, object] of store.objects)
            if (!key.startsWith(`${keyPrefix}catalogue/`)) bare.objects.set(key, object)
          const reading = newReading()
          const found: CatalogueEntry[] = []
          for await (const { entries } of readCatalogue({}, { store, keyPrefix }, reading)) found.push(...entries)
          usedIndex += reading.fromIndex
          expect(found).toEqual(await entriesOf(bare))
          // And a rebuilt index says the same.
          await rebuild(store)
          expect(await entriesOf(store)).toEqual(found)
        },
      ),
      { numRuns: 200 },
    )
    expect(usedIndex).toBeGreaterThan(50)
  })
})
