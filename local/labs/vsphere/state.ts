/** What the lab's listeners share. */
import type { Fates } from './fates.ts'
import type { World } from './world/world.ts'

export interface LabState {
  world: World
  fates: Fates
  /** Bytes of files that were sent, by `[datastore] path`. */
  bytesRead: Map<string, number>
}
