import { describe, expect, it } from 'vitest'
import type { HistoryEvent } from '../../../local/asl/interpreter.ts'
import { machine, type RunOptions, start, task } from './harness.ts'

/** Starts a run and interrupts it as soon as an event fulfils the condition. */
async function interrupted(definition: unknown, when: (event: HistoryEvent) => boolean, options: RunOptions = {}) {
  let waiting = true
  const running = start(definition, {
    ...options,
    onEvent: (event) => {
      if (!waiting || !when(event)) return
      waiting = false
      setImmediate(() => running.execution.interrupt('Interrupted', 'Ctrl-C'))
    },
  })
  return running.outcome()
}

const entered = (name: string) => (event: HistoryEvent) =>
  event.type.endsWith('StateEntered') && event.details['name'] === name
const started = (name: string) => {
  let inside = false
  return (event: HistoryEvent) => {
    if (entered(name)(event)) inside = true
    return inside && event.type.endsWith('FunctionStarted')
  }
}

const hang = () => new Promise(() => undefined)
const all = (next: string) => [{ ErrorEquals: ['States.ALL'], Next: next, Output: '{% $states.errorOutput %}' }]
const branch = (states: Record<string, object>) => ({ StartAt: Object.keys(states)[0], States: states })

const perGuest = (fields: object) =>
  machine({
    Export: {
      Type: 'Map',
      MaxConcurrency: 2,
      ItemProcessor: {
        ProcessorConfig: { Mode: 'DISTRIBUTED', ExecutionType: 'STANDARD' },
        ...branch({
          Backup: task({ Catch: all('Abort job'), End: true }),
          'Abort job': task({ Next: 'Skipped' }),
          Skipped: { Type: 'Fail', Error: 'Interrupted' },
        }),
      },
      ...fields,
    },
    Report: task({ End: true }),
  })

describe('a graceful stop', () => {
  it('fails the running task at once, without Retry, and lets its Catch clean up undisturbed', async () => {
    const signals: AbortSignal[] = []
    const cleaned: unknown[] = []
    const { result, states } = await interrupted(
      machine({
        Work: task({ Retry: [{ ErrorEquals: ['States.ALL'] }], Catch: all('Clean up'), Next: 'More' }),
        More: { Type: 'Pass', End: true },
        'Clean up': task({ Next: 'Pause' }),
        Pause: { Type: 'Wait', Seconds: 10, Next: 'Report' },
        Report: task({ End: true }),
      }),
      started('Work'),
      {
        tasks: {
          Work: (_args, { signal }) => {
            signals.push(signal)
            return hang()
          },
          'Clean up': (args) => cleaned.push(args),
          Report: () => 'reported',
        },
      },
    )
    expect(result).toEqual({ status: 'SUCCEEDED', output: 'reported' })
    expect(states).toEqual(['Work', 'Clean up', 'Pause', 'Report'])
    expect(signals.map((signal) => signal.aborted)).toEqual([true])
    expect(cleaned).toEqual([{ Error: 'Interrupted', Cause: 'Ctrl-C' }])
  })

  it('ends a Wait at once and fails the next task before it starts', async () => {
    const called: string[] = []
    const { states, seconds, result } = await interrupted(
      machine({
        Wait: { Type: 'Wait', Seconds: 86_400, Next: 'Poll' },
        Poll: task({ Catch: all('Clean up'), End: true }),
        'Clean up': task({ End: true }),
      }),
      entered('Wait'),
      { tasks: { Poll: () => called.push('Poll'), 'Clean up': () => called.push('Clean up') } },
    )
    expect([states, called, result.status]).toEqual([['Wait', 'Poll', 'Clean up'], ['Clean up'], 'SUCCEEDED'])
    expect(seconds).toBeLessThan(86_400)
  })

  it('does not wait out the pause before a retry', async () => {
    let calls = 0
    const { execution, clock, outcome } = start(
      machine({
        Poll: task({ Retry: [{ ErrorEquals: ['Busy'], IntervalSeconds: 3600 }], Catch: all('Clean up'), End: true }),
        'Clean up': task({ End: true }),
      }),
      {
        tasks: {
          Poll: () => {
            calls += 1
            throw Object.assign(new Error('busy'), { name: 'Busy' })
          },
          'Clean up': () => 'done',
        },
      },
    )
    await clock.sleep(100_000)
    execution.interrupt('Interrupted', 'Ctrl-C')
    const { states, seconds, result } = await outcome()
    expect([states, calls, seconds, result.output]).toEqual([['Poll', 'Clean up'], 1, 100, 'done'])
  })

  it('fails the execution when no Catch takes it', async () => {
    const { result, states } = await interrupted(
      machine({
        Work: task({ Catch: [{ ErrorEquals: ['Other'], Next: 'Never' }], End: true }),
        Never: { Type: 'Pass', End: true },
      }),
      started('Work'),
      { tasks: { Work: hang } },
    )
    expect(result).toEqual({ status: 'FAILED', error: 'Interrupted', cause: 'Ctrl-C' })
    expect(states).toEqual(['Work'])
  })

  it('happens once: a second interrupt does not disturb the clean-up', async () => {
    const { execution, outcome } = start(
      machine({
        Work: task({ Catch: all('Clean up'), End: true }),
        'Clean up': task({ Next: 'Pause' }),
        Pause: { Type: 'Wait', Seconds: 5, Next: 'Report' },
        Report: task({ End: true }),
      }),
      {
        tasks: {
          Work: () => {
            setImmediate(() => execution.interrupt('Interrupted', 'Ctrl-C'))
            return hang()
          },
          'Clean up': async (_args, { clock }) => {
            execution.interrupt('Interrupted', 'Ctrl-C, again')
            await clock.sleep(60_000)
          },
          Report: () => 'reported',
        },
      },
    )
    const { result, states, seconds } = await outcome()
    expect([result.output, states, seconds]).toEqual(['reported', ['Work', 'Clean up', 'Pause', 'Report'], 65])
  })

  it('goes through an inline Map: no Catch inside removes it, the one around the Map does', async () => {
    const inner: unknown[] = []
    const { result, states } = await interrupted(
      machine({
        Copy: {
          Type: 'Map',
          MaxConcurrency: 2,
          Items: [0, 1, 2, 3],
          ItemProcessor: branch({
            Part: task({ Catch: [{ ErrorEquals: ['States.ALL'], Next: 'Undo' }], End: true }),
            Undo: task({ End: true }),
          }),
          Catch: all('Clean up'),
          End: true,
        },
        'Clean up': task({ End: true }),
      }),
      started('Part'),
      { tasks: { Part: hang, Undo: (args) => inner.push(args), 'Clean up': () => 'clean' } },
    )
    expect(result.output).toBe('clean')
    expect(inner).toEqual([])
    expect(states.filter((name) => name === 'Part')).toHaveLength(2)
    expect(states.at(-1)).toBe('Clean up')
  })

  it('is still the same stop when a branch turns it into an error of its own', async () => {
    const { result, states } = await interrupted(
      machine({
        Both: {
          Type: 'Parallel',
          Branches: [
            branch({
              A: task({ Catch: [{ ErrorEquals: ['States.ALL'], Next: 'Tell' }], End: true }),
              Tell: { Type: 'Fail', Error: 'CopyFailed' },
            }),
          ],
          Retry: [{ ErrorEquals: ['CopyFailed'] }],
          Catch: all('Clean up'),
          End: true,
        },
        'Clean up': task({ End: true }),
      }),
      started('A'),
      { tasks: { A: hang, 'Clean up': (args) => args } },
    )
    expect(result.output).toEqual({ Error: 'CopyFailed', Cause: '' })
    expect(states).toEqual(['Both', 'A', 'Tell', 'Clean up'])
  })

  it('lets the running children of a distributed Map clean up, starts no other, and the parent’s report runs', async () => {
    const backups: unknown[] = []
    const aborts: unknown[] = []
    const { result, states } = await interrupted(
      perGuest({ ToleratedFailurePercentage: 100, Next: 'Report' }),
      started('Backup'),
      {
        input: [100, 101, 102, 103],
        tasks: {
          Backup: (guest) => {
            backups.push(guest)
            return hang()
          },
          'Abort job': async (args, { clock }) => {
            await clock.sleep(1000)
            aborts.push(args)
          },
          Report: (outcomes) => outcomes,
        },
      },
    )
    expect(backups).toEqual([100, 101])
    expect(aborts).toHaveLength(2)
    expect(states).toEqual(['Export', 'Report'])
    expect(result.output).toMatchObject([
      { Status: 'FAILED', Error: 'Interrupted' },
      { Status: 'FAILED', Error: 'Interrupted' },
      { Status: 'PENDING', Error: 'Interrupted' },
      { Status: 'PENDING', Error: 'Interrupted' },
    ])
  })

  it('lets each child finish its clean-up although the first that ended is already one failure too many', async () => {
    const cleaned: number[] = []
    const { states } = await interrupted(
      perGuest({ Catch: all('Report'), Next: 'Report' }),
      (() => {
        let backups = 0
        return (event: HistoryEvent) => {
          if (event.type === 'LambdaFunctionStarted') backups += 1
          return backups === 2
        }
      })(),
      {
        input: [100, 101],
        tasks: {
          Backup: hang,
          'Abort job': async (_args, { clock, signal }) => {
            const turn = cleaned.push(0)
            await clock.sleep(turn * 60_000, signal)
            cleaned[turn - 1] = turn
          },
          Report: () => null,
        },
      },
    )
    expect(cleaned).toEqual([1, 2])
    expect(states).toEqual(['Export', 'Report'])
  })

  it('does not cut or retry a distributed Map that fails by it: its Catch runs', async () => {
    const { result, states, allEvents } = await interrupted(
      perGuest({ Retry: [{ ErrorEquals: ['States.ALL'] }], Catch: all('Report'), Next: 'Report' }),
      started('Backup'),
      { input: [100, 101], tasks: { Backup: hang, 'Abort job': () => 'aborted', Report: (args) => args } },
    )
    expect(states).toEqual(['Export', 'Report'])
    expect(result.output).toMatchObject({ Error: 'States.ExceedToleratedFailureThreshold' })
    expect(allEvents.filter(entered('Abort job'))).toHaveLength(2)
    expect(allEvents.filter((event) => event.type === 'ExecutionAborted')).toEqual([])
  })

  it('does not cut the children of a distributed Map in one branch because a task failed in another', async () => {
    const { result, allEvents } = await interrupted(
      machine({
        Both: {
          Type: 'Parallel',
          Branches: [
            branch({ Watch: task({ End: true }) }),
            branch({
              Each: {
                Type: 'Map',
                ItemProcessor: {
                  ProcessorConfig: { Mode: 'DISTRIBUTED', ExecutionType: 'STANDARD' },
                  ...branch({ Child: task({ Catch: all('Undo'), End: true }), Undo: task({ End: true }) }),
                },
                End: true,
              },
            }),
          ],
          Catch: all('Clean up'),
          End: true,
        },
        'Clean up': task({ End: true }),
      }),
      started('Child'),
      {
        input: [1],
        tasks: {
          Watch: hang,
          Child: hang,
          Undo: async (_args, { clock }) => {
            await clock.sleep(60_000)
            return 'undone'
          },
          'Clean up': () => 'clean',
        },
      },
    )
    expect(result.output).toBe('clean')
    const child = allEvents.filter((event) => event.execution.includes('local/')).map((event) => event.type)
    expect(child.at(-1)).toBe('ExecutionSucceeded')
    expect(allEvents.filter(entered('Undo'))).toHaveLength(1)
  })

  it('is over once a Map has dealt with it: what comes behind the Map runs undisturbed', async () => {
    const { result, states } = await interrupted(
      machine({
        Each: {
          Type: 'Map',
          MaxConcurrency: 1,
          ItemProcessor: {
            ProcessorConfig: { Mode: 'INLINE' },
            ...branch({ Work: task({ Catch: all('Given up'), End: true }), 'Given up': { Type: 'Pass', End: true } }),
          },
          Next: 'Report',
        },
        Report: task({ End: true }),
      }),
      started('Work'),
      { input: [1, 2], tasks: { Work: hang, Report: () => 'reported' } },
    )
    expect(result).toMatchObject({ status: 'SUCCEEDED', output: 'reported' })
    expect(states.filter((state) => state === 'Given up')).toHaveLength(2)
  })

  it('is handed to an execution within this one, which ends by itself before its Task fails', async () => {
    let asked = false
    const { result } = await interrupted(
      machine({
        Inner: {
          Type: 'Task',
          Resource: 'arn:aws:states:::states:startExecution.sync:2',
          Arguments: { StateMachineArn: 'arn:aws:states:local:1:stateMachine:inner', Name: 'one' },
          Catch: all('Report'),
          End: true,
        },
        Report: task({ End: true }),
      }),
      (event) => event.type === 'TaskStarted',
      {
        tasks: {
          Inner: (_args, { interrupted: stop }) =>
            new Promise((resolve) => {
              stop.addEventListener('abort', () => {
                asked = true
                resolve('cleaned up')
              })
            }),
          Report: (error) => error,
        },
      },
    )
    expect(asked).toBe(true)
    expect(result.status).toBe('SUCCEEDED')
    expect(JSON.stringify(result.output)).toContain('Interrupted')
  })

  it('leaves an execution alone that has ended', async () => {
    const { execution, outcome } = start(machine({ P: { Type: 'Pass', End: true } }))
    await execution.result
    execution.interrupt('Interrupted', 'late')
    expect((await outcome()).result.status).toBe('SUCCEEDED')
  })
})
