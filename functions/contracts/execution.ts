/** What a state machine tells its tasks of itself. */
import * as z from 'zod'

/** Id of the execution that works: claims tell a living execution from a dead one by it. */
export const executionSchema = z.string().min(1)

/** As Step Functions gives them: `Error` is the name, `Cause` a text that holds Lambda's error as JSON. */
export const stateErrorSchema = z.strictObject({ Error: z.string(), Cause: z.string().optional() })
export type StateError = z.output<typeof stateErrorSchema>

/** An inline Map runs no more at once (service quota). */
export const MAX_STREAMS = 40
