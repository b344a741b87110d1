import { z } from 'zod'
import type { Clock } from '../clock.ts'
import { TaskFailure } from '../errors.ts'
import type { ItemStore, TaskHandler } from '../ports.ts'

const answer = z
  .strictObject({
    return: z.json().optional(),
    throw: z.strictObject({ error: z.string(), cause: z.string().default('') }).optional(),
    seconds: z.number().nonnegative().default(0),
  })
  .refine((value) => (value.return === undefined) !== (value.throw === undefined), 'give either "return" or "throw"')

const mocks = z.record(z.string(), z.union([answer, z.array(answer).min(1)]))

/** Answers of Tasks by state name: one for all calls, or a list, attempt by attempt. */
export type Mocks = z.infer<typeof mocks>

/** Throws TypeError that names the state whose mock is malformed. */
export function parseMocks(value: unknown): Mocks {
  const parsed = mocks.safeParse(value)
  if (!parsed.success) throw new TypeError(`The task mocks can't be used:\n${z.prettifyError(parsed.error)}`)
  return parsed.data
}

/**
 * A task handler and an S3 made of mocks. `objects` maps `bucket/key` to text or JSON.
 * `onMissing` is told of a Task without an answer, because its own failure may end in a Catch.
 */
export function mockTasks(
  byState: Mocks,
  objects: unknown,
  clock: Clock,
  onMissing: (message: string) => void,
): { readonly tasks: TaskHandler; readonly store: ItemStore } {
  const files = new Map(
    Object.entries(z.record(z.string(), z.json()).parse(objects)).map(([place, body]) => [
      place,
      typeof body === 'string' ? body : JSON.stringify(body),
    ]),
  )
  const calls = new Map<string, number>()
  const tasks: TaskHandler = async (resource, _args, { stateName, signal }) => {
    const call = calls.get(stateName) ?? 0
    calls.set(stateName, call + 1)
    const found = Object.hasOwn(byState, stateName) ? byState[stateName] : undefined
    const chosen = Array.isArray(found) ? (found[call] ?? found.at(-1)) : found
    if (chosen === undefined) {
      const message = `The Task '${stateName}' (${resource}) has no answer: add "${stateName}" to the file given with --tasks`
      onMissing(message)
      throw new TaskFailure('NoMock', message)
    }
    if (chosen.seconds > 0) await clock.sleep(chosen.seconds * 1000, signal)
    if (chosen.throw !== undefined) throw new TaskFailure(chosen.throw.error, chosen.throw.cause)
    return chosen.return
  }
  const store: ItemStore = {
    getObject: async (bucket, key) => {
      const body = files.get(`${bucket}/${key}`)
      if (body === undefined) throw new Error(`There is no object "${bucket}/${key}" in the file given with --objects`)
      return body
    },
    putObject: async (bucket, key, body) => {
      files.set(`${bucket}/${key}`, body)
    },
  }
  return { tasks, store }
}
