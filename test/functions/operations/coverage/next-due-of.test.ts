import { beforeEach, describe, expect, it } from 'vitest'
import { lastCoverageKey } from '../../../../functions/domain/books/object-keys.ts'
import type { CatalogueEntry } from '../../../../functions/domain/catalogue/catalogue.ts'
import { StoreUnavailable } from '../../../../functions/contracts/errors.ts'
import { dueTimes } from '../../../../functions/operations/coverage/next-due-of.ts'
import { MemoryStore } from '../../../fakes/memory-store.ts'

const now = () => new Date('2026-11-24T12:00:00.000Z')
const guest = { kind: 'vm' as const, id: '100' }
const web = { site: 'hq', guest, former: false }
const entry = (createdAt: string, state: CatalogueEntry['state'] = 'complete') =>
  ({ createdAt, state }) as unknown as CatalogueEntry
const entries = [
  entry('2026-11-22T02:00:00.000Z'),
  entry('2026-11-23T02:00:00.000Z'),
  entry('2026-11-24T02:00:00.000Z', 'incomplete'),
]
const report = {
  version: 1,
  coverageId: 'c',
  site: 'hq',
  outcome: 'succeeded',
  summary: 'x',
  startedAt: '2026-11-24T06:00:00.000Z',
  judgedAt: '2026-11-24T06:00:00.000Z',
  rules: { everyHours: 24, graceHours: 6, shrunkBelow: 0.5, parkedTags: [], parkedIds: [], wholeSite: true },
  schedules: [{ name: 'nightly', everyHours: 24 }],
  counts: {},
  guests: [
    { site: 'hq', guest, name: 'web', state: 'covered', reasons: [], archives: 1, sizeBytes: 1, chosenBy: ['nightly'] },
  ],
  unknown: [],
}

let store: MemoryStore
let reads: number
beforeEach(async () => {
  store = new MemoryStore()
  reads = 0
  const read = store.readText.bind(store)
  store.readText = (key) => {
    reads += 1
    return read(key)
  }
  await store.writeText(lastCoverageKey('', 'hq'), JSON.stringify(report))
})
const due = () => dueTimes({ store, keyPrefix: '', now })

describe('when archives are due', () => {
  it('follows the newest whole archive, by one reading for all guests of a site', async () => {
    const times = due()
    expect(await times.of(web, entries)).toBe('2026-11-24T02:00:00.000Z')
    expect(await times.of({ ...web, guest: { kind: 'vm', id: '101' } }, entries)).toBeUndefined()
    expect(reads).toBe(1)
    expect(times.unknown).toEqual([])
  })

  it('is not known of a guest that had the id before, and nothing is read for it', async () => {
    expect(await due().of({ ...web, former: true }, entries)).toBeUndefined()
    expect(reads).toBe(0)
  })

  it('is not known where there is no whole archive, and where no check was made', async () => {
    expect(await due().of(web, entries.slice(2))).toBeUndefined()
    expect(await due().of({ ...web, site: 'dr' }, entries)).toBeUndefined()
  })

  it('says of which site it can not be known', async () => {
    await store.writeText(lastCoverageKey('', 'hq'), '{"version":9}')
    const times = due()
    expect(await times.of(web, entries)).toBeUndefined()
    expect(await times.of(web, entries)).toBeUndefined()
    expect(times.unknown).toEqual([
      expect.stringMatching(/^When archives of site hq are due is not known\. .*version 9.*Update Guestlift/),
    ])
  })

  it('takes a store that does not answer for none', async () => {
    store.readText = () => Promise.reject(new StoreUnavailable('503'))
    await expect(due().of(web, entries)).rejects.toThrow(StoreUnavailable)
  })
})
