import * as z from 'zod'
import { describe, expect, it } from 'vitest'
import { fieldAt, fieldsOf, fieldTable } from '../../../local/reference/field-table.ts'

const form = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('key').describe('With a key.'), user: z.string(), key: z.string() }),
  z.strictObject({
    type: z.literal('word').describe('With a password.'),
    user: z.string(),
    word: z.string().optional(),
  }),
])

/** The rows of a table, each as its cells. */
function rows(
  schema: z.ZodType,
  ...rest: Parameters<typeof fieldTable> extends [unknown, ...infer Rest] ? Rest : never
) {
  const [, , ...lines] = fieldTable(fieldsOf(schema), ...rest).split('\n')
  return lines.map((line) => line.slice(2, -2).split(' | '))
}

describe('a table of fields', () => {
  it('says what each field takes, what counts without it, and what it means', () => {
    const schema = z.strictObject({
      name: z.string().describe('What it is called.'),
      notes: z.string().max(900).optional(),
      mode: z.enum(['fast', 'safe']).default('safe'),
      port: z.int().min(1).max(65_535).default(22),
      share: z.number().gt(0).max(1).default(0.5),
      days: z.int().positive(),
      prefix: z.string().default(''),
      tags: z.array(z.string()).min(1).optional(),
      addresses: z.array(z.email()).default([]),
      on: z.boolean().default(true),
    })
    expect(rows(schema)).toEqual([
      ['`name`', 'text', 'required', 'What it is called.'],
      ['`notes`', 'text of at most 900 characters', 'none', ''],
      ['`mode`', '`fast`, `safe`', '`safe`', ''],
      ['`port`', 'whole number, 1 to 65,535', '`22`', ''],
      ['`share`', 'number, above 0, up to 1', '`0.5`', ''],
      ['`days`', 'whole number, above 0', 'required', ''],
      ['`prefix`', 'text', 'empty', ''],
      ['`tags`', 'list of texts, at least 1', 'none', ''],
      ['`addresses`', 'list of e-mail addresses', 'none', ''],
      ['`on`', '`true`, `false`', '`true`', ''],
    ])
  })

  it('lists the fields of an object below it, and those of a list with brackets', () => {
    const window = z.strictObject({ from: z.string() })
    const schema = z.strictObject({ limits: z.strictObject({ windows: z.array(window).default([]) }).prefault({}) })
    expect(rows(schema)).toEqual([
      ['`limits`', 'object', 'that of its fields', ''],
      ['`limits.windows`', 'list of objects', 'none', ''],
      ['`limits.windows[].from`', 'text', 'required', ''],
    ])
  })

  it('leads to another table in place of listing what stands there', () => {
    const schema = z.strictObject({ jobs: z.array(z.strictObject({ site: z.string() })) })
    expect(rows(schema, ([name]) => (name === 'jobs' ? 'jobs.md#fields' : undefined))).toEqual([
      ['`jobs`', 'list of [objects](jobs.md#fields)', 'required', ''],
    ])
  })

  it('is one for all forms of a union, and says with which form a field goes', () => {
    expect(rows(z.strictObject({ login: form }))).toEqual([
      ['`login`', 'object', 'required', ''],
      ['`login.type`', '`key`, `word`', 'required', '`key`: With a key.<br>`word`: With a password.'],
      ['`login.user`', 'text', 'required', ''],
      ['`login.key`', 'text', 'required, with `key`', ''],
      ['`login.word`', 'text', 'none, with `word`', ''],
    ])
  })

  it('shows a default that zod leaves out because something below it is transformed', () => {
    const trimmed = z.strictObject({ text: z.string().transform((text) => text.trim()) })
    const schema = z.strictObject({ a: trimmed.default({ text: 'x' }).describe('A.') })
    expect(rows(schema)[0]).toEqual(['`a`', 'object', '`{"text":"x"}`', 'A.'])
  })

  it('keeps a bar or a line break of a description within its cell', () => {
    const schema = z.strictObject({ a: z.string().describe('one | two\nthree') })
    expect(fieldTable(fieldsOf(schema))).toContain('| one \\| two three |')
  })
})

describe('a field', () => {
  const schema = fieldsOf(z.strictObject({ sites: z.array(z.strictObject({ login: form })) }))

  it('is found by its path, through lists and within one form of a union', () => {
    expect(fieldAt(schema, ['sites', 'login[word]', 'word'])).toMatchObject({ type: 'string' })
  })

  it.each([[['site']], [['sites', 'login[none]']], [['sites', 'login', 'key']]])(
    'that is not there is an error: %s',
    (path) => {
      expect(() => fieldAt(schema, path)).toThrow(/There is no field/)
    },
  )
})
