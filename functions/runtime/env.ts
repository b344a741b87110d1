import type { z } from 'zod'
import { InternalFault } from '../contracts/errors.ts'
import { validationMessage } from '../domain/words/validation-message.ts'

/** The environment variables of a contract, parsed. Called with `process.env` in the composition root and nowhere else. */
export function readEnv<Schema extends z.ZodType>(
  schema: Schema,
  env: NodeJS.ProcessEnv = process.env,
): z.output<Schema> {
  const result = schema.safeParse(env)
  if (result.success) return result.data
  throw new InternalFault(`The function's environment is incomplete: ${validationMessage(result.error)}. Deploy again.`)
}
