/**
 * LZO1X decompression of one block, written from the format's description in the Linux kernel's documentation
 * (staging/lzo.rst). All LZO1X compressors, whatever their level, write this one format. Each read and write is checked
 * against both buffers: damaged input ends in an error, never outside them.
 */

/** The smallest instruction that can stand last: the end mark. No instruction begins later than this before the end. */
const END_MARK_BYTES = 3

/** @throws RangeError when the input isn't a block that gives exactly `output.length` bytes */
export function decompressLzo1x(input: Uint8Array, output: Uint8Array): void {
  let from = 0
  let to = 0
  /** Literals that the last instruction copied: 0 to 3, or 4 for a run of its own. The next one's meaning depends on it. */
  let state = 0

  const literals = (count: number): void => {
    if (from + count + END_MARK_BYTES > input.length || to + count > output.length) throw new RangeError('literals')
    if (count > 32) output.set(input.subarray(from, from + count), to)
    else for (let step = 0; step < count; step += 1) output[to + step] = input[from + step] as number
    from += count
    to += count
  }
  const longCount = (base: number): number => {
    let count = base
    while (input[from] === 0) {
      count += 255
      from += 1
      if (from + END_MARK_BYTES > input.length) throw new RangeError('count')
    }
    count += input[from] as number
    from += 1
    return count
  }
  const match = (distance: number, count: number): void => {
    let source = to - distance
    if (source < 0 || to + count > output.length) throw new RangeError('match')
    if (distance >= count && count > 32) {
      output.copyWithin(to, source, source + count)
      to += count
      return
    }
    // Source and target may overlap: a byte at a time repeats what was just written, which is meant.
    for (const end = to + count; to < end; to += 1, source += 1) output[to] = output[source] as number
  }

  if (input.length < END_MARK_BYTES) throw new RangeError('input')
  const first = input[0] as number
  if (first > 17) {
    from = 1
    literals(first - 17)
    state = Math.min(first - 17, 4)
  }
  for (;;) {
    if (from + END_MARK_BYTES > input.length) throw new RangeError('input')
    const code = input[from] as number
    from += 1
    if (code < 16 && state === 0) {
      literals(code === 0 ? longCount(18) : code + 3)
      state = 4
      continue
    }
    let trailing = code & 3
    if (code >= 64) {
      const distance = ((input[from] as number) << 3) + ((code >>> 2) & 7) + 1
      from += 1
      match(distance, code >= 128 ? 5 + ((code >>> 5) & 3) : 3 + ((code >>> 5) & 1))
    } else if (code < 16) {
      const distance = ((input[from] as number) << 2) + (code >>> 2) + 1
      from += 1
      if (state === 4) match(distance + 2048, 3)
      else match(distance, 2)
    } else {
      const near = code >= 32
      const short = code & (near ? 31 : 7)
      const count = 2 + (short === 0 ? longCount(near ? 31 : 7) : short)
      if (from + 2 > input.length) throw new RangeError('input')
      const pair = (input[from] as number) | ((input[from + 1] as number) << 8)
      from += 2
      trailing = pair & 3
      if (near) match((pair >>> 2) + 1, count)
      else {
        const distance = ((code & 8) << 11) + (pair >>> 2)
        if (distance === 0) {
          // The end mark is 17, 0, 0: a match of this kind at no distance.
          if (code !== 17 || trailing !== 0 || from !== input.length || to !== output.length)
            throw new RangeError('end')
          return
        }
        match(distance + 16_384, count)
      }
    }
    if (trailing > 0) literals(trailing)
    state = trailing
  }
}
