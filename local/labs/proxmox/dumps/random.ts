/** Reproducible bytes: the same seed gives the same archive, on every machine. */

/** Mulberry32: a small generator that is good enough to look random to a compressor. */
export function generator(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return (mixed ^ (mixed >>> 14)) >>> 0
  }
}

/** One number for several: seeds of parts of a thing, each unlike the others. */
export function mixSeed(...numbers: number[]): number {
  let mixed = 0x811c9dc5
  for (const number of numbers) mixed = Math.imul(mixed ^ (number >>> 0), 0x01000193) ^ (number >>> 7)
  return mixed >>> 0
}

/** Fill with bytes that don't compress. Works in words: a byte at a time is four times slower. */
export function fillRandom(target: Uint8Array, seed: number): void {
  let state = (seed | 1) >>> 0
  const words = target.length >> 2
  const view = new DataView(target.buffer, target.byteOffset, target.byteLength)
  for (let index = 0; index < words; index += 1) {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    view.setUint32(index * 4, state, true)
  }
  for (let index = words * 4; index < target.length; index += 1) target[index] = (state >>> (index & 7)) & 0xff
}

/** Fill with text as logs and databases have it: a compressor makes a tenth of it. */
export function fillCompressible(target: Buffer, seed: number): void {
  let at = 0
  for (let line = 0; at < target.length; line += 1) {
    const text = `${(seed + line).toString(16).padStart(8, '0')} INFO request served in ${line % 97} ms, cache hit, user ${seed % 1009}\n`
    at += target.write(text, at, 'latin1') || target.length
  }
}
