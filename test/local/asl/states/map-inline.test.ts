import { describe, expect, it } from 'vitest'
import { evaluate, machine, run, task } from '../harness.ts'

const processor = (states: Record<string, object>, config: object = { Mode: 'INLINE' }) => ({
  ProcessorConfig: config,
  StartAt: Object.keys(states)[0],
  States: states,
})
const map = (fields: object, states: Record<string, object>) => ({
  Type: 'Map',
  ItemProcessor: processor(states),
  ...fields,
})

describe('an inline Map', () => {
  it('runs its processor for each item and keeps the order of results', async () => {
    const { result, seconds } = await run(
      machine({
        M: map(
          { Items: '{% $states.input.waits %}', End: true },
          {
            W: { Type: 'Wait', Seconds: '{% $states.input %}', Next: 'P' },
            P: { Type: 'Pass', Output: '{% $states.input * 10 %}', End: true },
          },
        ),
      }),
      { input: { waits: [3, 1, 2] } },
    )
    expect(result.output).toEqual([30, 10, 20])
    expect(seconds).toBe(3)
  })

  it.each([
    [1, 6],
    [2, 4],
    ['{% 1 + 1 %}', 4],
    [0, 3],
    [undefined, 3],
  ])('with MaxConcurrency %s takes %s seconds', async (concurrency, expected) => {
    const { seconds } = await run(
      machine({
        M: map(
          { ...(concurrency === undefined ? {} : { MaxConcurrency: concurrency }), End: true },
          {
            W: { Type: 'Wait', Seconds: '{% $states.input %}', End: true },
          },
        ),
      }),
      { input: [1, 2, 3] },
    )
    expect(seconds).toBe(expected)
  })

  it('never runs more than 40 iterations at a time', async () => {
    let running = 0
    let most = 0
    await run(machine({ M: map({ MaxConcurrency: 1000, End: true }, { T: task({ End: true }) }) }), {
      input: Array.from({ length: 90 }, (_, index) => index),
      tasks: {
        T: async (_args, { clock }) => {
          running += 1
          most = Math.max(most, running)
          await clock.sleep(1000)
          running -= 1
        },
      },
    })
    expect(most).toBe(40)
  })

  it('shapes items with ItemSelector, which sees the item, its index, the state’s input and outer variables', async () => {
    const { result } = await run(
      machine({
        Set: { Type: 'Pass', Assign: { v: 'var' }, Next: 'M' },
        M: map(
          {
            Items: ['a', 'b'],
            ItemSelector: {
              value: '{% $states.context.Map.Item.Value %}',
              index: '{% $states.context.Map.Item.Index %}',
              input: '{% $states.input.n %}',
              v: '{% $v %}',
            },
            End: true,
          },
          { P: { Type: 'Pass', End: true } },
        ),
      }),
      { input: { n: 5 } },
    )
    expect(result.output).toEqual([
      { value: 'a', index: 0, input: 5, v: 'var' },
      { value: 'b', index: 1, input: 5, v: 'var' },
    ])
  })

  it('keeps what iterations assign to themselves, also in a Map inside a Map', async () => {
    const { result } = await run(
      machine({
        Set: { Type: 'Pass', Assign: { n: 1 }, Next: 'Outer' },
        Outer: map(
          { Items: [10, 20], Output: { all: '{% $states.result %}', n: '{% $n %}' }, End: true },
          {
            Add: { Type: 'Pass', Assign: { m: '{% $n + $states.input %}' }, Next: 'Inner' },
            Inner: map(
              { Items: ['{% $m %}', '{% $m + 1 %}'], Next: 'After' },
              {
                Change: { Type: 'Pass', Assign: { m: '{% $m * 100 %}' }, Next: 'Give' },
                Give: { Type: 'Pass', Output: ['{% $states.input %}', '{% $m %}', '{% $n %}'], End: true },
              },
            ),
            After: { Type: 'Pass', Output: { inner: '{% $states.input %}', m: '{% $m %}' }, End: true },
          },
        ),
      }),
    )
    expect(result.output).toEqual({
      n: 1,
      all: [
        {
          inner: [
            [11, 1100, 1],
            [12, 1100, 1],
          ],
          m: 11,
        },
        {
          inner: [
            [21, 2100, 1],
            [22, 2100, 1],
          ],
          m: 21,
        },
      ],
    })
  })

  it('fails with the first failed iteration’s error, cuts the others and starts no more', async () => {
    const started: unknown[] = []
    const { result, types } = await run(
      machine({ M: map({ MaxConcurrency: 2, End: true }, { T: task({ End: true }) }) }),
      {
        input: [0, 1, 2, 3],
        tasks: {
          T: async (item, { clock, signal }) => {
            started.push(item)
            await clock.sleep(item === 1 ? 1000 : 9000, signal)
            throw Object.assign(new Error('no'), { name: `Failed${JSON.stringify(item)}` })
          },
        },
      },
    )
    expect(result.error).toBe('Failed1')
    expect(started).toEqual([0, 1])
    expect(types).toEqual(expect.arrayContaining(['MapIterationFailed', 'MapIterationAborted', 'MapStateFailed']))
  })

  it.each([
    ['Items', '{% $states.input.none %}', 'returned nothing (undefined)'],
    ['Items', '{% 1 %}', "Expected 'array', but was 'number' for value: 1"],
    ['MaxConcurrency', '{% -1 %}', 'must be a non-negative integer'],
    ['MaxConcurrency', "{% 'x' %}", "Expected 'number', but was 'string'"],
    ['ItemSelector', '{% $states.input.none %}', 'returned nothing (undefined)'],
  ])('reports a bad %s of %s, which Catch can take', async (field, source, message) => {
    const { result } = await run(
      machine({
        M: map(
          {
            Items: [1],
            [field]: source,
            Catch: [{ ErrorEquals: ['States.QueryEvaluationError'], Next: 'Saved' }],
            End: true,
          },
          {
            P: { Type: 'Pass', End: true },
          },
        ),
        Saved: { Type: 'Succeed' },
      }),
    )
    expect(result.status).toBe('SUCCEEDED')
    expect(JSON.stringify(result.output)).toContain(message.replaceAll('"', '\\"'))
  })

  it('gives an empty list for no items', async () => {
    const { result } = await run(machine({ M: map({ Items: [], End: true }, { P: { Type: 'Pass', End: true } }) }))
    expect(result.output).toEqual([])
  })
})

it('has no Map in the context outside of iterations', async () => {
  expect((await evaluate('{% $exists($states.context.Map) %}')).output).toBe(false)
})
