/** Every method that the lab knows, by its name. */
import * as collector from './collector.ts'
import type { Method } from './call.ts'
import * as files from './files.ts'
import * as find from './find.ts'
import * as guests from './guests.ts'
import * as power from './power.ts'
import * as privileges from './privileges.ts'
import * as session from './session.ts'
import * as snapshots from './snapshots.ts'

export const METHODS: ReadonlyMap<string, Method> = new Map(
  Object.entries<Method>({
    ...collector,
    ...files,
    ...find,
    ...guests,
    ...power,
    ...privileges,
    ...session,
    ...snapshots,
  }),
)
