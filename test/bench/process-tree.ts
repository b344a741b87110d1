/** What a process and all that descends from it hold, as Linux tells it. */
import { readFileSync } from 'node:fs'

export interface Held {
  pid: number
  /** Pages that several processes share count for each with its share, so that a sum is what they hold together. */
  pssMiB: number
}

/** The process itself first, then its descendants, as many as there are at this moment. */
export function treeOf(pid: number): Held[] {
  const pssMiB = shareOfMemoryMiB(pid)
  if (pssMiB === undefined) return []
  return [{ pid, pssMiB }, ...childrenOf(pid).flatMap(treeOf)]
}

/** proc(5): `/proc/<pid>/smaps_rollup`. `undefined` for a process that has ended. */
function shareOfMemoryMiB(pid: number): number | undefined {
  try {
    const [, kib] = /^Pss:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8')) ?? []
    return kib === undefined ? undefined : Number(kib) / 1024
  } catch {
    return undefined
  }
}

/** proc(5): `/proc/<pid>/task/<tid>/children`. Node.js starts all of them from its main thread. */
function childrenOf(pid: number): number[] {
  try {
    return readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ').filter(Boolean).map(Number)
  } catch {
    return []
  }
}
