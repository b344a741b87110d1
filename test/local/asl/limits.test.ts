import { describe, expect, it } from 'vitest'
import { loadStateMachine, startExecution } from '../../../local/asl/interpreter.ts'
import { evaluate, machine, run, task } from './harness.ts'

const nothing = async () => null
const big = (bytes: number) => `{% $pad('', ${bytes - 2}, 'x') %}`

const caught = (errors: string[]) =>
  run(
    machine({
      T: task({ Catch: [{ ErrorEquals: errors, Next: 'Saved' }], End: true }),
      Saved: { Type: 'Succeed' },
    }),
    { tasks: { T: () => 'x'.repeat(300_000) } },
  )

const loop = (name: string) => ({
  StartAt: name,
  States: {
    [name]: { Type: 'Choice', Choices: [{ Condition: true, Next: name }], Default: `${name} end` },
    [`${name} end`]: { Type: 'Succeed' },
  },
})

describe('the quotas', () => {
  it('refuse an output of more than 256 KiB, which States.ALL does not catch', async () => {
    expect((await evaluate(big(262_144))).status).toBe('SUCCEEDED')
    expect(await evaluate(big(262_145))).toEqual({
      status: 'FAILED',
      error: 'States.DataLimitExceeded',
      cause: "The state/task 'Only' returned a result with a size exceeding the maximum number of bytes service limit.",
    })
    expect((await caught(['States.ALL'])).result.error).toBe('States.DataLimitExceeded')
    expect((await caught(['States.DataLimitExceeded'])).result.status).toBe('SUCCEEDED')
  })

  it('count bytes of UTF-8, not characters', async () => {
    expect((await evaluate(`{% $pad('', 131072, 'é') %}`)).error).toBe('States.DataLimitExceeded')
    expect((await evaluate(`{% $pad('', 131071, 'é') %}`)).status).toBe('SUCCEEDED')
  })

  it('hold for arguments, variables and a Map’s result', async () => {
    const args = await run(machine({ T: task({ Arguments: "{% $pad('', 300000, 'x') %}", End: true }) }))
    expect(args.result.error).toBe('States.DataLimitExceeded')
    const assign = await run(machine({ P: { Type: 'Pass', Assign: { v: "{% $pad('', 300000, 'x') %}" }, End: true } }))
    expect(assign.result.error).toBe('States.DataLimitExceeded')
    const mapped = await run(
      machine({
        M: {
          Type: 'Map',
          Items: [1, 2, 3],
          ItemProcessor: {
            StartAt: 'P',
            States: { P: { Type: 'Pass', Output: "{% $pad('', 100000, 'x') %}", End: true } },
          },
          Output: 'small',
          End: true,
        },
      }),
    )
    expect(mapped.result.error).toBe('States.DataLimitExceeded')
  })

  it('end an execution at its 25,000th event', async () => {
    const { result, events } = await run(
      machine({
        Again: { Type: 'Pass', Next: 'More?' },
        'More?': { Type: 'Choice', Choices: [{ Condition: true, Next: 'Again' }], Default: 'Done' },
        Done: { Type: 'Succeed' },
      }),
    )
    expect(result).toEqual({
      status: 'FAILED',
      error: 'States.Runtime',
      cause: 'The execution reached the maximum number of history events (25000).',
    })
    expect(events).toHaveLength(25_000)
    expect(events.at(-1)?.type).toBe('ExecutionFailed')
  })

  it('end an execution that fills its history inside a Parallel, whatever it catches', async () => {
    const { result, events } = await run(
      machine({
        Both: {
          Type: 'Parallel',
          Branches: [loop('A'), loop('B')],
          Catch: [{ ErrorEquals: ['States.ALL'], Next: 'Never' }],
          End: true,
        },
        Never: { Type: 'Pass', End: true },
      }),
    )
    expect(result.error).toBe('States.Runtime')
    expect(events).toHaveLength(25_000)
  })

  it('hold for the input and the names at the start', () => {
    const definition = loadStateMachine(machine({ P: { Type: 'Pass', End: true } }))
    expect(() => startExecution(definition, 'x'.repeat(262_144), { tasks: nothing })).toThrow(/262144/)
    for (const name of ['a:b', 'a b', '', 'x'.repeat(81), 'a/b']) {
      expect(() => startExecution(definition, {}, { tasks: nothing, name })).toThrow(RangeError)
    }
  })
})
