/**
 * Executions run for days by the definition that they began with, and call the functions of tomorrow. `released/` holds,
 * by version, what each version's states pass to each function and read of its answers. Nobody changes such a file: a
 * function that refuses one breaks the executions that are under way while it is deployed. See docs/decisions/0001.
 */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import * as z from 'zod'
import { errorGroup } from '../functions/contracts/errors.ts'
import { type TaskName, tasks } from '../functions/contracts/tasks.ts'
import { validationMessage } from '../functions/domain/words/validation-message.ts'

const releasedSchema = z.strictObject({
  tasks: z.record(
    z.string(),
    z.strictObject({
      /** The end of the function's name. */
      stem: z.string(),
      /** Payloads: with all that a state may pass, and with the least. */
      inputs: z.array(z.record(z.string(), z.unknown())).min(1),
      /** Fields of the answer that its definition reads. */
      reads: z.array(z.string()),
    }),
  ),
  /** Names that the definition retries, and their group. */
  errors: z.record(z.string(), z.string()),
})

const folder = fileURLToPath(new URL('released', import.meta.url))
const released = readdirSync(folder).map((file) => ({
  version: file.replace('.json', ''),
  ...releasedSchema.parse(JSON.parse(readFileSync(join(folder, file), 'utf8'))),
}))
const calls = released.flatMap(({ version, tasks: its }) =>
  Object.entries(its).map(([name, call]) => ({ title: `${name} of ${version}`, name: name as TaskName, ...call })),
)

describe('an execution that began with an older definition', () => {
  it.each(calls)('still finds its function: $title', ({ name, stem }) => {
    expect(Object.keys(tasks)).toContain(name)
    expect(tasks[name].stem).toBe(stem)
  })

  it.each(calls)('is understood by its function: $title', ({ name, inputs }) => {
    for (const input of inputs) {
      // All that stands between a payload and the operation.
      const { error } = tasks[name].input.safeParse(input)
      expect(error === undefined ? 'understood' : validationMessage(error)).toBe('understood')
    }
  })

  it.each(calls)('reads what its function still answers: $title', ({ name, reads }) => {
    const { output } = tasks[name]
    const shapes = 'options' in output ? output.options.map(({ shape }) => shape) : [output.shape]
    expect(shapes.flatMap((shape) => Object.keys(shape))).toEqual(expect.arrayContaining(reads))
  })

  it.each(released)('meets no error under another group than it knows: $version', ({ errors }) => {
    expect(Object.keys(errors).length).toBeGreaterThan(3)
    for (const [name, group] of Object.entries(errors)) expect([name, errorGroup(name)]).toEqual([name, group])
  })
})

describe('the present definition', () => {
  it('has all of its functions among the released ones, so that tomorrow’s are held to them', () => {
    const known = new Set(calls.map(({ name }) => name))
    expect((Object.keys(tasks) as TaskName[]).filter((name) => !known.has(name))).toEqual([])
    for (const name of Object.keys(tasks) as TaskName[]) {
      const passed = calls.filter((call) => call.name === name).flatMap(({ inputs }) => inputs.flatMap(Object.keys))
      expect([name, [...new Set(passed)].toSorted()]).toEqual([name, Object.keys(tasks[name].input.shape).toSorted()])
    }
  })
})
