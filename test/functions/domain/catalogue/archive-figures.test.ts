import { describe, expect, it } from 'vitest'
import {
  type ArchiveFigures,
  figuresOf,
  median,
  oddities,
} from '../../../../functions/domain/catalogue/archive-figures.ts'

/** A guest as many are: it compresses to half, and has 5.2 bits per byte. */
const usual: ArchiveFigures = { sizeBytes: 500, contentBytes: 1000, entropyBitsPerByte: 5.2 }
const ten = Array.from({ length: 10 }, () => usual)
/** The same guest with this share of its content encrypted. */
const encrypted = (share: number): ArchiveFigures => ({
  sizeBytes: 500 + 500 * share,
  contentBytes: 1000,
  entropyBitsPerByte: 5.2 + (7.95 - 5.2) * share,
})
const odd = (newest: ArchiveFigures, before: readonly ArchiveFigures[] = ten) =>
  oddities(newest, before).map(({ figure }) => figure)

describe('what is odd about an archive', () => {
  it('is nothing while all figures stay near those before it', () => {
    expect(odd(usual)).toEqual([])
    expect(odd({ sizeBytes: 900, contentBytes: 1500, entropyBitsPerByte: 5.9 })).toEqual([])
    expect(odd({ sizeBytes: 260, contentBytes: 700, entropyBitsPerByte: 4.5 })).toEqual([])
  })

  it('is told in one sentence each', () => {
    const newest = { sizeBytes: 1100, contentBytes: 1100, entropyBitsPerByte: 7.95 }
    expect(oddities(newest, ten).map(({ sentence }) => sentence)).toEqual([
      'It has 1100 bytes, and those before it about 500.',
      'It has 100 % of the size of its content, and those before it about 50 %: what was encrypted compresses no more.',
      'Its content has 8.0 bits per byte, and that of those before it about 5.2: what was encrypted has nearly 8.',
    ])
    expect(oddities({ sizeBytes: 100, contentBytes: 1000, entropyBitsPerByte: 1 }, ten)).toEqual([
      { figure: 'size', sentence: 'It has 100 bytes, and those before it about 500.' },
      { figure: 'ratio', sentence: 'It has 10 % of the size of its content, and those before it about 50 %.' },
      { figure: 'entropy', sentence: 'Its content has 1.0 bits per byte, and that of those before it about 5.2.' },
    ])
  })

  it('is an emptied guest', () => {
    expect(odd({ sizeBytes: 200, contentBytes: 400, entropyBitsPerByte: 5.2 })).toEqual(['size'])
  })

  it('is a guest of which a third was encrypted, long before its size is double', () => {
    expect(odd(encrypted(0.33))).toEqual(['ratio', 'entropy'])
    expect(odd(encrypted(0.25))).toEqual([])
  })

  it('is an encrypted guest whose size was kept, by removing as much as encrypting added', () => {
    expect(odd({ sizeBytes: 500, contentBytes: 500 })).toEqual(['ratio'])
  })

  it('is an encrypted guest that is archived without compression, where neither size nor ratio moves', () => {
    const before = ten.map((one) => ({ ...one, sizeBytes: 1000 }))
    expect(odd({ ...encrypted(1), sizeBytes: 1000 }, before)).toEqual(['entropy'])
  })

  it('is also one that is encrypted a little more from archive to archive', () => {
    const history = [...ten]
    const shares = Array.from({ length: 10 }, (_, n) => (n + 1) / 10)
    const first = shares.find((share) => {
      const newest = encrypted(share)
      const found = odd(newest, history)
      history.unshift(newest)
      return found.length > 0
    })
    expect(first).toBe(0.3)
  })

  it('is no less odd because an archive long ago was odd as well', () => {
    expect(odd(encrypted(1), [...ten.slice(0, 8), encrypted(1), encrypted(1)])).toContain('ratio')
    expect(odd(encrypted(1), [usual, usual, encrypted(1)])).toContain('ratio')
  })

  it('is nothing new once most of the last ten look like it: that is how the guest is now', () => {
    const blockedFor = (newest: ArchiveFigures, archivesBefore: number) => {
      const history = ten.slice(0, archivesBefore)
      let archives = 0
      for (; archives < 20 && odd(newest, history).length > 0; archives += 1) history.unshift(newest)
      return archives
    }
    const emptied = { sizeBytes: 10, contentBytes: 20, entropyBitsPerByte: 5.2 }
    for (const newest of [encrypted(1), emptied]) {
      expect([10, 5, 3, 2].map((before) => blockedFor(newest, before))).toEqual([6, 6, 4, 3])
    }
    // Twice the size is the middle between the two.
    expect(blockedFor({ ...usual, sizeBytes: 1001, contentBytes: 2002 }, 10)).toBe(5)
  })

  it('is told of each figure that two archives before it have too, and of no other', () => {
    const { contentBytes: _, ...silent } = usual
    expect(odd({ ...encrypted(1), sizeBytes: 600, contentBytes: 600 }, [usual, silent, silent])).toEqual(['entropy'])
    expect(odd({ ...encrypted(1), sizeBytes: 600, contentBytes: 600 }, [usual, silent, silent, usual])).toEqual([
      'ratio',
      'entropy',
    ])
    expect(odd({ sizeBytes: 600 })).toEqual([])
    expect(odd(encrypted(1), [usual])).toEqual([])
  })

  it('finds the history behind archives that lack the figure', () => {
    const silent = Array.from({ length: 12 }, () => ({ sizeBytes: 500 }))
    expect(odd({ ...encrypted(1), sizeBytes: 900 }, [...silent, ...ten])).toEqual(['ratio', 'entropy'])
  })
})

describe('the figures of an archive', () => {
  it('are the manifest’s, else those of a verification', () => {
    const verified = { contentBytes: 9, entropyBitsPerByte: 4 }
    expect(figuresOf(5, undefined, undefined)).toEqual({ sizeBytes: 5 })
    expect(figuresOf(5, {}, verified)).toEqual({ sizeBytes: 5, ...verified })
    expect(figuresOf(5, { contentBytes: 8 }, verified)).toEqual({ ...verified, sizeBytes: 5, contentBytes: 8 })
  })
})

describe('the median', () => {
  it('is in the middle of an odd number, and between the two middle ones of an even number', () => {
    expect([median([9, 1, 2]), median([9, 1, 2, 3]), median([])]).toEqual([2, 2.5, 0])
  })
})
