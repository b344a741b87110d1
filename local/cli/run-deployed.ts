import { setTimeout as delay } from 'node:timers/promises'
import { GetObjectCommand, type S3Client } from '@aws-sdk/client-s3'
import {
  type DescribeExecutionCommandOutput,
  paginateListStateMachines,
  type SFNClient,
  StartExecutionCommand,
} from '@aws-sdk/client-sfn'
import { type RunReport, runReportSchema } from '../../functions/contracts/report.ts'
import { tasks } from '../../functions/contracts/tasks.ts'
import type { Display } from './display.ts'
import { executionName } from './execution-name.ts'
import { followExecution } from './follow-execution.ts'
import { readHappenings, type SeenEvent } from './happenings.ts'
import { CliError } from './cli-error.ts'

export interface DeployedRun {
  job: unknown
  /** ARN of Export run, or the name of the deployment that it belongs to. */
  stateMachineArn: string | undefined
  deployment: string
}

/** How a deployed run ended: its report where it got far enough to write one, else what Step Functions says. */
export type DeployedEnd =
  | { report: RunReport; bucket: string }
  | { report: undefined; status: string; error: string; cause: string }

export interface AwsClients {
  sfn: SFNClient
  s3: S3Client
}

/** Start the deployed Export run. Returns the execution's ARN. @throws CliError when there is no such state machine */
export async function startDeployed(
  { job, stateMachineArn, deployment }: DeployedRun,
  sfn: SFNClient,
): Promise<string> {
  const machine = stateMachineArn ?? (await findMachine(sfn, `guestlift-${deployment}-export-run`))
  const { executionArn } = await sfn.send(
    new StartExecutionCommand({ stateMachineArn: machine, name: executionName('cli'), input: JSON.stringify(job) }),
  )
  if (executionArn === undefined) throw new CliError('Step Functions started no execution and gave no reason.')
  return executionArn
}

/**
 * Follow an execution of Export run to its end. When `signal` fires, following ends and the run goes on in AWS: it
 * cleans up after itself wherever this command has gone.
 */
export async function followDeployed(
  executionArn: string,
  { sfn, s3 }: AwsClients,
  display: Display,
  signal: AbortSignal,
): Promise<DeployedEnd> {
  const happeningsOf = readHappenings()
  let reportAnswer: unknown
  const onEvent = (event: SeenEvent) => {
    for (const happening of happeningsOf(event)) display.show(happening)
    if (event.execution === executionArn) reportAnswer = reportOutput(event) ?? reportAnswer
  }
  const sleep = (milliseconds: number, stop: AbortSignal) => delay(milliseconds, undefined, { signal: stop })
  const ended = await followExecution(executionArn, { client: sfn, sleep, onEvent }, signal)
  return readEnd(ended, reportAnswer, s3)
}

async function findMachine(sfn: SFNClient, name: string): Promise<string> {
  for await (const page of paginateListStateMachines({ client: sfn }, {})) {
    const found = page.stateMachines?.find((machine) => machine.name === name)
    if (found?.stateMachineArn !== undefined) return found.stateMachineArn
  }
  throw new CliError(
    `There is no state machine ${name} in this account and region. Deploy first, name another deployment with ` +
      '--deployment, or give its ARN with --state-machine. For a run on this machine add --local.',
  )
}

function reportOutput(event: SeenEvent): unknown {
  if (event.type !== 'TaskSucceeded') return undefined
  const output = event.details['output']
  if (typeof output !== 'object' || output === null || !('Payload' in output)) return undefined
  return tasks.ReportRun.output.safeParse(output.Payload).data
}

async function readEnd(ended: DescribeExecutionCommandOutput, answer: unknown, s3: S3Client): Promise<DeployedEnd> {
  const told = tasks.ReportRun.output.safeParse(answer).data
  if (told === undefined) {
    const { status = 'UNKNOWN', error = status, cause = 'Step Functions gave no cause.' } = ended
    return { report: undefined, status, error, cause }
  }
  const { Body } = await s3.send(new GetObjectCommand({ Bucket: told.bucket, Key: told.reportKey }))
  const report = runReportSchema.parse(JSON.parse((await Body?.transformToString()) ?? 'null'))
  return { report, bucket: told.bucket }
}
