import { setTimeout as delay } from 'node:timers/promises'
import { GetObjectCommand, type S3Client } from '@aws-sdk/client-s3'
import { paginateListStateMachines, type SFNClient, StartExecutionCommand } from '@aws-sdk/client-sfn'
import type { RunReport } from '../../../functions/contracts/report.ts'
import { type WorkflowKey, workflowNames } from '../../../lib/workflow-names.ts'
import {
  type ReportAnswer,
  type ReportingWorkflow,
  type ReportOf,
  type ReportShape,
  shapeOf,
  type ToldReport,
} from '../../run/report-shapes.ts'
import { fetchReport, type Patience, realPatience, type UnreadReport } from '../../run/read-report.ts'
import type { Display } from '../print/display.ts'
import { executionName } from './execution-name.ts'
import { followExecution } from './follow-execution.ts'
import { readHappenings, type SeenEvent } from './run-events.ts'
import { requireAccount } from '../../run/aws-account.ts'
import { CliError } from '../../run/cli-error.ts'

export interface DeployedRun {
  /** The execution's input: for Export run, the job. */
  job: unknown
  /** Export run unless told. */
  workflow?: WorkflowKey
  /** ARN of the workflow, or the name of the deployment that it belongs to. */
  stateMachineArn: string | undefined
  deployment: string
}

/** How a deployed execution ended: its report where it got far enough to write one, else what Step Functions says. */
export type DeployedEnd<Report = RunReport> =
  | ToldReport<Report>
  | UnreadReport
  | { report: undefined; status: string; error: string; cause: string }

export interface AwsClients {
  sfn: SFNClient
  s3: S3Client
}

/** Start a deployed workflow. Returns the execution's ARN. @throws CliError when there is no such state machine */
export async function startDeployed(
  { job, workflow = 'exportRun', stateMachineArn, deployment }: DeployedRun,
  sfn: SFNClient,
): Promise<string> {
  await requireAccount(sfn)
  const machine = stateMachineArn ?? (await findMachine(sfn, `guestlift-${deployment}-${workflowNames[workflow]}`))
  const { executionArn } = await sfn.send(
    new StartExecutionCommand({ stateMachineArn: machine, name: executionName('cli'), input: JSON.stringify(job) }),
  )
  if (executionArn === undefined) throw new CliError('Step Functions started no execution and gave no reason.')
  return executionArn
}

/**
 * Follow an execution of a workflow to its end. When `signal` fires, following ends and the execution goes on in AWS: it
 * cleans up after itself wherever this command has gone.
 */
export async function followDeployed<Workflow extends ReportingWorkflow>(
  workflow: Workflow,
  executionArn: string,
  { sfn, s3 }: AwsClients,
  display: Display,
  signal: AbortSignal,
  patience: Patience = realPatience((message) => display.say(message), signal),
): Promise<DeployedEnd<ReportOf<Workflow>>> {
  await requireAccount(sfn)
  const shape = shapeOf(workflow)
  const happeningsOf = readHappenings()
  let answer: ReportAnswer | undefined
  const onEvent = (event: SeenEvent) => {
    for (const happening of happeningsOf(event)) display.show(happening)
    if (event.execution === executionArn) answer = reportAnswer(event, shape) ?? answer
  }
  const sleep = (milliseconds: number, stop: AbortSignal) => delay(milliseconds, undefined, { signal: stop })
  const ended = await followExecution(executionArn, { client: sfn, sleep, onEvent }, signal)
  if (answer === undefined) {
    const { status = 'UNKNOWN', error = status, cause = 'Step Functions gave no cause.' } = ended
    return { report: undefined, status, error, cause }
  }
  const read = async (Bucket: string, Key: string) => {
    const { Body } = await s3.send(new GetObjectCommand({ Bucket, Key }))
    return (await Body?.transformToString()) ?? ''
  }
  return fetchReport(answer, shape, read, patience)
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

function reportAnswer<Report>(event: SeenEvent, { answer }: ReportShape<Report>) {
  if (event.type !== 'TaskSucceeded') return undefined
  const output = event.details['output']
  if (typeof output !== 'object' || output === null || !('Payload' in output)) return undefined
  return answer.safeParse(output.Payload).data
}
