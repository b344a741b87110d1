/** What a range of a disk becomes: data frames on a fixed grid, and holes between them. Pure. */
import type { AllocationMap } from '../../contracts/disk-archive.ts'
import { type Extent, writtenIn } from './allocation-map.ts'

/** A cell of the grid in which something was written: one data frame. The rest of it is zeros that nobody reads. */
export interface Cell extends Extent {
  kind: 'cell'
  written: Extent[]
}

/** Cells in a row in which nothing was ever written. */
export interface Hole extends Extent {
  kind: 'hole'
}

/**
 * A range of the disk in order and without a gap.
 * @param range begins at a multiple of `frameBytes`, so that whoever reads the disk cuts alike
 */
export function* segmentsOf(map: AllocationMap | undefined, range: Extent, frameBytes: number): Generator<Cell | Hole> {
  let at = range.from
  for (const cell of cellsOf(map, range, frameBytes)) {
    if (cell.from > at) yield { kind: 'hole', from: at, to: cell.from }
    yield cell
    at = cell.to
  }
  if (range.to > at) yield { kind: 'hole', from: at, to: range.to }
}

/** The cells of a range in which something was written, ascending. */
export function* cellsOf(map: AllocationMap | undefined, range: Extent, frameBytes: number): Generator<Cell> {
  let cell: Cell | undefined
  for (const extent of writtenIn(map, range)) {
    for (let at = extent.from; at < extent.to; ) {
      if (cell === undefined || at >= cell.to) {
        if (cell !== undefined) yield cell
        const from = Math.floor(at / frameBytes) * frameBytes
        cell = { kind: 'cell', from, to: Math.min(from + frameBytes, range.to), written: [] }
      }
      const to = Math.min(extent.to, cell.to)
      cell.written.push({ from: at, to })
      at = to
    }
  }
  if (cell !== undefined) yield cell
}
