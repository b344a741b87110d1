import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { S3Client } from '@aws-sdk/client-s3'
import { SFNClient } from '@aws-sdk/client-sfn'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { RunReport } from '../../../../functions/contracts/report.ts'
import type { SweepReport } from '../../../../functions/contracts/sweep.ts'
import { followDeployed, startDeployed } from '../../../../local/cli/run/run-deployed.ts'
import { item } from '../../../fakes/ports.ts'

/** Answers Step Functions' calls from a script, and S3's one: the report. */
type Answers = Record<string, (input: Record<string, unknown>) => unknown>

const arn = 'arn:aws:states:eu-central-1:111122223333:execution:guestlift-example-export-run:cli'
const child = 'arn:aws:states:eu-central-1:111122223333:execution:guestlift-example-export-run/map:one'
const report: RunReport = {
  version: 1,
  runId: 'cli',
  site: 'hq',
  outcome: 'succeeded',
  summary: '1 of 1 guests archived, 0 failed, 0 skipped.',
  notes: [],
  startedAt: '2026-11-22T02:00:00.000Z',
  endedAt: '2026-11-22T02:10:00.000Z',
  guests: [],
}
const reportAnswer = {
  Payload: {
    outcome: 'succeeded',
    summary: report.summary,
    bucket: 'archives',
    reportKey: 'runs/r/report.json',
    succeeded: 1,
    failed: 0,
    skipped: 0,
  },
}

const history = [
  { id: 1, previousEventId: 0, type: 'ExecutionStarted', executionStartedEventDetails: { input: '{}' } },
  { id: 2, previousEventId: 1, type: 'TaskStateEntered', stateEnteredEventDetails: { name: 'Report run' } },
  {
    id: 3,
    previousEventId: 2,
    type: 'TaskSucceeded',
    taskSucceededEventDetails: { output: JSON.stringify(reportAnswer) },
  },
]
const childHistory = [
  {
    id: 1,
    previousEventId: 0,
    type: 'ExecutionStarted',
    executionStartedEventDetails: { input: JSON.stringify(item) },
  },
  { id: 2, previousEventId: 1, type: 'TaskStateEntered', stateEnteredEventDetails: { name: 'Start backup' } },
]

let server: Server
let answers: Answers
let started: Record<string, unknown>[]
let said: string[]
/** What the bucket holds as the report. */
let kept: unknown
/** S3 gives nothing. */
let refused: boolean
const credentials = { accessKeyId: 'a', secretAccessKey: 'b' }

beforeEach(async () => {
  started = []
  said = []
  kept = report
  refused = false
  answers = {
    ListStateMachines: () => ({
      stateMachines: [
        { name: 'guestlift-example-sweep-uploads', stateMachineArn: 'arn:sweep', type: 'STANDARD', creationDate: 0 },
        { name: 'guestlift-example-export-run', stateMachineArn: 'arn:machine', type: 'STANDARD', creationDate: 0 },
      ],
    }),
    StartExecution: (input) => {
      started.push(input)
      return { executionArn: arn, startDate: 0 }
    },
    DescribeExecution: () => ({ status: 'SUCCEEDED', executionArn: arn, startDate: 0 }),
    ListMapRuns: () => ({
      mapRuns: [{ mapRunArn: 'arn:map', executionArn: arn, stateMachineArn: 'arn:machine', startDate: 0 }],
    }),
    ListExecutions: () => ({ executions: [{ executionArn: child, name: 'one', status: 'RUNNING', startDate: 0 }] }),
    GetExecutionHistory: ({ executionArn }) => ({
      events: [...(executionArn === child ? childHistory : history)].reverse(),
    }),
  }
  server = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      const action = String(request.headers['x-amz-target'] ?? '').split('.')[1]
      if (action === undefined) return void response.writeHead(refused ? 403 : 200).end(JSON.stringify(kept))
      response.setHeader('content-type', 'application/x-amz-json-1.0')
      response.end(JSON.stringify(answers[action]?.(JSON.parse(Buffer.concat(chunks).toString())) ?? {}))
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
})
afterEach(() => new Promise((resolve) => server.close(resolve)))

function clientsAndDisplay() {
  const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const options = { endpoint, region: 'eu-central-1', credentials }
  const display = {
    show: (happening: object) => said.push(JSON.stringify(happening)),
    say: (line: string) => said.push(line),
    end: () => undefined,
  }
  return { clients: { sfn: new SFNClient(options), s3: new S3Client({ ...options, forcePathStyle: true }) }, display }
}

async function run(deployment = 'example', signal = new AbortController().signal) {
  const { clients, display } = clientsAndDisplay()
  const job = { site: 'hq', guests: { vmids: [100] } }
  const executionArn = await startDeployed({ job, stateMachineArn: undefined, deployment }, clients.sfn)
  return followDeployed('exportRun', executionArn, clients, display, signal)
}

describe('a deployed run', () => {
  it("starts the deployment's machine with the job and reads the report from the bucket", async () => {
    await expect(run()).resolves.toEqual({ report, bucket: 'archives', reportKey: 'runs/r/report.json' })
    expect(started).toMatchObject([{ stateMachineArn: 'arn:machine', input: '{"site":"hq","guests":{"vmids":[100]}}' }])
    expect(started[0]?.['name']).toMatch(/^[A-Za-z0-9-]{1,80}$/)
  })

  it('shows the guests that run', async () => {
    await run()
    expect(said).toContain('{"kind":"guest-step","id":"100","name":"web","step":"Start backup"}')
  })

  it('says what Step Functions says when the run never reached its report', async () => {
    answers['GetExecutionHistory'] = () => ({ events: [] })
    answers['DescribeExecution'] = () => ({
      status: 'FAILED',
      error: 'CredentialsRejected',
      cause: 'wrong',
      executionArn: arn,
      startDate: 0,
    })
    await expect(run()).resolves.toEqual({
      report: undefined,
      status: 'FAILED',
      error: 'CredentialsRejected',
      cause: 'wrong',
    })
  })

  it('says what the execution answered where S3 refuses the report to the very end', async () => {
    refused = true
    let now = 0
    const patience = {
      now: () => now,
      sleep: async (milliseconds: number) => void (now += milliseconds),
      onWait: (message: string) => said.push(message),
      signal: new AbortController().signal,
    }
    const { clients, display } = clientsAndDisplay()
    const following = followDeployed('exportRun', arn, clients, display, patience.signal, patience)
    await expect(following).resolves.toMatchObject({
      report: undefined,
      outcome: 'succeeded',
      summary: report.summary,
      unread: expect.stringMatching(/^The report s3:\/\/archives\/runs\/r\/report\.json could not be read: /),
    })
    expect(said.filter((line) => line.startsWith('Everything is done'))).toHaveLength(1)
  })

  it('says how to name the machine when there is none', async () => {
    await expect(run('other')).rejects.toThrow(/no state machine guestlift-other-export-run.*--state-machine/)
  })

  it('stops following when told to, and leaves the run alone', async () => {
    answers['DescribeExecution'] = () => ({ status: 'RUNNING', executionArn: arn, startDate: 0 })
    const controller = new AbortController()
    const following = run('example', controller.signal)
    setTimeout(() => controller.abort(), 500)
    await expect(following).rejects.toMatchObject({ name: 'AbortError' })
  })
})

describe('a deployed sweep', () => {
  const totals = {
    outcome: 'partial' as const,
    summary: 'Dropped nothing; kept none. 1 upload could not be swept: the report says why.',
    kept: 0,
    dropped: 0,
    failed: 1,
    droppedBytes: 0,
    costDollars: 0,
    left: 0,
    removedRecords: 0,
  }
  const sweepReport: SweepReport = {
    version: 1,
    sweepId: 'cli',
    ...totals,
    startedAt: '2026-11-22T02:00:00.000Z',
    endedAt: '2026-11-22T02:00:09.000Z',
    dryRun: true,
    uploads: [],
    foreignUploads: 0,
    price: { dollarsPerGiBMonth: 0.023, source: 'somewhere' },
  }
  const place = { bucket: 'archives', reportKey: 'sweeps/2026/11/22/cli.json' }

  async function sweep() {
    const { clients, display } = clientsAndDisplay()
    const executionArn = await startDeployed(
      { job: { dryRun: true }, workflow: 'sweepUploads', stateMachineArn: undefined, deployment: 'example' },
      clients.sfn,
    )
    return followDeployed('sweepUploads', executionArn, clients, display, new AbortController().signal)
  }

  it("starts the deployment's sweep and reads its report, also when the execution failed over an upload", async () => {
    kept = sweepReport
    answers['DescribeExecution'] = () => ({
      status: 'FAILED',
      error: 'SweepIncomplete',
      executionArn: arn,
      startDate: 0,
    })
    answers['GetExecutionHistory'] = () => ({
      events: [
        {
          id: 3,
          previousEventId: 2,
          type: 'TaskSucceeded',
          taskSucceededEventDetails: { output: JSON.stringify({ Payload: { ...totals, ...place } }) },
        },
        { id: 2, previousEventId: 1, type: 'TaskStateEntered', stateEnteredEventDetails: { name: 'Sweep uploads' } },
      ],
    })
    await expect(sweep()).resolves.toEqual({ report: sweepReport, ...place })
    expect(started).toMatchObject([{ stateMachineArn: 'arn:sweep', input: '{"dryRun":true}' }])
    expect(said).toContain('{"kind":"run-step","step":"Sweep uploads"}')
  })

  it('says what Step Functions says when the sweep never reached its report', async () => {
    answers['DescribeExecution'] = () => ({ status: 'TIMED_OUT', executionArn: arn, startDate: 0 })
    answers['GetExecutionHistory'] = () => ({ events: [] })
    await expect(sweep()).resolves.toMatchObject({ report: undefined, error: 'TIMED_OUT' })
  })
})
