import { createHash } from 'node:crypto'
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { evaluate } from './harness.ts'

async function value(source: string, input: unknown = {}) {
  const result = await evaluate(`{% ${source} %}`, input)
  return result.status === 'SUCCEEDED' ? result.output : result.error
}

describe('$range', () => {
  it.each([
    ['$range(0, 9, 3)', [0, 3, 6, 9]],
    ['$range(9, 0, -3)', [9, 6, 3, 0]],
    ['$range(1, 9, 9)', 1],
    ['$range(5, 5, 1)', 5],
    ['[$range(5, 5, 1)]', [5]],
    ['$range(-1.7, 2, 1)', [-1, 0, 1, 2]],
    ['$range(0, 5, 2)', [0, 2, 4]],
    ['$range(0, 9, -1)', 'States.QueryEvaluationError'],
    ['$range(9, 0, 1)', 'States.QueryEvaluationError'],
    ['$range(0, 9)', 'States.QueryEvaluationError'],
    ['$range(0, 9, 0)', 'States.QueryEvaluationError'],
    ["$range('0', 9, 1)", 'States.QueryEvaluationError'],
    ['$range(1, 360146, 1)', 'States.QueryEvaluationError'],
    ['$count($range(1, 360145, 1))', 360_145],
  ])('%s', async (source, expected) => {
    expect(await value(source)).toEqual(expected)
  })
})

describe('$partition', () => {
  it.each([
    ['$partition([1,2,3,4,5], 2)', [[1, 2], [3, 4], [5]]],
    ['$partition([1,2,3], 2.9)', [[1, 2], [3]]],
    ['$partition([1,2], 5)', [[1, 2]]],
    ['$partition([], 2)', 'States.QueryEvaluationError'],
    ['$partition([1], 0)', 'States.QueryEvaluationError'],
    ['$partition([1], -1)', 'States.QueryEvaluationError'],
  ])('%s', async (source, expected) => {
    expect(await value(source)).toEqual(expected)
  })

  it('gives back every element in order, whatever the sizes', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.integer(), { minLength: 1, maxLength: 30 }),
        fc.integer({ min: 1, max: 40 }),
        async (list, size) => {
          const parts = await value('$partition($states.input.list, $states.input.size)', { list, size })
          expect([parts].flat(2)).toEqual(list)
          const lengths = [parts].flat(1).map((part) => [part].flat().length)
          expect(lengths.slice(0, -1).every((length) => length === size)).toBe(true)
        },
      ),
      { numRuns: 50 },
    )
  })
})

describe('$hash', () => {
  it.each([
    ['MD5', 'md5'],
    ['SHA-1', 'sha1'],
    ['SHA-256', 'sha256'],
    ['SHA-384', 'sha384'],
    ['SHA-512', 'sha512'],
  ])('%s', async (algorithm, name) => {
    expect(await value(`$hash('grüße', '${algorithm}')`)).toBe(createHash(name).update('grüße').digest('hex'))
  })

  it('knows no other algorithm, nor another spelling', async () => {
    expect(await value("$hash('a', 'sha-256')")).toBe('States.QueryEvaluationError')
    expect(await value("$hash('a')")).toBe('States.QueryEvaluationError')
  })
})

describe('$parse, $uuid, $random, $now and $eval', () => {
  it('parses JSON, and fails for text that is none', async () => {
    expect(await value(`$parse('{"a":[1,null]}')`)).toEqual({ a: [1, null] })
    expect(await value(`$parse('-0')`)).toBe(0)
    for (const text of ['{', 'hello', "{'a':1}", '', '01']) {
      const result = await evaluate('{% $parse($states.input) %}', text)
      expect(result.error).toBe('States.QueryEvaluationError')
      expect(result.cause).toContain('threw an error during evaluation')
    }
    expect(await value('$parse(1)')).toBe('States.QueryEvaluationError')
  })

  it('takes chance from the caller', async () => {
    expect((await evaluate('{% $random() %}', {}, () => 0.25)).output).toBe(0.25)
    expect((await evaluate('{% $uuid() %}', {}, () => 0)).output).toBe('00000000-0000-4000-8000-000000000000')
    expect((await evaluate('{% $shuffle([1,2,3]) %}', {}, () => 0)).output).toEqual([2, 3, 1])
  })

  it('gives the same number for the same seed, between 0 and 1', async () => {
    const [first, again, other] = [await value('$random(7)'), await value('$random(7)'), await value('$random(8)')]
    expect(first).toBe(again)
    expect(first).not.toBe(other)
    expect(first).toBeGreaterThanOrEqual(0)
    expect(first).toBeLessThan(1)
  })

  it('takes the time from the clock', async () => {
    expect(await value('$now()')).toBe('2026-01-01T00:00:00.000Z')
    expect(await value('$millis()')).toBe(Date.parse('2026-01-01T00:00:00Z'))
    expect(await value("$now('[Y]-[M01]', '+0100')")).toBe('2026-01')
  })

  it('has no $eval', async () => {
    const result = await evaluate("{% $eval('1') %}")
    expect(result.error).toBe('States.QueryEvaluationError')
    expect(result.cause).toContain('T1006')
  })
})

describe('results', () => {
  it.each([
    ['null', null],
    ['true', true],
    ['$states.input.one', [7]],
    ['$states.input.list[$ > 2]', 3],
    ['[$states.input.list[$ > 2]]', [3]],
    ['$states.input.list[]', [1, 2, 3]],
    ['1/0', 'Infinity'],
    ['{"a": $states.input.missing}', {}],
    ['{"a": null}', { a: null }],
    ['$string(1e21)', '1e+21'],
    ['"\\"quoted\\" \\\\ \\u00e9"', '"quoted" \\ é'],
  ])('%s', async (source, expected) => {
    expect(await value(source, { list: [1, 2, 3], one: [7] })).toEqual(expected)
  })

  it('refuses an expression that returns nothing, naming the field', async () => {
    const result = await evaluate({ a: { b: [1, '{% $states.input.nothing %}'] } })
    expect(result).toEqual({
      status: 'FAILED',
      error: 'States.QueryEvaluationError',
      cause:
        "An error occurred while executing the state 'Only' (entered at the event id #2). The JSONata expression '$states.input.nothing' specified for the field 'Output/a/b[1]' returned nothing (undefined).",
    })
  })

  it.each([['function($x){$x}'], ['/a/'], ['$sum'], ['{"f": $sum}'], ['[$sum]']])(
    'refuses %s as a result',
    async (source) => {
      const result = await evaluate(`{% ${source} %}`)
      expect(result.cause).toContain('returned an unsupported result type.')
    },
  )

  it('reports what JSONata throws', async () => {
    const result = await evaluate("{% 'a' + 1 %}")
    expect(result.cause).toContain("specified for the field 'Output' threw an error during evaluation. T2001:")
  })

  it('leaves text alone that only looks like an expression inside', async () => {
    expect((await evaluate('{{% 1 %}}')).output).toBe('{{% 1 %}}')
    expect((await evaluate('$states.input')).output).toBe('$states.input')
  })

  it('ends an expression without end', async () => {
    const result = await evaluate('{% ($f := function($n){ $f($n + 1) + 1 }; $f(0)) %}')
    expect(result.error).toBe('States.QueryEvaluationError')
    expect(result.cause).toMatch(/Stack overflow error|Expression evaluation timeout/)
  })

  it('does not let one evaluation change what another sees', async () => {
    const source = '($x := $states.input.list; $append($x, 4))'
    expect((await evaluate([`{% ${source} %}`, `{% ${source} %}`], { list: [1] })).output).toEqual([
      [1, 4],
      [1, 4],
    ])
  })
})
