/**
 * The bytes of a page blob: pages of 512 bytes, of which most may never have been written. What was written is kept in
 * memory, over a content that stays as it is, so that a snapshot costs one map of references.
 */
import { closeSync, ftruncateSync, openSync, writeSync } from 'node:fs'
import { type DiskContent, PAGE_BYTES, type Range } from './content.ts'

const CHUNK = 64 * 1024
const PAGES = CHUNK / PAGE_BYTES

/** Bytes, and which of their pages were written. Never changed once it is in the map. */
interface Chunk {
  bytes: Uint8Array
  written: Uint8Array
}

function clipped(ranges: readonly Range[], start: number, end: number): Range[] {
  return ranges
    .filter((range) => range.end > start && range.start < end)
    .map((range) => ({ start: Math.max(range.start, start), end: Math.min(range.end, end) }))
}

/** Ascending, and joined where they touch. */
function joined(ranges: readonly Range[]): Range[] {
  const all: Range[] = []
  for (const range of ranges.toSorted((a, b) => a.start - b.start)) {
    const last = all.at(-1)
    if (last !== undefined && last.end >= range.start) last.end = Math.max(last.end, range.end)
    else all.push({ ...range })
  }
  return all
}

export class Pages {
  readonly length: number
  readonly #base: DiskContent | undefined
  readonly #own: Map<number, Chunk>

  /** @param length in bytes, whole pages */
  constructor(length: number, base?: DiskContent, own?: ReadonlyMap<number, Chunk>) {
    this.length = length
    this.#base = base
    this.#own = new Map(own)
  }

  /** The same bytes; what is written to one of both doesn't show on the other. */
  copy(): Pages {
    return new Pages(this.length, this.#base, this.#own)
  }

  /** Where pages were written, from `start` to before `end`. */
  written(start = 0, end = this.length): Range[] {
    const own = [...this.#own.keys()].filter((index) => (index + 1) * CHUNK > start && index * CHUNK < end)
    const mine = own.flatMap((index) => this.#writtenOf(index))
    const under = clipped(this.#base?.ranges ?? [], start, end)
    const seen = own.toSorted((a, b) => a - b).reduce<Range[]>((left, index) => without(left, index), under)
    return joined(clipped([...seen, ...mine], start, end))
  }

  #writtenOf(index: number): Range[] {
    const { written } = this.#own.get(index) ?? { written: new Uint8Array() }
    return [...written].flatMap((yes, page) => {
      const start = index * CHUNK + page * PAGE_BYTES
      return yes === 1 ? [{ start, end: start + PAGE_BYTES }] : []
    })
  }

  #baseBytes(start: number, length: number): Uint8Array {
    const bytes = new Uint8Array(length)
    for (const range of clipped(this.#base?.ranges ?? [], start, start + length))
      bytes.set(this.#base?.read(range.start, range.end - range.start) ?? [], range.start - start)
    return bytes
  }

  /** Zeros where nothing was written. */
  read(start: number, length: number): Uint8Array {
    const bytes = this.#baseBytes(start, length)
    const last = Math.floor((start + length - 1) / CHUNK)
    for (let index = Math.floor(start / CHUNK); index <= last; index += 1) {
      const chunk = this.#own.get(index)
      if (chunk === undefined) continue
      const from = Math.max(start, index * CHUNK)
      const to = Math.min(start + length, (index + 1) * CHUNK)
      bytes.set(chunk.bytes.subarray(from - index * CHUNK, to - index * CHUNK), from - start)
    }
    return bytes
  }

  #chunk(index: number): Chunk {
    const own = this.#own.get(index)
    if (own !== undefined) return { bytes: own.bytes.slice(), written: own.written.slice() }
    const start = index * CHUNK
    const written = new Uint8Array(PAGES)
    for (const range of clipped(this.#base?.ranges ?? [], start, start + CHUNK))
      written.fill(1, (range.start - start) / PAGE_BYTES, Math.ceil((range.end - start) / PAGE_BYTES))
    return { bytes: this.#baseBytes(start, CHUNK), written }
  }

  #change(start: number, length: number, change: (chunk: Chunk, from: number, to: number) => void): void {
    const last = Math.floor((start + length - 1) / CHUNK)
    for (let index = Math.floor(start / CHUNK); index <= last; index += 1) {
      const chunk = this.#chunk(index)
      change(
        chunk,
        Math.max(start, index * CHUNK) - index * CHUNK,
        Math.min(start + length, (index + 1) * CHUNK) - index * CHUNK,
      )
      this.#own.set(index, chunk)
    }
  }

  /** Whole pages. */
  write(start: number, bytes: Uint8Array): void {
    let done = 0
    this.#change(start, bytes.length, (chunk, from, to) => {
      chunk.bytes.set(bytes.subarray(done, done + to - from), from)
      chunk.written.fill(1, from / PAGE_BYTES, to / PAGE_BYTES)
      done += to - from
    })
  }

  /** Whole pages, as if they had never been written. */
  clear(start: number, length: number): void {
    this.#change(start, length, (chunk, from, to) => {
      chunk.bytes.fill(0, from, to)
      chunk.written.fill(0, from / PAGE_BYTES, to / PAGE_BYTES)
    })
  }

  /** Write them whole to a sparse file, for tools that compare. */
  saveTo(path: string): void {
    const file = openSync(path, 'w')
    try {
      ftruncateSync(file, this.length)
      for (const { start, end } of this.written())
        for (let at = start; at < end; at += CHUNK) {
          const bytes = this.read(at, Math.min(CHUNK, end - at))
          writeSync(file, bytes, 0, bytes.length, at)
        }
    } finally {
      closeSync(file)
    }
  }
}

/** What is left of ranges beside one chunk. */
function without(ranges: readonly Range[], index: number): Range[] {
  const [start, end] = [index * CHUNK, (index + 1) * CHUNK]
  return ranges.flatMap((range) => [
    ...(range.start < start ? [{ start: range.start, end: Math.min(range.end, start) }] : []),
    ...(range.end > end ? [{ start: Math.max(range.start, end), end: range.end }] : []),
  ])
}
