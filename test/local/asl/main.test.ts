import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, describe, expect, it } from 'vitest'
import { machine, task } from './harness.ts'

const main = fileURLToPath(new URL('../../../local/asl/main.ts', import.meta.url))
const folder = mkdtempSync(join(tmpdir(), 'asl-'))
afterAll(() => rmSync(folder, { recursive: true }))

function file(name: string, content: unknown): string {
  const path = join(folder, name)
  writeFileSync(path, JSON.stringify(content))
  return path
}

function asl(...args: string[]) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [main, ...args], { encoding: 'utf8' })
  return { status, stdout, stderr }
}

describe('asl run', () => {
  const definition = file(
    'definition.json',
    machine({
      Start: task({ Retry: [{ ErrorEquals: ['Busy'] }], Next: 'Pause' }),
      Pause: { Type: 'Wait', Seconds: 3600, Next: 'Check' },
      Check: task({ Catch: [{ ErrorEquals: ['States.ALL'], Next: 'Given up' }], Next: 'Done' }),
      Done: { Type: 'Succeed' },
      'Given up': { Type: 'Fail', Error: 'GivenUp' },
    }),
  )
  const input = file('input.json', { vmid: 100 })

  it('prints status, output and the states entered, in no time', () => {
    const tasks = file('tasks.json', {
      Start: [{ throw: { error: 'Busy', cause: 'later' } }, { return: 1, seconds: 9 }],
      Check: { return: { done: true } },
    })
    const { status, stdout } = asl('run', definition, input, '--tasks', tasks)
    expect(JSON.parse(stdout)).toEqual({
      status: 'SUCCEEDED',
      output: { done: true },
      states: ['Start', 'Pause', 'Check', 'Done'],
      seconds: 1 + 9 + 3600,
      events: expect.any(Number),
    })
    expect(status).toBe(0)
  })

  it('names a Task that has no answer, even when the definition would catch its failure', () => {
    const tasks = file('some.json', { Start: { return: 1 } })
    const { status, stdout } = asl('run', definition, input, '--tasks', tasks)
    const printed = JSON.parse(stdout)
    expect(printed).toMatchObject({ status: 'ABORTED', error: 'NoMock' })
    expect(printed.cause).toContain("The Task 'Check'")
    expect(status).toBe(1)
  })

  it('reads items from the objects it is given', () => {
    const mapped = file(
      'mapped.json',
      machine({
        M: {
          Type: 'Map',
          ItemReader: {
            Resource: 'arn:aws:states:::s3:getObject',
            ReaderConfig: { InputType: 'JSON' },
            Arguments: { Bucket: 'b', Key: 'k' },
          },
          ItemProcessor: {
            ProcessorConfig: { Mode: 'DISTRIBUTED', ExecutionType: 'STANDARD' },
            StartAt: 'P',
            States: { P: { Type: 'Pass', End: true } },
          },
          End: true,
        },
      }),
    )
    const { stdout } = asl('run', mapped, input, '--objects', file('objects.json', { 'b/k': [1, 2] }))
    expect(JSON.parse(stdout).output).toEqual([1, 2])
  })

  it('refuses a bad definition with exit code 2 and the place, and malformed mocks with 1', () => {
    const bad = asl('run', file('bad.json', machine({ X: { Type: 'Pass', Foo: 1, End: true } })), input)
    expect([bad.status, bad.stderr]).toEqual([2, expect.stringContaining('/States/X/Foo')])
    const mocks = asl('run', definition, input, '--tasks', file('mocks.json', { Start: { give: 1 } }))
    expect([mocks.status, mocks.stderr]).toEqual([1, expect.stringContaining('Start')])
  })
})

const history = (output: string) => [
  { id: 1, previousEventId: 0, type: 'ExecutionStarted', executionStartedEventDetails: { input: '{}' } },
  { id: 2, previousEventId: 0, type: 'PassStateEntered', stateEnteredEventDetails: { name: 'P', input: '{}' } },
  { id: 3, previousEventId: 2, type: 'PassStateExited', stateExitedEventDetails: { name: 'P', output } },
  { id: 4, previousEventId: 3, type: 'ExecutionSucceeded', executionSucceededEventDetails: { output } },
]

describe('asl cases', () => {
  const definition = machine({ P: { Type: 'Pass', Output: 5, End: true } })

  it('prints a line per case and a count, and fails for a difference nobody explained', () => {
    const path = file('cases.json', [
      { id: 'good', definition, histories: [history('5')] },
      { id: 'bad', definition, histories: [history('6')] },
    ])
    const { status, stdout } = asl('cases', path)
    const lines = stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line))
    expect(lines).toEqual([
      { id: 'good', status: 'SUCCEEDED', agrees: true, difference: null, reconstructed: [] },
      { id: 'bad', status: 'SUCCEEDED', agrees: false, difference: 'output: recorded 6; here 5', reconstructed: [] },
      { cases: 2, agree: 1, differ: 1 },
    ])
    expect(status).toBe(1)
    expect(asl('cases', file('good.json', [{ id: 'good', definition, histories: [history('5')] }])).status).toBe(0)
  })
})

it('explains itself', () => {
  expect(asl('--help').stdout).toMatch(/cases[\s\S]*run/)
  expect(asl('run', '--help').stdout).toContain('"Check vzdump"')
  expect(asl('cases', '--help').stdout).toContain('A case agrees when')
})
