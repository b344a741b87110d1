import { readFile } from 'node:fs/promises'
import { Command } from 'commander'
import { DefinitionError } from './errors.ts'
import { KNOWN_DIFFERENCES } from './replay/known-differences.ts'
import { mockTasks, parseMocks } from './replay/mock-tasks.ts'
import { parseCases } from './replay/recording.ts'
import { replayCase } from './replay/replay.ts'
import { loadStateMachine, startExecution, VirtualClock } from './interpreter.ts'

const CASES_HELP = `
The file is a list of { "id", "definition", "histories" }, where each history is a list of events as GetExecutionHistory gives them.
Each case prints one JSON line: id, status, agrees, difference (null when it agrees), reconstructed (what the recording lacked and its
history gave back) and, for a difference that is known, known (the reason). The last line is {"cases":n,"agree":n,"differ":n}.
A case agrees when, for each of its histories, status, output or error and cause, and the order of states entered are equal.
Exit code 0 when every difference is a known one (local/asl/replay/known-differences.ts), else 1.`

const RUN_HELP = `
Runs on a virtual clock: a Wait of a day takes no time. Prints one JSON object: status, output or error and cause, states (in the order
entered), seconds (virtual) and events. Exit code 0 when the execution succeeded, 1 when it didn't, 2 when the definition is refused.

--tasks names a JSON file with the answers of each Task, by state name; a list answers attempt by attempt, and its last entry goes on:
  {
    "Start vzdump": { "return": { "Payload": { "jobRef": "1" } } },
    "Check vzdump": [ { "throw": { "error": "Throttled", "cause": "slow down" } },
                      { "return": { "Payload": { "done": true } }, "seconds": 90 } ]
  }
"seconds" is the virtual time the call takes. "return" is the whole result: what lambda:invoke returns has the function's answer in Payload.
A Task that has no answer there fails the run with a message that names it.
--objects names a JSON file with S3 objects for ItemReaders, by "bucket/key": { "archives/plan.json": [1, 2, 3] } (text, or JSON to be written out).`

async function readJson(path: string): Promise<unknown> {
  const value: unknown = JSON.parse(await readFile(path, 'utf8'))
  return value
}

async function runCases(path: string): Promise<number> {
  let agree = 0
  let unexplained = 0
  const cases = parseCases(await readJson(path))
  for (const recorded of cases) {
    const verdict = await replayCase(recorded)
    const known = verdict.agrees ? undefined : KNOWN_DIFFERENCES.get(recorded.id)
    console.log(JSON.stringify(known === undefined ? verdict : { ...verdict, known }))
    if (verdict.agrees) agree += 1
    else if (known === undefined) unexplained += 1
  }
  console.log(JSON.stringify({ cases: cases.length, agree, differ: cases.length - agree }))
  return unexplained === 0 ? 0 : 1
}

async function runOne(
  definitionPath: string,
  inputPath: string,
  options: { readonly tasks?: string; readonly objects?: string },
): Promise<number> {
  const clock = new VirtualClock()
  const started = clock.now()
  const machine = loadStateMachine(await readJson(definitionPath), { supports: () => true })
  const mocks = mockTasks(
    parseMocks(options.tasks === undefined ? {} : await readJson(options.tasks)),
    options.objects === undefined ? {} : await readJson(options.objects),
    clock,
    (message) => execution.stop('NoMock', message),
  )
  const states: string[] = []
  const execution = startExecution(machine, await readJson(inputPath), {
    clock,
    tasks: mocks.tasks,
    s3: mocks.store,
    onEvent: (event) => {
      const { name } = event.details
      if (event.type.endsWith('StateEntered') && typeof name === 'string') states.push(name)
    },
  })
  const result = await execution.result
  const seconds = (clock.now() - started) / 1000
  console.log(JSON.stringify({ ...result, states, seconds, events: execution.history.length }, undefined, 2))
  return result.status === 'SUCCEEDED' ? 0 : 1
}

const program = new Command('asl').description('Runs Step Functions definitions written in JSONata on this machine')
program
  .command('cases <cases.json>')
  .description("replays recorded executions and compares the interpreter with AWS's histories")
  .addHelpText('after', CASES_HELP)
  .action(async (path: string) => {
    process.exitCode = await runCases(path)
  })
program
  .command('run <definition.json> <input.json>')
  .description('runs one definition with mock tasks')
  .option('--tasks <mock.json>', 'answers of the Tasks')
  .option('--objects <objects.json>', 'S3 objects for ItemReaders')
  .addHelpText('after', RUN_HELP)
  .action(async (definition: string, input: string, options: { tasks?: string; objects?: string }) => {
    process.exitCode = await runOne(definition, input, options)
  })

try {
  await program.parseAsync()
} catch (error) {
  console.error(error instanceof Error ? error.message : String(error))
  process.exitCode = error instanceof DefinitionError ? 2 : 1
}
