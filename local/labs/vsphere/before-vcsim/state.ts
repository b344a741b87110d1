/** What the server before the simulator knows beside it. */
import type { Tracked } from './tasks.ts'
import type { Upstream } from './upstream.ts'

export interface State {
  upstream: Upstream
  settings: { taskAsks: number }
  /** Rights that nobody has, by the method that needs one. */
  denied: Map<string, string>
  consolidation: Map<string, { needed: boolean; stays: boolean }>
  tasks: Map<string, Tracked>
  /** Of guests that were cloned: their disks' names by key, as they were before. */
  diskNames: Map<string, ReadonlyMap<string, string>>
  now(): Date
}
