/** The parts of all disks of an archive under one number each, so that rounds deal them out like ranges of a file. Pure. */
import type { ArchivedDisk } from '../../contracts/restore-record.ts'

export interface DiskPart {
  /** Which disk of the archive, from 0. */
  index: number
  /** Of the disk, from 1. */
  part: number
}

export function partsOfAll(disks: readonly ArchivedDisk[]): number {
  return disks.reduce((sum, { disk }) => sum + disk.parts, 0)
}

/** @throws RangeError for a number that no disk has */
export function diskPartOf(disks: readonly ArchivedDisk[], number: number): DiskPart {
  let part = number
  for (const [index, { disk }] of disks.entries()) {
    if (part >= 1 && part <= disk.parts) return { index, part }
    part -= disk.parts
  }
  throw new RangeError(`part ${number} lies outside the disks`)
}

/** Numbers of a disk's parts, in their order. */
export function numbersOfDisk(disks: readonly ArchivedDisk[], index: number): number[] {
  const before = partsOfAll(disks.slice(0, index))
  return Array.from({ length: disks[index]?.disk.parts ?? 0 }, (_, part) => before + part + 1)
}

/** What a part brings, about: the plan of its disk has it exactly. */
export function usualPartBytes(disks: readonly ArchivedDisk[], number: number): number {
  const { disk } = disks[diskPartOf(disks, number).index] ?? {}
  return disk === undefined ? 0 : Math.ceil(disk.writtenBytes / disk.parts)
}
