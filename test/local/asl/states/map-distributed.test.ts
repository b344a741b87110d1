import { describe, expect, it } from 'vitest'
import { machine, memoryStore, run, start, task } from '../harness.ts'

const distributed = (fields: object, states: Record<string, object>) => ({
  Type: 'Map',
  ItemProcessor: {
    ProcessorConfig: { Mode: 'DISTRIBUTED', ExecutionType: 'STANDARD' },
    StartAt: Object.keys(states)[0],
    States: states,
  },
  ...fields,
})
const echo = { P: { Type: 'Pass', End: true } }
const reader = (config: object, args: object = { Bucket: 'b', Key: 'items' }) => ({
  ItemReader: { Resource: 'arn:aws:states:::s3:getObject', ReaderConfig: config, Arguments: args },
})
const writer = (config?: object) => ({
  ResultWriter: {
    Resource: 'arn:aws:states:::s3:putObject',
    Arguments: { Bucket: 'b', Prefix: 'out/' },
    ...(config === undefined ? {} : { WriterConfig: config }),
  },
})
const failOdd = (item: unknown) => {
  if (Number(item) % 2 === 1) throw Object.assign(new Error(`odd ${String(item)}`), { name: 'Odd' })
  return [item, item]
}

describe('a distributed Map', () => {
  it('runs each item as an execution of its own, with its own history, context and variables', async () => {
    const { result, types, allEvents } = await run(
      machine({
        Set: { Type: 'Pass', Assign: { secret: 1 }, Next: 'M' },
        M: distributed(
          { Items: '{% $states.input %}', Label: 'each', End: true },
          {
            P: {
              Type: 'Pass',
              Output: {
                item: '{% $states.input %}',
                of: '{% $states.context.Execution.Input %}',
                sees: '{% $exists($secret) %}',
                map: '{% $exists($states.context.Map) %}',
              },
              End: true,
            },
          },
        ),
      }),
      { input: ['a', 'b'] },
    )
    expect(result.output).toEqual([
      { item: 'a', of: 'a', sees: false, map: false },
      { item: 'b', of: 'b', sees: false, map: false },
    ])
    expect(types).toEqual([
      'ExecutionStarted',
      'PassStateEntered',
      'PassStateExited',
      'MapStateEntered',
      'MapStateStarted',
      'MapRunStarted',
      'MapRunSucceeded',
      'MapStateSucceeded',
      'MapStateExited',
      'ExecutionSucceeded',
    ])
    const executions = new Set(allEvents.map((event) => event.execution))
    expect(executions.size).toBe(3)
    expect([...executions].filter((arn) => arn.includes(':execution:local/each:'))).toHaveLength(2)
  })

  it('keeps to MaxConcurrency', async () => {
    const { seconds } = await run(
      machine({ M: distributed({ MaxConcurrency: 2, End: true }, { W: { Type: 'Wait', Seconds: 10, End: true } }) }),
      { input: [1, 2, 3, 4, 5] },
    )
    expect(seconds).toBe(30)
  })

  it('runs a thousand children that wait a day, in virtual time', async () => {
    const { result, seconds } = await run(
      machine({
        M: distributed(
          { Output: '{% $count($states.result) %}', End: true },
          { W: { Type: 'Wait', Seconds: 86_400, End: true } },
        ),
      }),
      { input: Array.from({ length: 1000 }, (_, index) => index) },
    )
    expect(result.output).toBe(1000)
    expect(seconds).toBe(86_400)
  })

  it('fails with States.ExceedToleratedFailureThreshold at the first failure unless more are tolerated', async () => {
    const { result, types } = await run(machine({ M: distributed({ End: true }, { T: task({ End: true }) }) }), {
      input: [0, 1],
      tasks: { T: failOdd },
    })
    expect(result).toEqual({
      status: 'FAILED',
      error: 'States.ExceedToleratedFailureThreshold',
      cause: 'The specified tolerated failure threshold was exceeded',
    })
    expect(types.slice(-3)).toEqual(['MapRunFailed', 'MapStateFailed', 'ExecutionFailed'])
  })

  it.each([
    [{ ToleratedFailureCount: 2 }, 'SUCCEEDED'],
    [{ ToleratedFailureCount: 1 }, 'FAILED'],
    [{ ToleratedFailurePercentage: 50 }, 'SUCCEEDED'],
    [{ ToleratedFailurePercentage: 49.9 }, 'FAILED'],
    [{ ToleratedFailureCount: 3, ToleratedFailurePercentage: 10 }, 'FAILED'],
    [{ ToleratedFailureCount: '{% 1 + 1 %}' }, 'SUCCEEDED'],
    [{ ToleratedFailurePercentage: '{% 101 %}' }, 'FAILED'],
  ])('with %j and half of four items failing: %s', async (tolerance, status) => {
    const { result } = await run(machine({ M: distributed({ ...tolerance, End: true }, { T: task({ End: true }) }) }), {
      input: [0, 1, 2, 3],
      tasks: { T: failOdd },
    })
    expect(result.status).toBe(status)
  })

  it('stops the children that run when too many have failed', async () => {
    let aborted = 0
    const { result, seconds } = await run(machine({ M: distributed({ End: true }, { T: task({ End: true }) }) }), {
      input: ['slow', 'bad'],
      tasks: {
        T: async (item, { clock, signal }) => {
          signal.addEventListener('abort', () => {
            if (item === 'slow') aborted += 1
          })
          await clock.sleep(item === 'slow' ? 100_000 : 1000, signal)
          throw new Error('no')
        },
      },
    })
    expect([result.error, seconds, aborted]).toEqual(['States.ExceedToleratedFailureThreshold', 1, 1])
  })

  it('shows failed children with their metadata in the result', async () => {
    const { result } = await run(
      machine({ M: distributed({ ToleratedFailurePercentage: 100, End: true }, { T: task({ End: true }) }) }),
      { input: [0, 1], tasks: { T: failOdd } },
    )
    expect(result.output).toEqual([
      [0, 0],
      expect.objectContaining({ Status: 'FAILED', Error: 'Odd', Cause: 'odd 1', Input: '1' }),
    ])
  })

  it('is stopped with its children', async () => {
    const { execution, outcome } = start(machine({ M: distributed({ End: true }, { T: task({ End: true }) }) }), {
      input: [1, 2],
      tasks: {
        T: () => {
          setImmediate(() => execution.stop())
          return new Promise(() => undefined)
        },
      },
    })
    const { result, allEvents } = await outcome()
    expect(result.status).toBe('ABORTED')
    expect(allEvents.filter((event) => event.type === 'ExecutionAborted')).toHaveLength(3)
  })
})

const read = (config: object, body: string, fields: object = {}) =>
  run(machine({ M: distributed({ ...reader(config), ...fields, End: true }, echo) }), {
    s3: memoryStore({ 'b/items': body }),
    input: { max: 2 },
  })

describe('ItemReader', () => {
  it('reads a JSON array, also below a pointer', async () => {
    expect((await read({ InputType: 'JSON' }, '[1,{"a":2}]')).result.output).toEqual([1, { a: 2 }])
    expect(
      (await read({ InputType: 'JSON', ItemsPointer: '/x~1y/0/items' }, '{"x/y":[{"items":[5]}]}')).result.output,
    ).toEqual([5])
  })

  it('reads JSON lines', async () => {
    expect((await read({ InputType: 'JSONL' }, '\uFEFF{"a":1}\r\n\n"two"\n')).result.output).toEqual([{ a: 1 }, 'two'])
  })

  it('reads CSV with headers in the first row or given, and other delimiters', async () => {
    const csv = 'id,name\n1,"Ann, ""A"""\n2,\n3\n'
    expect((await read({ InputType: 'CSV', CSVHeaderLocation: 'FIRST_ROW' }, csv)).result.output).toEqual([
      { id: '1', name: 'Ann, "A"' },
      { id: '2', name: '' },
      { id: '3', name: '' },
    ])
    const given = { InputType: 'CSV', CSVHeaderLocation: 'GIVEN', CSVHeaders: ['x'], CSVDelimiter: 'PIPE' }
    expect((await read(given, 'a|b\r\n"multi\nline"|c')).result.output).toEqual([{ x: 'a' }, { x: 'multi\nline' }])
  })

  it('stops at MaxItems, constant or computed', async () => {
    expect((await read({ InputType: 'JSON', MaxItems: 1 }, '[1,2,3]')).result.output).toEqual([1])
    expect((await read({ InputType: 'JSON', MaxItems: '{% $states.input.max %}' }, '[1,2,3]')).result.output).toEqual([
      1, 2,
    ])
    expect((await read({ InputType: 'JSON', MaxItems: '{% 0 %}' }, '[1]')).result.error).toBe(
      'States.QueryEvaluationError',
    )
  })

  it('lets ItemSelector see each item that was read', async () => {
    const { result } = await read({ InputType: 'JSON' }, '[7]', {
      ItemSelector: { v: '{% $states.context.Map.Item.Value %}', i: '{% $states.context.Map.Item.Index %}' },
    })
    expect(result.output).toEqual([{ v: 7, i: 0 }])
  })

  it.each([
    ['no list', '{"a":1}', 'Attempting to map over non-iterable node.'],
    ['no JSON', 'hello', 's3://b/items can'],
  ])('fails with States.ItemReaderFailed for %s', async (_what, body, message) => {
    const { result, types } = await read({ InputType: 'JSON' }, body)
    expect(result.error).toBe('States.ItemReaderFailed')
    expect(result.cause).toContain(message)
    expect(types.slice(-3)).toEqual(['MapRunFailed', 'MapStateFailed', 'ExecutionFailed'])
  })

  it('names the object that is missing', async () => {
    const { result } = await run(machine({ M: distributed({ ...reader({ InputType: 'JSON' }), End: true }, echo) }), {
      s3: memoryStore(),
    })
    expect(result).toMatchObject({
      error: 'States.ItemReaderFailed',
      cause: "s3://b/items can't be read: NoSuchKey: The specified key does not exist.",
    })
  })
})

const batch = (batcher: object, input: unknown) =>
  run(machine({ M: distributed({ ItemBatcher: batcher, End: true }, echo) }), { input })

describe('ItemBatcher', () => {
  it('packs items by number and adds the batch input', async () => {
    const { result } = await batch({ MaxItemsPerBatch: 2, BatchInput: { n: '{% $count($states.input) %}' } }, [1, 2, 3])
    expect(result.output).toEqual([
      { BatchInput: { n: 3 }, Items: [1, 2] },
      { BatchInput: { n: 3 }, Items: [3] },
    ])
  })

  it('packs items by bytes of the child’s whole input', async () => {
    const { result } = await batch({ MaxInputBytesPerBatch: 30 }, ['aaaaa', 'bbbbb', 'ccccc', 'd'])
    expect(result.output).toEqual([{ Items: ['aaaaa', 'bbbbb'] }, { Items: ['ccccc', 'd'] }])
    for (const input of [result.output].flat()) expect(JSON.stringify(input).length).toBeLessThanOrEqual(30)
  })

  it('refuses an item that no batch can hold', async () => {
    expect((await batch({ MaxInputBytesPerBatch: 15 }, ['aaaaaaaaaaaaaa'])).result.error).toBe(
      'States.DataLimitExceeded',
    )
  })

  it('counts each item of a failed batch as failed', async () => {
    const { result } = await run(
      machine({
        M: distributed(
          { ItemBatcher: { MaxItemsPerBatch: 3 }, ToleratedFailureCount: 2, End: true },
          { T: task({ End: true }) },
        ),
      }),
      { input: [1, 2, 3], tasks: { T: () => Promise.reject(new Error('no')) } },
    )
    expect(result.error).toBe('States.ExceedToleratedFailureThreshold')
  })
})

const write = async (config: object | undefined, fields: object = {}) => {
  const s3 = memoryStore()
  const { result } = await run(
    machine({
      M: distributed(
        { ...writer(config), ToleratedFailureCount: 1, Label: 'L', ...fields, End: true },
        { T: task({ End: true }) },
      ),
    }),
    { input: [0, 1, 2], tasks: { T: failOdd }, s3, random: () => 0 },
  )
  return { result, files: s3.files }
}

describe('ResultWriter', () => {
  const folder = 'out/00000000-0000-4000-8000-000000000000'

  it('writes the results and a manifest, and returns where it is', async () => {
    const { result, files } = await write(undefined)
    const arn = `arn:aws:states:local:000000000000:mapRun:local/L:${folder.slice(4)}`
    expect(result.output).toEqual({
      MapRunArn: arn,
      ResultWriterDetails: { Bucket: 'b', Key: `${folder}/manifest.json` },
    })
    const manifest = JSON.parse(files[`b/${folder}/manifest.json`] ?? '')
    expect(manifest).toEqual({
      DestinationBucket: 'b',
      MapRunArn: arn,
      ResultFiles: {
        FAILED: [{ Key: `${folder}/FAILED_0.json`, Size: expect.any(Number) }],
        PENDING: [],
        SUCCEEDED: [{ Key: `${folder}/SUCCEEDED_0.json`, Size: files[`b/${folder}/SUCCEEDED_0.json`]?.length }],
      },
    })
    const succeeded = JSON.parse(files[`b/${folder}/SUCCEEDED_0.json`] ?? '')
    expect(succeeded).toHaveLength(2)
    expect(succeeded[0]).toMatchObject({
      Status: 'SUCCEEDED',
      Input: '0',
      InputDetails: { Included: true },
      Output: '[0,0]',
      OutputDetails: { Included: true },
      StateMachineArn: 'arn:aws:states:local:000000000000:stateMachine:local/L',
    })
    const failed = JSON.parse(files[`b/${folder}/FAILED_0.json`] ?? '')
    expect(failed).toEqual([expect.objectContaining({ Status: 'FAILED', Error: 'Odd', Cause: 'odd 1' })])
  })

  it('writes bare outputs, flattened and as lines when told so', async () => {
    const { files } = await write({ Transformation: 'FLATTEN', OutputType: 'JSONL' })
    expect(files[`b/${folder}/SUCCEEDED_0.jsonl`]).toBe('0\n0\n2\n2\n')
    const compact = await write({ Transformation: 'COMPACT' })
    expect(compact.files[`b/${folder}/SUCCEEDED_0.json`]).toBe('[[0,0],[2,2]]')
  })

  it('writes what there is even when the Map fails', async () => {
    const { result, files } = await write(undefined, { ToleratedFailureCount: 0 })
    expect(result.error).toBe('States.ExceedToleratedFailureThreshold')
    expect(Object.keys(files)).toContain(`b/${folder}/FAILED_0.json`)
  })

  it('shapes the result without S3 when there is only a WriterConfig', async () => {
    const { result } = await run(
      machine({
        M: distributed(
          { ResultWriter: { WriterConfig: { Transformation: 'FLATTEN' } }, End: true },
          { T: task({ End: true }) },
        ),
      }),
      { input: [0, 2], tasks: { T: failOdd } },
    )
    expect(result.output).toEqual([0, 0, 2, 2])
  })

  it('fails with States.ResultWriterFailed when S3 refuses', async () => {
    const s3 = { ...memoryStore(), putObject: () => Promise.reject(new Error('denied')) }
    const { result } = await run(machine({ M: distributed({ ...writer(), End: true }, echo) }), { input: [1], s3 })
    expect(result.error).toBe('States.ResultWriterFailed')
    expect(result.cause).toContain('denied')
  })
})
