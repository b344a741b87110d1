import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import * as z from 'zod'
import { jobSchema } from '../../../../functions/contracts/job.ts'
import { didYouMean } from '../../../../functions/domain/words/did-you-mean.ts'
import { validationMessage } from '../../../../functions/domain/words/validation-message.ts'

const known = [
  'mode',
  'compress',
  'storage',
  'notes',
  'keep-last',
  'keep-daily',
  'zstdThreads',
  'pigzThreads',
  'vmids',
  'ids',
]

describe('a guess at what was meant', () => {
  it.each([
    ['a letter that is missing', 'compres', 'compress'],
    ['a letter too many', 'noted', 'notes'],
    ['two letters that are swapped', 'sotrage', 'storage'],
    ['another way to write it', 'keepLast', 'keep-last'],
    ['another case', 'ZSTDTHREADS', 'zstdThreads'],
    ['a singular', 'vmid', 'vmids'],
  ])('knows %s', (_, word, meant) => expect(didYouMean(word, known)).toBe(meant))

  it.each([
    ['a word that is far from all', 'bandwidth'],
    ['a word between two', 'mids'],
    ['nothing', ''],
    ['a single letter', 'i'],
  ])('is not made of %s', (_, word) => expect(didYouMean(word, known)).toBeUndefined())

  it('finds every word again of which one letter was dropped, or nothing, and never another', () => {
    const words = fc.constantFrom(...known.filter((word) => word.length > 5))
    fc.assert(
      fc.property(words, fc.nat(), (word, at) => {
        const index = at % word.length
        const typed = word.slice(0, index) + word.slice(index + 1)
        expect(known.includes(typed) ? word : didYouMean(typed, known)).toBe(word)
      }),
    )
  })
})

describe('a message on keys that are not known', () => {
  const messageOf = (schema: z.ZodType, value: unknown) => {
    const { error } = schema.safeParse(value)
    return error === undefined ? '' : validationMessage(error)
  }

  it('names each of them with what may be meant, and where it stands', () => {
    const job = { site: 'hq', guests: { vmid: [100] }, backup: { compres: 'zstd', zzz: 1 }, retension: {} }
    const message = messageOf(jobSchema, job)
    expect(message).toContain('guests: Unrecognized key: "vmid" (did you mean "vmids"?)')
    expect(message).toContain('backup: Unrecognized keys: "compres" (did you mean "compress"?), "zzz"')
    expect(message).toContain('Unrecognized key: "retension" (did you mean "retention"?)')
  })

  it('leaves other complaints as they are', () => {
    expect(messageOf(z.strictObject({ a: z.string('a text') }), { a: 1 })).toBe('a: a text')
    expect(messageOf(z.strictObject({ a: z.string() }), { a: 1 })).toMatch(/^a: Invalid input: expected string/)
    expect(messageOf(z.record(z.enum(['a']), z.string()), { a: '', b: '' })).toBe('Unrecognized key: "b"')
  })
})
