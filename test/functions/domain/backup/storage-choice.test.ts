import { describe, expect, it } from 'vitest'
import { type Candidate, chooseStorage } from '../../../../functions/domain/backup/storage-choice.ts'

const GIB = 2 ** 30
const of = (storage: string, free: number, promised = 0): Candidate => ({
  storage,
  type: 'dir',
  backupsAreFiles: true,
  freeBytes: free * GIB,
  promisedBytes: promised * GIB,
})

describe('the choice of a storage', () => {
  it('is the one with most room that no dump was promised, and says so with figures', () => {
    const choice = chooseStorage([of('big', 100, 80), of('mid', 50), of('small', 10)])
    expect(choice.chosen?.storage).toBe('mid')
    expect(choice).toMatchObject({
      reason: 'Storage mid has most room for backups, 50.0 GiB free (big 20.0 GiB, small 10.0 GiB).',
    })
  })

  it('needs no reason but being the only one', () => {
    expect(chooseStorage([of('one', 3)])).toMatchObject({
      reason: 'Storage one, the only one for backups, 3.0 GiB free.',
    })
    expect(chooseStorage([])).toEqual({ notes: [] })
  })

  it('is the same for the same figures in any order', () => {
    expect(chooseStorage([of('b', 5), of('a', 5)]).chosen?.storage).toBe('a')
    expect(chooseStorage([of('a', 5), of('b', 5)]).chosen?.storage).toBe('a')
  })

  it.each([
    ['linstor', /passes over big: its type linstor is a plug-in that Guestlift doesn't know.*Name it in the job/],
    ['', /passes over big: no type is shown for it/],
  ])('never falls on one of type "%s", of which nobody knows what backups on it are, and says so', (type, note) => {
    const { backupsAreFiles: _, ...unknown } = of('big', 900)
    const choice = chooseStorage([{ ...unknown, type }, of('small', 10)])
    expect(choice).toMatchObject({ chosen: { storage: 'small' }, notes: [expect.stringMatching(note)] })
    expect(chooseStorage([{ ...unknown, type }])).toEqual({ notes: choice.notes })
  })

  it('never falls on one whose backups are no files, and has nothing to say of it', () => {
    expect(chooseStorage([{ ...of('pbs', 900), type: 'pbs', backupsAreFiles: false }])).toEqual({ notes: [] })
  })
})
