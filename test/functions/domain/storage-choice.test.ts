import { describe, expect, it } from 'vitest'
import { chooseStorage } from '../../../functions/domain/storage-choice.ts'

const GIB = 2 ** 30
const of = (storage: string, free: number, promised = 0) => ({
  storage,
  freeBytes: free * GIB,
  promisedBytes: promised * GIB,
})

describe('the choice of a storage', () => {
  it('is the one with most room that no dump was promised, and says so with figures', () => {
    const choice = chooseStorage([of('big', 100, 80), of('mid', 50), of('small', 10)])
    expect(choice?.chosen.storage).toBe('mid')
    expect(choice?.reason).toBe('Storage mid has most room for backups, 50.0 GiB free (big 20.0 GiB, small 10.0 GiB).')
  })

  it('needs no reason but being the only one', () => {
    expect(chooseStorage([of('one', 3)])?.reason).toBe('Storage one, the only one for backups, 3.0 GiB free.')
    expect(chooseStorage([])).toBeUndefined()
  })

  it('is the same for the same figures in any order', () => {
    expect(chooseStorage([of('b', 5), of('a', 5)])?.chosen.storage).toBe('a')
    expect(chooseStorage([of('a', 5), of('b', 5)])?.chosen.storage).toBe('a')
  })
})
