import type * as z from 'zod'
import { InvalidJob } from '../../contracts/errors.ts'
import { validationMessage } from '../words/validation-message.ts'

/** What a person wrote, by its schema. @throws InvalidJob naming each wrong field; `what` is wrong in the message */
export function parseRequest<Schema extends z.ZodType>(schema: Schema, value: unknown, what: string): z.output<Schema> {
  const result = schema.safeParse(value)
  if (!result.success) {
    // Whoever has the file can say where in it each field stands.
    throw new InvalidJob(`The ${what} is malformed: ${validationMessage(result.error)}.`, { cause: result.error })
  }
  return result.data
}
