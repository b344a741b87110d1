/** What the lab's listeners share. */
import type { Fates } from './fates.ts'
import type { World } from './world/world.ts'

export interface FrontState {
  world: Pick<World, 'now'>
  fates: Fates
  /** Bytes of files that were sent, by their path in the datastore. */
  bytesRead: Map<string, number>
}

export interface LabState extends FrontState {
  world: World
}
