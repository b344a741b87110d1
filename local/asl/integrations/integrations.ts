import type { Supports } from '../load/resources.ts'
import type { TaskHandler } from '../ports.ts'

/** Looks a resource's handler up; undefined for a resource that isn't supported. */
export type ResourceHandlers = (resourceArn: string) => TaskHandler | undefined

/** What `loadStateMachine` and `startExecution` need of a handler map: which resources it knows, and one handler for all of them. */
export function integrations(resources: ResourceHandlers): {
  readonly supports: Supports
  readonly tasks: TaskHandler
} {
  return {
    supports: (resource) => resources(resource) !== undefined,
    tasks: async (resource, args, context) => {
      const handler = resources(resource)
      if (handler === undefined) throw new TypeError(`There is no handler for ${resource}`)
      return handler(resource, args, context)
    },
  }
}
