/** What the lab's listeners share. */
import type { Fates } from './fates.ts'
import type { World } from './world/world.ts'

export interface FrontState {
  world: Pick<World, 'now'>
  fates: Fates
  /** Bytes of files that were sent, by `[datastore] path`. */
  bytesRead: Map<string, number>
}

export interface LabState extends FrontState {
  world: World
}
