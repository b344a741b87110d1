import { synthesise } from '../../../local/run/assembly.ts'
import { type Bed, type BedKind, openBed } from './bed.ts'
import { BedPool } from './bed-pool.ts'
import { type InstanceBed, openInstanceBed } from './instance-bed.ts'
import { openRestoreBed, type RestoreBed } from './restore-bed.ts'

/** All beds of one process. */
export interface Beds {
  backup: BedPool<BedKind, Bed>
  restore: BedPool<'restore', RestoreBed>
  /** It has an app of its own, since a deployment names its sites of EC2. */
  instance: BedPool<'instance', InstanceBed>
  /** Ends everything that the beds started, whatever is under way. */
  close(): Promise<void>
}

/**
 * A bed costs what some faults take together: its functions' processes start anew. So restores share one, which has its
 * archives from the start.
 * @param most beds of a kind for backups that there may be at once; as many as are asked for, if left out
 */
export function openBeds(most: Readonly<Partial<Record<BedKind, number>>> = {}): Beds {
  // Once for all: they try the same version, and two can't synthesise at once in one process.
  let synthesised: Promise<string> | undefined
  const app = (): Promise<string> => (synthesised ??= synthesise(() => undefined))
  const backup = new BedPool<BedKind, Bed>(async (kind) => openBed(kind, await app()), most)
  const restore = new BedPool<'restore', RestoreBed>(async () => openRestoreBed(await app()), { restore: 1 })
  const instance = new BedPool<'instance', InstanceBed>(openInstanceBed, { instance: 1 })
  const all = [backup, restore, instance]
  return { backup, restore, instance, close: async () => void (await Promise.all(all.map((each) => each.close()))) }
}
