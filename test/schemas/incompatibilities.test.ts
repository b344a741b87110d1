import { describe, expect, it } from 'vitest'
import * as z from 'zod'
import { incompatibilities } from './incompatibilities.ts'

const of = (schema: z.ZodType) => z.toJSONSchema(schema, { io: 'input' }) as Record<string, unknown>
const older = z.strictObject({
  name: z.string().max(10).optional(),
  count: z.int().positive(),
  mode: z.enum(['a', 'b']),
  list: z
    .array(z.strictObject({ id: z.string() }))
    .min(1)
    .optional(),
  choice: z.discriminatedUnion('type', [
    z.strictObject({ type: z.literal('one'), value: z.number() }),
    z.strictObject({ type: z.literal('two') }),
  ]),
})
const { shape } = older

describe('a schema beside an older one', () => {
  it.each<[string, z.ZodType, string[]]>([
    ['a field that is gone', older.omit({ name: true }), ['name: removed']],
    ['a field that has to be there', older.extend({ site: z.string() }), ['(whole): requires site now']],
    [
      'a field that may no longer be left out',
      older.extend({ name: shape.name.unwrap() }),
      ['(whole): requires name now'],
    ],
    ['another type', older.extend({ count: z.string() }), ['count: of type string now']],
    [
      'no fractions',
      z.strictObject({ n: z.int() }),
      ['n: of type integer now', 'n: from 9007199254740991 now', 'n: up to 9007199254740991 now'],
    ],
    ['fewer values', older.extend({ mode: z.enum(['b', 'c']) }), ['mode: no longer a']],
    ['one value', z.strictObject({ n: z.literal(7) }), ['n: only 7 now']],
    ['a higher least number', older.extend({ count: z.int().min(2) }), ['count: from 2 now']],
    [
      'a lower greatest number',
      older.extend({ count: z.int().positive().lt(9) }),
      ['count: up to 9, itself left out, now'],
    ],
    ['a shorter text', older.extend({ name: z.string().max(9).optional() }), ['name: maxLength 9 now']],
    ['a pattern', older.extend({ name: z.string().max(10).regex(/^x/).optional() }), ['name: pattern "^x" now']],
    ['a pattern that not all values fit', older.extend({ mode: z.string().regex(/^a/) }), ['mode: pattern "^a" now']],
    ['a longer list', older.extend({ list: shape.list.unwrap().min(2).optional() }), ['list: minItems 2 now']],
    [
      'a field of items',
      older.extend({
        list: z
          .array(z.strictObject({ id: z.string(), at: z.string() }))
          .min(1)
          .optional(),
      }),
      ['list[]: requires at now'],
    ],
    [
      'an alternative that is gone',
      older.extend({ choice: z.strictObject({ type: z.literal('two') }) }),
      ['choice.type: no longer one', 'choice.value: removed'],
    ],
  ])('is told apart by %s', (_, newer, lines) => {
    const base = newer instanceof z.ZodObject && 'n' in newer.shape ? z.strictObject({ n: z.number() }) : older
    expect(incompatibilities(of(base), of(newer))).toEqual(lines)
  })

  it.each<[string, z.ZodType]>([
    ['nothing', older],
    ['a description', older.describe('a thing')],
    ['a field that may be left out', older.extend({ further: z.string().optional() })],
    ['a field that no longer has to be there', older.extend({ count: shape.count.optional() })],
    ['further values', older.extend({ mode: z.enum(['a', 'b', 'c']) })],
    ['a pattern that all values fit which there were', older.extend({ mode: z.string().regex(/^[a-z]$/) })],
    ['a wider type', older.extend({ count: z.number() })],
    ['another way to say the same bound', older.extend({ count: z.int().min(0) })],
    ['a further alternative', older.extend({ choice: z.union([shape.choice, z.string()]) })],
  ])('breaks with it by no more than %s', (_, newer) => {
    expect(incompatibilities(of(older), of(newer))).toEqual([])
  })

  it('may not get wider where others rely on it', () => {
    const newer = older.extend({ count: shape.count.optional(), mode: z.union([shape.mode, z.int()]) })
    expect(incompatibilities(of(older), of(newer), true)).toEqual(['(whole): may lack count now'])
    const typed = z.strictObject({ n: z.string() })
    expect(incompatibilities(of(typed), of(z.strictObject({ n: z.string().nullable() })), true)).toEqual([
      'n: may be of type string, null now',
    ])
  })

  it('follows what refers to another place, and fails over what leads nowhere', () => {
    const byRef = { type: 'object', properties: { a: { $ref: '#/$defs/a' } }, $defs: { a: { type: 'string' } } }
    const inPlace = { type: 'object', properties: { a: { type: 'number' } } }
    expect(incompatibilities(byRef, inPlace)).toEqual(['a: of type number now'])
    expect(() => incompatibilities({ $ref: '#/nowhere' }, inPlace)).toThrow(/leads nowhere/)
  })
})
