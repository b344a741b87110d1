import { describe, expect, it } from 'vitest'
import { ChunkWindow } from '../../../../functions/archive-formats/raw-disk/chunk-window.ts'

/** Chunks as they come, and how many were asked for. */
function windowOver(...texts: string[]) {
  const chunks = texts.map((text) => Buffer.from(text))
  const seen = { given: 0 }
  async function* source() {
    for (const chunk of chunks) {
      seen.given += 1
      yield chunk
    }
  }
  return { window: new ChunkWindow(source()), chunks, seen }
}

describe('a window over chunks', () => {
  it('gets as many chunks as it is asked to look ahead, and no more', async () => {
    const { window, seen } = windowOver('abc', '', 'defg', 'h')
    expect([await window.has(0), seen.given, window.available]).toEqual([true, 0, 0])
    expect([await window.has(3), seen.given, window.available]).toEqual([true, 1, 3])
    expect([await window.has(4), seen.given, window.available]).toEqual([true, 3, 7])
    expect([await window.has(8), window.available]).toEqual([true, 8])
    expect([await window.has(9), window.available, window.offset]).toEqual([false, 8, 0])
  })

  it('shows what lies ahead, in one chunk or in several, and hands nothing on', async () => {
    const { window } = windowOver('abc', 'de', 'fghi')
    await window.has(9)
    const text = 'abcdefghi'
    for (let ahead = 0; ahead < 9; ahead += 1) {
      for (let bytes = 1; ahead + bytes <= 9; bytes += 1) {
        expect(String(window.peek(ahead, bytes))).toBe(text.slice(ahead, ahead + bytes))
      }
    }
    expect([window.offset, window.available]).toEqual([0, 9])
  })

  it('shows what lies in one chunk without copying it, up to the chunk’s last byte', async () => {
    const { window, chunks } = windowOver('abc', 'defg')
    await window.has(7)
    expect(window.peek(4, 3).byteOffset).toBe((chunks[1]?.byteOffset ?? 0) + 1)
    expect(window.peek(0, 2).byteOffset).toBe(chunks[0]?.byteOffset)
  })

  it('shows nothing beyond what is at hand', async () => {
    const { window } = windowOver('abc', 'de')
    await window.has(5)
    expect(window.peek(5, 1)).toHaveLength(0)
    expect(windowOver('abc').window.peek(0, 1)).toHaveLength(0)
  })

  it('hands on in one piece, without copying what lies in one chunk', async () => {
    const { window, chunks } = windowOver('abcd', 'ef', 'ghi')
    await window.has(9)
    const first = window.take(2)
    expect([String(first), window.offset, window.available]).toEqual(['ab', 2, 7])
    expect(first.buffer).toBe(chunks[0]?.buffer)
    expect(first.byteOffset).toBe(chunks[0]?.byteOffset)
    const rest = window.take(2)
    expect([String(rest), rest.byteOffset]).toEqual(['cd', (chunks[0]?.byteOffset ?? 0) + 2])
    expect([String(window.take(5)), window.offset, window.available]).toEqual(['efghi', 9, 0])
    expect(window.take(3)).toHaveLength(0)
  })

  it('goes on after what was handed on', async () => {
    const { window } = windowOver('abcd', 'ef')
    await window.has(5)
    window.take(3)
    expect(String(window.peek(0, 3))).toBe('def')
    expect(String(window.peek(1, 1))).toBe('e')
    expect([await window.has(3), await window.has(4)]).toEqual([true, false])
  })

  it('passes over bytes whether they are at hand or not, and says when there were fewer', async () => {
    const { window, seen } = windowOver('abcd', 'ef', 'ghi')
    await window.has(2)
    expect([await window.skip(5), window.offset, seen.given]).toEqual([true, 5, 2])
    expect([await window.has(1), String(window.take(2))]).toEqual([true, 'f'])
    expect([await window.skip(3), window.offset, window.available]).toEqual([true, 9, 0])
    expect(await window.skip(0)).toBe(true)
    const one = windowOver('a').window
    expect([await one.skip(1), one.offset]).toEqual([true, 1])
    const short = windowOver('abc').window
    expect([await short.skip(4), short.offset]).toEqual([false, 3])
  })

  it('passes over chunks that hold nothing', async () => {
    const { window } = windowOver('', 'abc', '', 'def')
    expect([await window.skip(5), String(window.peek(0, 1))]).toEqual([true, 'f'])
  })
})
