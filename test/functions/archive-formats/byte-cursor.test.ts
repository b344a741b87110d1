import { describe, expect, it } from 'vitest'
import { ByteCursor } from '../../../functions/archive-formats/byte-cursor.ts'
import { Damage, Findings } from '../../../functions/archive-formats/damage.ts'
import { peek, TappedSource } from '../../../functions/archive-formats/tapped-source.ts'

/** Chunks as they come, and how many were asked for. */
function source(...texts: string[]) {
  const left = texts.map((text) => Buffer.from(text))
  const seen = { asked: 0, closed: false }
  const chunks: AsyncIterable<Buffer> = {
    [Symbol.asyncIterator]: () => ({
      next: async () => {
        seen.asked += 1
        const value = left.shift()
        return value === undefined ? { done: true as const, value } : { done: false as const, value }
      },
      return: async () => {
        seen.closed = true
        return { done: true as const, value: undefined }
      },
    }),
  }
  return { chunks, seen }
}

async function all(chunks: AsyncIterable<Buffer>): Promise<string[]> {
  const texts: string[] = []
  for await (const chunk of chunks) texts.push(String(chunk))
  return texts
}

describe('exact reads over chunks', () => {
  it('take as many bytes as are asked for, across chunks, and fewer only at the end', async () => {
    const cursor = new ByteCursor(source('abc', '', 'defg', 'h').chunks)
    const taken: string[] = []
    for (const bytes of [0, 2, 1, 3, 0, 9, 1]) taken.push(String(await cursor.take(bytes)))
    expect(taken).toEqual(['', 'ab', 'c', 'def', '', 'gh', ''])
    expect(cursor.offset).toBe(8)
  })

  it('copy nothing of what lies in one chunk', async () => {
    const chunk = Buffer.from('abcdef')
    async function* one() {
      yield chunk
    }
    const cursor = new ByteCursor(one())
    await cursor.skip(1)
    for (const [bytes, from] of [
      [2, 1],
      [3, 3],
    ] as const) {
      const taken = await cursor.take(bytes)
      expect([taken.buffer, taken.byteOffset]).toEqual([chunk.buffer, chunk.byteOffset + from])
    }
  })

  it('ask for no chunk that they don’t need', async () => {
    const { chunks, seen } = source('abc', 'def', 'ghi')
    const cursor = new ByteCursor(chunks)
    await cursor.take(3)
    expect(seen.asked).toBe(1)
    await cursor.skip(3)
    expect(seen.asked).toBe(2)
    await cursor.skip(0)
    expect(seen.asked).toBe(2)
  })

  it('skip as many, say how many there were, and count them', async () => {
    const cursor = new ByteCursor(source('abc', 'defg', 'hi').chunks)
    await cursor.take(1)
    expect(await cursor.skip(1)).toBe(1)
    expect(cursor.offset).toBe(2)
    expect(await cursor.skip(4)).toBe(4)
    expect(cursor.offset).toBe(6)
    expect(String(await cursor.take(2))).toBe('gh')
    expect(await cursor.skip(5)).toBe(1)
    expect(cursor.offset).toBe(9)
    expect(await cursor.skip(5)).toBe(0)
  })
})

describe('a tapped source', () => {
  it('counts and shows what passes, whoever reads it', async () => {
    const shown: string[] = []
    const { chunks, seen } = source('abc', 'de', 'f')
    const tapped = new TappedSource(chunks, (chunk) => shown.push(String(chunk)))
    expect(tapped.bytes).toBe(0)
    for await (const chunk of tapped) {
      expect(String(chunk)).toBe('abc')
      break
    }
    expect([tapped.bytes, shown, seen.closed]).toEqual([3, ['abc'], false])
    await tapped.drain()
    expect([tapped.bytes, shown]).toEqual([6, ['abc', 'de', 'f']])
    await tapped.close()
    expect(seen.closed).toBe(true)
  })

  it('is drained and closed where nobody watches, and where the source can’t be closed', async () => {
    const tapped = new TappedSource(source('abc').chunks)
    await tapped.drain()
    expect(tapped.bytes).toBe(3)
    const bare = { [Symbol.asyncIterator]: () => ({ next: async () => ({ done: true as const, value: undefined }) }) }
    await new TappedSource(bare).close()
  })
})

describe('a look at the first bytes', () => {
  it('takes the chunks that hold them, and leaves the whole stream', async () => {
    const { chunks, seen } = source('abc', 'def', 'ghi')
    const { first, all: whole } = await peek(chunks, 4)
    expect(String(first)).toBe('abcdef')
    expect(seen.asked).toBe(2)
    expect(await all(whole)).toEqual(['abc', 'def', 'ghi'])
  })

  it('takes what there is, and one chunk where that is enough', async () => {
    const { first, all: whole } = await peek(source('ab', 'c').chunks, 9)
    expect(String(first)).toBe('abc')
    expect(await all(whole)).toEqual(['ab', 'c'])
    expect(String((await peek(source('abcd', 'e').chunks, 4)).first)).toBe('abcd')
    expect((await peek(source().chunks, 4)).first).toHaveLength(0)
  })
})

describe('findings', () => {
  const one = { code: 'a', message: 'm' }

  it('are told up to fifty, and the rest counted', () => {
    const findings = new Findings()
    expect(findings.list).toEqual([])
    for (let count = 0; count < 50; count += 1) findings.add(one)
    expect(findings.list).toEqual(Array.from({ length: 50 }, () => one))
    findings.add(one)
    findings.add(one)
    expect(findings.list).toHaveLength(51)
    expect(findings.list.at(-1)).toEqual({ code: 'more', message: 'and 2 further findings' })
  })

  it('are lists of their own each time', () => {
    const findings = new Findings()
    findings.add(one)
    findings.list.push({ code: 'b', message: 'm' })
    expect(findings.list).toEqual([one])
  })

  it('come of damage, with its place', () => {
    const damage = new Damage('a', 'm', 'file', 7)
    expect(damage.message).toBe('m')
    expect(damage.finding).toEqual({ ...one, of: 'file', offset: 7 })
  })
})
