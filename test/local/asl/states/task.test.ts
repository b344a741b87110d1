import { describe, expect, it } from 'vitest'
import { TaskFailure } from '../../../../local/asl/interpreter.ts'
import { machine, run, start, task, WORK } from '../harness.ts'

const fails = (...errors: string[]) => {
  let call = 0
  return () => {
    const error = errors[call]
    call += 1
    if (error !== undefined) throw new TaskFailure(error, `cause of ${error}`)
    return { call }
  }
}

const throws = (error: unknown) =>
  run(machine({ T: task({ End: true }) }), {
    tasks: {
      T: async () => {
        throw error
      },
    },
  })

describe('a Task', () => {
  it('gives its Arguments to the handler and its result to Output and Assign', async () => {
    const seen: unknown[] = []
    const { result, types } = await run(
      machine({
        Ask: {
          Type: 'Task',
          Resource: 'arn:aws:states:::lambda:invoke',
          Arguments: { FunctionName: 'f', Payload: { n: '{% $states.input.n %}' } },
          Assign: { code: '{% $states.result.StatusCode %}' },
          Output: '{% $states.result.Payload.sum %}',
          Next: 'Then',
        },
        Then: { Type: 'Pass', Output: ['{% $states.input %}', '{% $code %}'], End: true },
      }),
      {
        input: { n: 2 },
        tasks: {
          Ask: (args, context) => {
            seen.push(args, context.stateName, context.execution.name, context.retryCount, context.timeoutSeconds)
            return { StatusCode: 200, Payload: { sum: 4 } }
          },
        },
      },
    )
    expect(seen).toEqual([{ FunctionName: 'f', Payload: { n: 2 } }, 'Ask', 'local-run', 0, undefined])
    expect(result.output).toEqual([4, 200])
    expect(types.slice(1, 6)).toEqual([
      'TaskStateEntered',
      'TaskScheduled',
      'TaskStarted',
      'TaskSucceeded',
      'TaskStateExited',
    ])
  })

  it('takes its input as arguments and its result as output when it says nothing else', async () => {
    const { result, types } = await run(machine({ Echo: task({ End: true }) }), {
      input: [1],
      tasks: { Echo: (args) => ({ args, nothing: undefined }) },
    })
    expect(result.output).toEqual({ args: [1] })
    expect(types.slice(2, 5)).toEqual(['LambdaFunctionScheduled', 'LambdaFunctionStarted', 'LambdaFunctionSucceeded'])
  })

  it('fails with the handler’s error name and message', async () => {
    expect((await throws(new TaskFailure('Locked', 'by another'))).result).toEqual({
      status: 'FAILED',
      error: 'Locked',
      cause: 'by another',
    })
    expect((await throws(new RangeError('too far'))).result).toEqual({
      status: 'FAILED',
      error: 'RangeError',
      cause: 'too far',
    })
    expect((await throws('just text')).result).toEqual({ status: 'FAILED', error: 'Error', cause: 'just text' })
  })
})

describe('Retry', () => {
  it('waits interval × backoff, counts attempts, and then fails with the last error', async () => {
    const definition = machine({
      T: task({ Retry: [{ ErrorEquals: ['Busy'], IntervalSeconds: 2, BackoffRate: 3, MaxAttempts: 3 }], End: true }),
    })
    const good = await run(definition, { tasks: { T: fails('Busy', 'Busy', 'Busy') } })
    expect(good.result).toEqual({ status: 'SUCCEEDED', output: { call: 4 } })
    expect(good.seconds).toBe(2 + 6 + 18)
    expect(good.types.filter((type) => type === 'LambdaFunctionFailed')).toHaveLength(3)
    const bad = await run(definition, { tasks: { T: fails('Busy', 'Busy', 'Busy', 'Busy') } })
    expect(bad.result).toEqual({ status: 'FAILED', error: 'Busy', cause: 'cause of Busy' })
  })

  it('caps the wait and spreads it by full jitter', async () => {
    const { seconds } = await run(
      machine({
        T: task({
          Retry: [
            {
              ErrorEquals: ['States.ALL'],
              IntervalSeconds: 10,
              BackoffRate: 2,
              MaxDelaySeconds: 15,
              MaxAttempts: 2,
              JitterStrategy: 'FULL',
            },
          ],
          End: true,
        }),
      }),
      { tasks: { T: fails('A', 'B') }, random: () => 0.5 },
    )
    expect(seconds).toBe(5 + 7.5)
  })

  it('lets each retrier count for itself', async () => {
    const definition = machine({
      T: task({
        Retry: [
          { ErrorEquals: ['A'], MaxAttempts: 1 },
          { ErrorEquals: ['States.ALL'], MaxAttempts: 2 },
        ],
        End: true,
      }),
    })
    expect((await run(definition, { tasks: { T: fails('A', 'B', 'B') } })).result.status).toBe('SUCCEEDED')
    // The first retrier that takes an error decides alone, also when it is used up.
    expect((await run(definition, { tasks: { T: fails('A', 'A') } })).result.error).toBe('A')
    expect((await run(definition, { tasks: { T: fails('B', 'B', 'B') } })).result.error).toBe('B')
  })

  it('retries a failed evaluation of the state’s own fields and counts in the context', async () => {
    const { result, types } = await run(
      machine({
        T: task({
          Arguments: "{% $states.context.State.RetryCount = 2 ? 'third' : $states.input.missing %}",
          Retry: [{ ErrorEquals: ['States.QueryEvaluationError'], MaxAttempts: 2 }],
          End: true,
        }),
      }),
      { tasks: { T: (args) => args } },
    )
    expect(result.output).toBe('third')
    expect(types.filter((type) => type === 'EvaluationFailed')).toHaveLength(2)
  })
})

const caught = (catcher: object, error: string) =>
  run(
    machine({
      T: task({ Catch: [{ Next: 'Saved', ...catcher }], End: true }),
      Saved: { Type: 'Pass', Output: { input: '{% $states.input %}', kept: '{% $kept %}' }, End: true },
    }),
    { tasks: { T: fails(error) } },
  )

describe('Catch', () => {
  it('hands on the error output by default, or its own Output, and assigns its own variables', async () => {
    const plain = await caught({ ErrorEquals: ['Bad'], Assign: { kept: '{% $states.errorOutput.Error %}' } }, 'Bad')
    expect(plain.result.output).toEqual({ input: { Error: 'Bad', Cause: 'cause of Bad' }, kept: 'Bad' })
    const own = await caught(
      { ErrorEquals: ['States.ALL'], Output: '{% $states.errorOutput.Cause %}', Assign: { kept: 1 } },
      'Bad',
    )
    expect(own.result.output).toEqual({ input: 'cause of Bad', kept: 1 })
  })

  it.each([
    ['States.ALL', 'Anything', true],
    ['States.ALL', 'States.Timeout', true],
    ['States.ALL', 'States.DataLimitExceeded', false],
    ['States.ALL', 'States.Runtime', false],
    ['States.Runtime', 'States.Runtime', false],
    ['States.DataLimitExceeded', 'States.DataLimitExceeded', true],
    ['States.TaskFailed', 'Anything', true],
    ['States.TaskFailed', 'States.QueryEvaluationError', true],
    ['States.TaskFailed', 'States.Timeout', false],
    ['States.Timeout', 'States.HeartbeatTimeout', true],
    ['States.HeartbeatTimeout', 'States.Timeout', false],
    ['Any', 'Anything', false],
  ])('%s takes %s: %s', async (wanted, error, takes) => {
    const { result } = await caught({ ErrorEquals: [wanted], Assign: { kept: 1 } }, error)
    expect(result.status).toBe(takes ? 'SUCCEEDED' : 'FAILED')
  })

  it('comes after Retry, and its own failing Output fails the state', async () => {
    const { result } = await caught({ ErrorEquals: ['Bad'], Output: '{% $states.result.none %}' }, 'Bad')
    expect(result.error).toBe('States.QueryEvaluationError')
    expect(result.cause).toContain("'Catch[0]/Output' returned nothing (undefined)")
  })
})

describe('TimeoutSeconds', () => {
  it('ends a task with States.Timeout, aborts its signal, and leaves no cause', async () => {
    const aborted: boolean[] = []
    const { result, seconds, types } = await run(
      machine({ T: task({ TimeoutSeconds: '{% $states.input %}', End: true }) }),
      {
        input: 30,
        tasks: {
          T: async (_args, { clock, signal, timeoutSeconds }) => {
            expect(timeoutSeconds).toBe(30)
            signal.addEventListener('abort', () => aborted.push(true))
            await clock.sleep(3_600_000, signal)
          },
        },
      },
    )
    expect(result).toEqual({ status: 'FAILED', error: 'States.Timeout' })
    expect(seconds).toBe(30)
    expect(aborted).toEqual([true])
    expect(types).toContain('LambdaFunctionTimedOut')
  })

  it('is retried and caught as States.Timeout, with an empty cause', async () => {
    const { result, seconds } = await run(
      machine({
        T: task({
          TimeoutSeconds: 10,
          Retry: [{ ErrorEquals: ['States.Timeout'], MaxAttempts: 1 }],
          Catch: [{ ErrorEquals: ['States.Timeout'], Next: 'Saved' }],
          End: true,
        }),
        Saved: { Type: 'Succeed' },
      }),
      { tasks: { T: (_args, { clock, signal }) => clock.sleep(60_000, signal) } },
    )
    expect(result.output).toEqual({ Error: 'States.Timeout', Cause: '' })
    expect(seconds).toBe(10 + 1 + 10)
  })

  it('of the machine ends everything as TIMED_OUT', async () => {
    const { result, seconds, types } = await run(
      machine({ W: { Type: 'Wait', Seconds: 100, End: true } }, { TimeoutSeconds: 60 }),
    )
    expect(result).toEqual({ status: 'TIMED_OUT', error: 'States.Timeout' })
    expect(seconds).toBe(60)
    expect(types).toEqual(['ExecutionStarted', 'WaitStateEntered', 'ExecutionTimedOut'])
  })

  it.each([['0'], ["'5'"], ['1.5']])('of %s is a failed evaluation', async (source) => {
    const { result } = await run(machine({ T: task({ TimeoutSeconds: `{% ${source} %}`, End: true }) }))
    expect(result.error).toBe('States.QueryEvaluationError')
  })
})

describe('stop', () => {
  it('aborts the running task at once and ends as ABORTED, whatever Retry and Catch say', async () => {
    const signals: AbortSignal[] = []
    const { execution, outcome } = start(
      machine({
        T: task({
          Retry: [{ ErrorEquals: ['States.ALL'] }],
          Catch: [{ ErrorEquals: ['States.ALL'], Next: 'Never' }],
          End: true,
        }),
        Never: { Type: 'Pass', End: true },
      }),
      {
        tasks: {
          T: (_args, { signal }) => {
            signals.push(signal)
            setImmediate(() => execution.stop('Stopped', 'by hand'))
            // A handler that ignores its signal isn't waited for.
            return new Promise(() => undefined)
          },
        },
      },
    )
    const { result, states, types } = await outcome()
    expect(result).toEqual({ status: 'ABORTED', error: 'Stopped', cause: 'by hand' })
    expect(states).toEqual(['T'])
    expect(signals[0]?.aborted).toBe(true)
    expect(types.at(-1)).toBe('ExecutionAborted')
  })
})

it('names the resource of a direct function in the scheduled event', async () => {
  const { events } = await run(machine({ T: task({ TimeoutSeconds: 5, End: true }) }), {
    input: 1,
    tasks: { T: () => 1 },
  })
  expect(events[2]?.details).toEqual({ resource: WORK, input: 1, timeoutInSeconds: 5 })
})
