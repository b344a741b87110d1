import { describe, expect, it } from 'vitest'
import { machine, run, task } from '../harness.ts'

const branch = (states: Record<string, object>) => ({ StartAt: Object.keys(states)[0], States: states })
const waitThen = (seconds: number, name: string) =>
  branch({
    [`${name} waits`]: { Type: 'Wait', Seconds: seconds, Next: name },
    [name]: { Type: 'Pass', Output: name, End: true },
  })

describe('a Parallel state', () => {
  it('runs its branches side by side and gives their outputs in order', async () => {
    const { result, seconds, types } = await run(
      machine({ Both: { Type: 'Parallel', Branches: [waitThen(20, 'A'), waitThen(10, 'B')], End: true } }),
    )
    expect(result.output).toEqual(['A', 'B'])
    expect(seconds).toBe(20)
    expect(types.slice(1, 5)).toEqual([
      'ParallelStateEntered',
      'ParallelStateStarted',
      'WaitStateEntered',
      'WaitStateEntered',
    ])
    expect(types.slice(-3)).toEqual(['ParallelStateSucceeded', 'ParallelStateExited', 'ExecutionSucceeded'])
  })

  it('gives its Arguments to each branch; branches read outer variables and keep their own', async () => {
    const { result } = await run(
      machine({
        Set: { Type: 'Pass', Assign: { x: 'outer' }, Next: 'Both' },
        Both: {
          Type: 'Parallel',
          Arguments: { n: '{% $states.input.n + 1 %}' },
          Branches: [
            branch({
              A1: { Type: 'Pass', Assign: { x: 'inner', y: 1 }, Next: 'A2' },
              A2: { Type: 'Pass', Output: ['{% $x %}', '{% $y %}', '{% $states.input.n %}'], End: true },
            }),
            branch({
              B1: { Type: 'Wait', Seconds: 1, Next: 'B2' },
              B2: { Type: 'Pass', Output: ['{% $x %}', '{% $exists($y) %}'], End: true },
            }),
          ],
          Output: { branches: '{% $states.result %}', x: '{% $x %}' },
          Assign: { after: '{% $x %}' },
          Next: 'End',
        },
        End: { Type: 'Pass', Output: { was: '{% $states.input %}', x: '{% $x %}', after: '{% $after %}' }, End: true },
      }),
      { input: { n: 1 } },
    )
    expect(result.output).toEqual({
      was: {
        branches: [
          ['inner', 1, 2],
          ['outer', false],
        ],
        x: 'outer',
      },
      x: 'outer',
      after: 'outer',
    })
  })

  it('cuts the other branches when one fails, and fails with that branch’s error', async () => {
    let aborted = false
    const { result, seconds, types } = await run(
      machine({
        Both: {
          Type: 'Parallel',
          Branches: [
            branch({ Slow: task({ End: true }) }),
            branch({
              Pause: { Type: 'Wait', Seconds: 5, Next: 'Bad' },
              Bad: { Type: 'Fail', Error: 'Broken', Cause: 'for the test' },
            }),
            branch({ Long: { Type: 'Wait', Seconds: 1000, Next: 'Never' }, Never: { Type: 'Pass', End: true } }),
          ],
          End: true,
        },
      }),
      {
        tasks: {
          Slow: async (_args, { clock, signal }) => {
            signal.addEventListener('abort', () => {
              aborted = true
            })
            await clock.sleep(3_600_000, signal)
          },
        },
      },
    )
    expect(result).toEqual({ status: 'FAILED', error: 'Broken', cause: 'for the test' })
    expect(seconds).toBe(5)
    expect(aborted).toBe(true)
    expect(types).toEqual(expect.arrayContaining(['TaskStateAborted', 'WaitStateAborted', 'ParallelStateFailed']))
    expect(types.filter((type) => type === 'PassStateEntered')).toEqual([])
  })

  it('can be retried and caught as a whole', async () => {
    let calls = 0
    const { result, seconds } = await run(
      machine({
        Both: {
          Type: 'Parallel',
          Branches: [branch({ T: task({ End: true }) })],
          Retry: [{ ErrorEquals: ['Bad'], MaxAttempts: 1, IntervalSeconds: 3 }],
          Catch: [{ ErrorEquals: ['States.ALL'], Next: 'Saved', Output: '{% $states.errorOutput.Error %}' }],
          End: true,
        },
        Saved: { Type: 'Succeed' },
      }),
      {
        tasks: {
          T: () => {
            calls += 1
            throw Object.assign(new Error('x'), { name: calls === 1 ? 'Bad' : 'Worse' })
          },
        },
      },
    )
    expect([calls, seconds, result.output]).toEqual([2, 3, 'Worse'])
  })
})
