import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { ArchiveStore } from '../../../functions/aws/archive-store.ts'

export interface ColdStoreUnderTest {
  store: ArchiveStore
  /** Put an object into an archive class, as a lifecycle rule does. Returns its ETag. */
  freeze(key: string, text: string, storageClass: 'GLACIER' | 'DEEP_ARCHIVE'): Promise<string>
  /** What the store is at is done now. */
  endThaws(): void
  now(): Date
  close(): Promise<void>
}

const DAY_MILLISECONDS = 86_400_000

/** What every `ArchiveStore` does with objects that lie in an archive class. */
export function thawConformance(name: string, open: () => Promise<ColdStoreUnderTest>): void {
  describe(`${name} conforms to ArchiveStore where objects are frozen`, () => {
    let tested: ColdStoreUnderTest
    let store: ArchiveStore
    beforeAll(async () => {
      tested = await open()
      store = tested.store
    })
    afterAll(() => tested.close())

    const readableFor = async (key: string): Promise<number> => {
      const state = await store.frozenState(key)
      expect(state).toMatchObject({ state: 'readable' })
      return (Date.parse(state?.readableUntil ?? '') - tested.now().getTime()) / DAY_MILLISECONDS
    }

    it.each(['GLACIER', 'DEEP_ARCHIVE'] as const)(
      'gives no byte of what lies in %s until it is thawed, and says where it stands',
      async (storageClass) => {
        const key = `cold/${storageClass}`
        const etag = await tested.freeze(key, '0123456789', storageClass)
        const read = async () => (await store.readRange(key, { firstByte: 2, lastByte: 4, etag })).toString()
        expect(await store.frozenState(key)).toEqual({ storageClass, state: 'frozen' })
        await expect(read()).rejects.toMatchObject({ name: 'ObjectFrozen' })
        expect(await store.thaw(key, { days: 3, tier: 'standard' })).toBe('begun')
        expect(await store.frozenState(key)).toEqual({ storageClass, state: 'thawing' })
        expect(await store.thaw(key, { days: 3, tier: 'standard' })).toBe('under-way')
        await expect(read()).rejects.toMatchObject({ name: 'ObjectFrozen' })
        tested.endThaws()
        expect(await read()).toBe('234')
        expect(await readableFor(key)).toBeGreaterThanOrEqual(3)
      },
    )

    it('keeps what is thawed readable for longer when it is asked again', async () => {
      const key = 'cold/again'
      await tested.freeze(key, 'x', 'GLACIER')
      await store.thaw(key, { days: 1, tier: 'expedited' })
      tested.endThaws()
      expect(await readableFor(key)).toBeLessThan(9)
      expect(await store.thaw(key, { days: 9, tier: 'bulk' })).toBe('readable')
      expect(await readableFor(key)).toBeGreaterThanOrEqual(9)
    })

    it('refuses a tier that the class has not', async () => {
      const key = 'cold/deep'
      await tested.freeze(key, 'x', 'DEEP_ARCHIVE')
      await expect(store.thaw(key, { days: 1, tier: 'expedited' })).rejects.toMatchObject({ name: 'StoreDenied' })
      expect(await store.frozenState(key)).toMatchObject({ state: 'frozen' })
    })

    it('has nothing to thaw of what can be read, and of what is not there', async () => {
      await store.writeText('warm', 'x')
      expect(await store.frozenState('warm')).toEqual({ storageClass: 'STANDARD', state: 'readable' })
      expect(await store.thaw('warm', { days: 1, tier: 'standard' })).toBe('readable')
      expect(await store.frozenState('gone')).toBeUndefined()
      await expect(store.thaw('gone', { days: 1, tier: 'standard' })).rejects.toMatchObject({ name: 'ArchiveConflict' })
    })
  })
}
