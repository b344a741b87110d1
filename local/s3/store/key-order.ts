/** Keys of a bucket in S3's order: by their UTF-8 bytes. */

/** JavaScript compares UTF-16 units, which puts U+E000…U+FFFF after the astral planes; UTF-8 doesn't. */
export function compareKeys(a: string, b: string): number {
  const shorter = Math.min(a.length, b.length)
  for (let at = 0; at < shorter; at += 1) {
    const x = a.charCodeAt(at)
    const y = b.charCodeAt(at)
    if (x !== y) {
      const xSurrogate = x >= 0xd800 && x <= 0xdfff
      const ySurrogate = y >= 0xd800 && y <= 0xdfff
      return xSurrogate === ySurrogate ? x - y : xSurrogate ? 1 : -1
    }
  }
  return a.length - b.length
}

/** A map that can be walked in key order from anywhere. */
export class OrderedMap<Value> {
  readonly #values = new Map<string, Value>()
  #keys: string[] = []
  #unsorted = false

  get size(): number {
    return this.#values.size
  }

  get(key: string): Value | undefined {
    return this.#values.get(key)
  }

  set(key: string, value: Value): void {
    if (!this.#values.has(key)) {
      this.#keys.push(key)
      this.#unsorted = true
    }
    this.#values.set(key, value)
  }

  delete(key: string): void {
    if (!this.#values.delete(key)) return
    this.#sort()
    this.#keys.splice(this.#firstAtOrAfter(key), 1)
  }

  values(): IterableIterator<Value> {
    return this.#values.values()
  }

  /** Entries whose key is at or after `from`, in order. */
  *from(from: string): Generator<[string, Value]> {
    this.#sort()
    for (let at = this.#firstAtOrAfter(from); at < this.#keys.length; at += 1) {
      const key = this.#keys[at] ?? ''
      const value = this.#values.get(key)
      if (value !== undefined) yield [key, value]
    }
  }

  #sort(): void {
    if (this.#unsorted) this.#keys.sort(compareKeys)
    this.#unsorted = false
  }

  #firstAtOrAfter(key: string): number {
    let low = 0
    let high = this.#keys.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if (compareKeys(this.#keys[middle] ?? '', key) < 0) low = middle + 1
      else high = middle
    }
    return low
  }
}
