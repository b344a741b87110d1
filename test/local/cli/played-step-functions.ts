/** Step Functions and the S3 that holds a report, as a command that starts a deployment's workflow sees them. */
import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type Ended, guestlift } from './command-line.ts'

export interface PlayedStepFunctions {
  /** What was started, in order. */
  started: { stateMachineArn?: string; input?: string }[]
  /** How each execution ends. */
  ending: { status: string; error?: string; cause?: string }
  /** What the task that writes the report answers; without it, the execution ended before. */
  answer: object | undefined
  /** What lies in the bucket. */
  report: object
  /** Run a command of this deployment's; `env` over what it needs. */
  guestlift(words: readonly string[], env?: Readonly<Record<string, string | undefined>>): Promise<Ended>
  close(): Promise<void>
}

/** @param workflows of the deployment `prod`, by their part of the state machine's name */
export async function playStepFunctions(
  workflows: readonly string[],
  execution: string,
  { ending, answer, report }: Pick<PlayedStepFunctions, 'ending' | 'answer' | 'report'>,
): Promise<PlayedStepFunctions> {
  const server = createServer((request, response) => {
    // As S3 does: without a sign of it, a 200 might be a web page.
    if (request.method === 'GET') response.setHeader('etag', '"1"').setHeader('x-amz-request-id', '1')
    void play(request).then((body) => response.end(body))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const played: PlayedStepFunctions = {
    started: [],
    ending,
    answer,
    report,
    guestlift: (words, more = {}) => {
      const env = {
        ...process.env,
        AWS_ENDPOINT_URL: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
        AWS_REGION: 'us-east-1',
        AWS_CONFIG_FILE: '/dev/null',
        AWS_ACCESS_KEY_ID: 'a',
        AWS_SECRET_ACCESS_KEY: 'b',
        NO_COLOR: '1',
        ...more,
      }
      return guestlift(words, { env })
    },
    close: () => new Promise((resolve) => server.close(() => resolve())),
  }

  async function play(request: IncomingMessage): Promise<string> {
    if (request.method === 'GET') return JSON.stringify(played.report)
    let text = ''
    for await (const chunk of request) text += String(chunk)
    const calls: Record<string, () => object> = {
      ListStateMachines: () => ({
        stateMachines: workflows.map((name) => ({
          name: `guestlift-prod-${name}`,
          stateMachineArn: `arn:${name}`,
          type: 'STANDARD',
          creationDate: 0,
        })),
      }),
      StartExecution: () => {
        played.started.push(JSON.parse(text) as PlayedStepFunctions['started'][number])
        return { executionArn: execution, startDate: 0 }
      },
      DescribeExecution: () => ({ ...played.ending, executionArn: execution, startDate: 0 }),
      ListMapRuns: () => ({ mapRuns: [] }),
      GetExecutionHistory: () => ({ events: played.answer === undefined ? [] : [answered(played.answer)] }),
    }
    const call = calls[String(request.headers['x-amz-target']).split('.')[1] ?? '']
    return JSON.stringify(call?.() ?? {})
  }
  return played
}

function answered(answer: object): object {
  const output = JSON.stringify({ Payload: answer })
  return { id: 2, previousEventId: 1, type: 'TaskSucceeded', taskSucceededEventDetails: { output } }
}
