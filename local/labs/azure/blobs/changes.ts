/** What changed between two snapshots of a disk. */
import { PAGE_BYTES, type Range } from '../disks/content.ts'
import type { Pages } from '../disks/pages.ts'

const STEP = 64 * 1024

interface Changes {
  written: Range[]
  cleared: Range[]
}

function add(to: Range[], start: number): void {
  const last = to.at(-1)
  if (last?.end === start) last.end = start + PAGE_BYTES
  else to.push({ start, end: start + PAGE_BYTES })
}

const has = (ranges: readonly Range[], at: number): boolean => ranges.some(({ start, end }) => start <= at && at < end)

/** Pages that hold others bytes than before, and pages that were given back since. */
export function changesOf(before: Pages, now: Pages, { start, end }: Range): Changes {
  const changes: Changes = { written: [], cleared: [] }
  for (let from = Math.floor(start / STEP) * STEP; from < end; from += STEP) {
    const to = Math.min(from + STEP, end, now.length)
    const [mine, theirs] = [now.written(from, to), before.written(from, Math.min(to, before.length))]
    if (mine.length === 0 && theirs.length === 0) continue
    const [bytes, old] = [now.read(from, to - from), before.read(from, to - from)]
    for (let at = Math.max(from, start); at < to; at += PAGE_BYTES) {
      const place = at - from
      const page = bytes.subarray(place, place + PAGE_BYTES)
      if (has(mine, at) && Buffer.compare(page, old.subarray(place, place + PAGE_BYTES)) !== 0) add(changes.written, at)
      else if (!has(mine, at) && has(theirs, at)) add(changes.cleared, at)
    }
  }
  return changes
}
