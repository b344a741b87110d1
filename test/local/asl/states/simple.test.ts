import { describe, expect, it } from 'vitest'
import { evaluate, machine, run } from '../harness.ts'

describe('a Pass state', () => {
  it('hands its input on when it has no Output', async () => {
    const { result, types } = await run(machine({ A: { Type: 'Pass', End: true } }), { input: { a: [1] } })
    expect(result).toEqual({ status: 'SUCCEEDED', output: { a: [1] } })
    expect(types).toEqual(['ExecutionStarted', 'PassStateEntered', 'PassStateExited', 'ExecutionSucceeded'])
  })

  it('evaluates Assign and Output on the old values, both', async () => {
    const { result } = await run(
      machine({
        First: { Type: 'Pass', Assign: { x: 1, y: 'old' }, Next: 'Second' },
        Second: {
          Type: 'Pass',
          Assign: { x: '{% $x + 1 %}', y: '{% $x %}' },
          Output: '{% [$x, $y] %}',
          Next: 'Third',
        },
        Third: { Type: 'Pass', Output: { before: '{% $states.input %}', now: ['{% $x %}', '{% $y %}'] }, End: true },
      }),
    )
    expect(result.output).toEqual({ before: [1, 'old'], now: [2, 1] })
  })
})

const choice = (rules: object[], extra: object = {}) =>
  machine({
    Which: { Type: 'Choice', Choices: rules, ...extra },
    Yes: { Type: 'Pass', Output: { got: '{% $states.input %}', v: '{% $v %}' }, End: true },
    No: { Type: 'Pass', Output: { got: '{% $states.input %}', w: '{% $w %}' }, End: true },
  })

describe('a Choice state', () => {
  it('takes the first rule that holds, with that rule’s Output and Assign and not its own', async () => {
    const definition = choice(
      [
        { Condition: '{% $states.input.n > 5 %}', Next: 'No' },
        { Condition: '{% $states.input.n > 1 %}', Next: 'Yes', Output: 'rule', Assign: { v: 'from the rule' } },
      ],
      { Default: 'No', Output: 'default', Assign: { w: 'from the default' } },
    )
    expect((await run(definition, { input: { n: 3 } })).result.output).toEqual({ got: 'rule', v: 'from the rule' })
    expect((await run(definition, { input: { n: 0 } })).result.output).toEqual({
      got: 'default',
      w: 'from the default',
    })
  })

  it('does not evaluate the rules after the one that holds', async () => {
    const definition = choice(
      [
        { Condition: true, Next: 'Yes', Assign: { v: 1 } },
        { Condition: '{% $states.input.missing %}', Next: 'No' },
      ],
      {},
    )
    expect((await run(definition)).result.status).toBe('SUCCEEDED')
  })

  it('fails in AWS’s words when nothing holds and there is no Default', async () => {
    const { result, types } = await run(
      choice([
        { Condition: false, Next: 'Yes' },
        { Condition: '{% $states.input.n = 1 %}', Next: 'No' },
      ]),
      { input: { n: 2 } },
    )
    expect(result).toEqual({
      status: 'FAILED',
      error: 'States.Runtime',
      cause:
        "An error occurred while executing the state 'Which' (entered at the event id #2). Failed to transition out of the state. The state does not point to a next state.",
    })
    expect(types).toEqual(['ExecutionStarted', 'ChoiceStateEntered', 'ExecutionFailed'])
  })

  it.each([
    ['text', "'yes'", `Expected 'boolean', but was 'string' for value: "yes"`],
    ['a number', '1', "Expected 'boolean', but was 'number' for value: 1"],
    ['null', 'null', "Expected 'boolean', but was 'null' for value: null"],
  ])('refuses a condition that gives %s', async (_what, source, message) => {
    const { result, events } = await run(
      choice([
        { Condition: `{% ${source} %}`, Next: 'Yes' },
        { Condition: true, Next: 'No' },
      ]),
    )
    expect(result.error).toBe('States.QueryEvaluationError')
    expect(result.cause).toContain(message)
    expect(events.find((event) => event.type === 'EvaluationFailed')?.details['location']).toBe('Choices[0]/Condition')
  })
})

const wait = (fields: object) => machine({ Wait: { Type: 'Wait', ...fields, End: true } })

describe('a Wait state', () => {
  it('waits the seconds it is told, on the virtual clock', async () => {
    expect((await run(wait({ Seconds: 86_400 }))).seconds).toBe(86_400)
    expect((await run(wait({ Seconds: '{% $states.input.n * 2 %}' }), { input: { n: 30 } })).seconds).toBe(60)
    expect((await run(wait({ Seconds: 0 }))).seconds).toBe(0)
  })

  it('waits until an instant, and not at all for one that has passed', async () => {
    expect((await run(wait({ Timestamp: '2026-01-01T02:00:00+01:00' }))).seconds).toBe(3600)
    expect((await run(wait({ Timestamp: '{% $states.input %}' }), { input: '2026-01-01T00:00:01.500Z' })).seconds).toBe(
      1.5,
    )
    expect((await run(wait({ Timestamp: '2020-01-01T00:00:00Z' }))).seconds).toBe(0)
  })

  it.each([['-1'], ['1.5'], ["'10'"], ['null'], ['[1,2]'], ['100000000']])(
    'fails with QueryEvaluationError for Seconds of %s',
    async (source) => {
      const { result, events } = await run(wait({ Seconds: `{% ${source} %}` }))
      expect(result).toMatchObject({ status: 'FAILED', error: 'States.QueryEvaluationError' })
      expect(events.find((event) => event.type === 'EvaluationFailed')?.details['location']).toBe('Seconds')
    },
  )

  it('hands on its Output and assigns after the wait', async () => {
    const { result } = await run(
      machine({
        Wait: { Type: 'Wait', Seconds: 1, Output: { n: '{% $states.input.n + 1 %}' }, Assign: { m: 7 }, Next: 'End' },
        End: { Type: 'Succeed', Output: '{% $states.input.n + $m %}' },
      }),
      { input: { n: 1 } },
    )
    expect(result.output).toBe(9)
  })
})

const fail = (fields: object) => machine({ Stop: { Type: 'Fail', ...fields } })

describe('a Fail state', () => {
  it('fails with what it says, whether constant or computed, or with nothing at all', async () => {
    expect((await run(fail({ Error: 'Bad', Cause: 'so bad' }))).result).toEqual({
      status: 'FAILED',
      error: 'Bad',
      cause: 'so bad',
    })
    expect(
      (
        await run(fail({ Error: "{% 'E' & $states.input.n %}", Cause: '{% $states.input.why %}' }), {
          input: { n: 1, why: 'w' },
        })
      ).result,
    ).toEqual({ status: 'FAILED', error: 'E1', cause: 'w' })
    expect((await run(fail({}))).result).toEqual({ status: 'FAILED' })
  })

  it('refuses an Error that is no text', async () => {
    const { result } = await run(fail({ Error: '{% 5 %}' }))
    expect(result.error).toBe('States.QueryEvaluationError')
    expect(result.cause).toContain(
      "specified for the field 'Error' returned an unexpected result type. Expected 'string', but was 'number'",
    )
  })
})

describe('a Succeed state', () => {
  it('ends with its Output', async () => {
    const { result, types } = await run(machine({ Done: { Type: 'Succeed', Output: '{% $states.input.a %}' } }), {
      input: { a: 2 },
    })
    expect(result.output).toBe(2)
    expect(types).toContain('SucceedStateExited')
  })
})

describe('$states.context', () => {
  it('holds the execution, the machine and the state', async () => {
    const { output } = await evaluate('{% $states.context %}', { a: 1 })
    expect(output).toMatchObject({
      Execution: {
        Id: 'arn:aws:states:local:000000000000:execution:local:local-run',
        Name: 'local-run',
        Input: { a: 1 },
        StartTime: '2026-01-01T00:00:00.000Z',
      },
      State: { Name: 'Only', EnteredTime: '2026-01-01T00:00:00.000Z' },
      StateMachine: { Name: 'local' },
    })
  })
})
