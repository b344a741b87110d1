import type { ColdStart } from './cold-start.ts'
import type { Distances } from './distance.ts'
import type { RawDiskResult } from './raw-disk.ts'
import type { Restores } from './restore.ts'
import type { RestoreDistances } from './restore-distance.ts'
import type { NotMeasured, RouteResult } from './routes.ts'

/** One bar of the product: a figure that has to stay on one side of it. */
export interface Bar {
  name: string
  /** `null`: not measured, for the reason in `note`. */
  value: number | null
  bar: string
  met: boolean | null
  note?: string
}

export interface Results {
  routes?: Record<string, RouteResult | NotMeasured>
  distances?: Distances | NotMeasured
  restores?: Restores | NotMeasured
  restoreDistances?: RestoreDistances | NotMeasured
  coldStarts?: { functions: Record<string, ColdStart> } | NotMeasured
  rawDisk?: RawDiskResult | NotMeasured
}

const LEAST_SHARE_OF_LINK = 0.85
const MOST_OF_RCLONE = 1 / 3
const MOST_OF_FLOOR = 1.5
/** A restore is to be as fast as archiving, and nearly as cheap. */
const MOST_OF_ARCHIVING = 1.2
const MOST_INIT_MILLISECONDS = 250
/** A young process: reading, two sums and memory that is touched first come on top. On a quiet machine it should be less. */
const MOST_OF_ZSTD_CPU = 2.5
/** Most of the disk was never written: zstd reads it all. */
const MOST_OF_ZSTD_CPU_SPARSE = 1
const MOST_OF_ZSTD_SIZE = 1.05

function atMost(name: string, value: number | null, bar: number, reason?: string): Bar {
  return {
    name,
    value,
    bar: `≤ ${Math.round(bar * 1000) / 1000}`,
    met: value === null ? null : value <= bar,
    ...noted(reason),
  }
}

function atLeast(name: string, value: number | null, bar: number, reason?: string): Bar {
  return { name, value, bar: `≥ ${bar}`, met: value === null ? null : value >= bar, ...noted(reason) }
}

function noted(reason: string | undefined): { note?: string } {
  return reason === undefined ? {} : { note: reason }
}

/** Every bar that the measured sections can be held against. */
export function barsOf({ routes = {}, distances, restores, restoreDistances, coldStarts, rawDisk }: Results): Bar[] {
  return [
    ...Object.entries(routes).flatMap(([name, route]) => routeBars(name, route)),
    ...(distances === undefined ? [] : distanceBars(distances)),
    ...(restores === undefined ? [] : restoreBars(restores)),
    ...(restoreDistances === undefined ? [] : restoreDistanceBars(restoreDistances)),
    ...(coldStarts === undefined ? [] : coldBars(coldStarts)),
    ...(rawDisk === undefined ? [] : rawDiskBars(rawDisk)),
  ]
}

function routeBars(name: string, route: RouteResult | NotMeasured): Bar[] {
  if ('notMeasured' in route) return [atMost(`${name}: CPU by rclone's`, null, MOST_OF_RCLONE, route.notMeasured)]
  const noRclone = 'notMeasured' in route.rclone ? route.rclone.notMeasured : undefined
  const noFloor = 'notMeasured' in route.floor ? route.floor.notMeasured : undefined
  return [
    atMost(`${name}: CPU by rclone's`, route.ratioToRclone, MOST_OF_RCLONE, noRclone),
    // The other routes have no bar against the floor.
    ...(name === 'sftp' ? [atMost(`${name}: CPU by the floor's`, route.ratioToFloor, MOST_OF_FLOOR, noFloor)] : []),
    atMost(`${name}: peak MiB`, route.peakMiB, route.memoryBarMiB),
  ]
}

function distanceBars(distances: Distances | NotMeasured): Bar[] {
  if ('notMeasured' in distances)
    return [atLeast('share of the link', null, LEAST_SHARE_OF_LINK, distances.notMeasured)]
  return Object.entries(distances.distance).flatMap(([roundTrip, rows]) =>
    Object.entries(rows).map(([name, row]) => {
      const title = `${name} at ${roundTrip} ms: share of the link`
      return 'notMeasured' in row
        ? atLeast(title, null, LEAST_SHARE_OF_LINK, row.notMeasured)
        : atLeast(title, row.shareOfLink, LEAST_SHARE_OF_LINK)
    }),
  )
}

function restoreBars(restores: Restores | NotMeasured): Bar[] {
  if ('notMeasured' in restores)
    return [atMost("restore: CPU by archiving's", null, MOST_OF_ARCHIVING, restores.notMeasured)]
  return Object.entries(restores.ways).flatMap(([name, { ratioToArchiving, nodeRatioToArchiving }]) => [
    atMost(`restore by ${name}: CPU by archiving's`, ratioToArchiving, MOST_OF_ARCHIVING),
    atMost(`restore by ${name}: the node's CPU by its`, nodeRatioToArchiving, MOST_OF_ARCHIVING),
  ])
}

function restoreDistanceBars(distances: RestoreDistances | NotMeasured): Bar[] {
  if ('notMeasured' in distances)
    return [atLeast('restore: share of the link', null, LEAST_SHARE_OF_LINK, distances.notMeasured)]
  return Object.entries(distances.ways).flatMap(([roundTrip, rows]) =>
    Object.entries(rows).map(([name, row]) => {
      const title = `restore by ${name} at ${roundTrip} ms: share of the link`
      return 'notMeasured' in row
        ? atLeast(title, null, LEAST_SHARE_OF_LINK, row.notMeasured)
        : atLeast(title, row.shareOfLink, LEAST_SHARE_OF_LINK)
    }),
  )
}

function coldBars(coldStarts: { functions: Record<string, ColdStart> } | NotMeasured): Bar[] {
  const title = 'copy-parts: init ms'
  if ('notMeasured' in coldStarts) return [atMost(title, null, MOST_INIT_MILLISECONDS, coldStarts.notMeasured)]
  return [atMost(title, coldStarts.functions['copy-parts']?.initMs ?? null, MOST_INIT_MILLISECONDS)]
}

function rawDiskBars(rawDisk: RawDiskResult | NotMeasured): Bar[] {
  const [cpu, size] = ["raw-disk: CPU by zstd -1's", "raw-disk: size by zstd -1's"]
  if ('notMeasured' in rawDisk) return [atMost(cpu, null, MOST_OF_ZSTD_CPU, rawDisk.notMeasured)]
  return [
    atMost(cpu, rawDisk.pack.ratioToZstd, MOST_OF_ZSTD_CPU),
    atMost(size, rawDisk.sizeRatio, MOST_OF_ZSTD_SIZE),
    atMost('raw-disk: mostly empty, CPU by its', rawDisk.sparse.ratioToZstd, MOST_OF_ZSTD_CPU_SPARSE),
  ]
}
