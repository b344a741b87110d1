/** The doctor of a deployment, against an AWS that is played: none of this has met the real one. */
import { createServer, type IncomingMessage, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { Finding } from '../../../../functions/domain/doctor/finding.ts'
import { type Lab, startLab } from '../../../../local/labs/proxmox/lab.ts'
import { guestlift } from '../command-line.ts'
import { ownEnvironment } from '../own-environment.ts'

interface PlayedAccount {
  secret: string | undefined
  /** Status by name. */
  stacks: Record<string, string>
  schedules: Record<string, string>
  subscriptions: string[]
  /** Actions that are refused. */
  refused: string[]
}

const TOPIC = 'arn:aws:sns:eu-central-1:111122223333:Topic'
const confirmed = `${TOPIC}:8f6e`

let directory: string
let lab: Lab
let server: Server
let account: PlayedAccount
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'guestlift-doctor-aws-'))
  lab = await startLab({
    directory: join(directory, 'lab'),
    unauthorizedDelaySeconds: 0,
    guests: [{ vmid: 100, kind: 'lxc', name: 'db', dataBytes: 2 ** 16 }],
  })
  server = createServer((request, response) => {
    void answer(request).then(([status, body]) => response.writeHead(status).end(body))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
})
afterAll(async () => {
  await lab.close()
  await new Promise((resolve) => server.close(resolve))
  await rm(directory, { recursive: true, force: true })
})
beforeEach(() => {
  account = {
    secret: JSON.stringify(lab.site()),
    stacks: { 'guestlift-example-storage': 'CREATE_COMPLETE', 'guestlift-example-export': 'UPDATE_COMPLETE' },
    schedules: { nightly: 'ENABLED' },
    subscriptions: [confirmed],
    refused: [],
  }
})

async function answer(request: IncomingMessage): Promise<[number, string]> {
  let body = ''
  for await (const chunk of request) body += String(chunk)
  const form = new URLSearchParams(body)
  const target = String(request.headers['x-amz-target'] ?? '')
    .split('.')
    .at(-1)
  const schedule = /^\/schedules\/([^?]+)/.exec(request.url ?? '')?.[1]
  const action = form.get('Action') ?? (schedule === undefined ? (target ?? '') : 'GetSchedule')
  if (account.refused.includes(action)) return refusal(action)
  if (action === 'GetSecretValue') {
    return account.secret === undefined
      ? [400, JSON.stringify({ __type: 'ResourceNotFoundException' })]
      : [200, JSON.stringify({ SecretString: account.secret })]
  }
  if (action === 'GetSchedule') {
    const state = account.schedules[schedule ?? '']
    return state === undefined
      ? [404, JSON.stringify({ __type: 'ResourceNotFoundException', Message: 'Schedule does not exist.' })]
      : [200, JSON.stringify({ Name: schedule, State: state })]
  }
  if (action === 'DescribeStacks') return describeStacks(form.get('StackName') ?? '')
  const members = account.subscriptions.map(
    (arn) => `<member><SubscriptionArn>${arn}</SubscriptionArn><Protocol>email</Protocol></member>`,
  )
  return [200, result('ListSubscriptionsByTopic', `<Subscriptions>${members.join('')}</Subscriptions>`)]
}

const result = (action: string, inner: string) =>
  `<${action}Response><${action}Result>${inner}</${action}Result></${action}Response>`

function describeStacks(name: string): [number, string] {
  const status = account.stacks[name]
  if (status === undefined) return [400, xmlError('ValidationError', `Stack with id ${name} does not exist`)]
  const output = `<Outputs><member><OutputKey>FailureTopicArn</OutputKey><OutputValue>${TOPIC}</OutputValue></member></Outputs>`
  const stack = `<StackName>${name}</StackName><StackStatus>${status}</StackStatus>${output}`
  return [200, result('DescribeStacks', `<Stacks><member>${stack}</member></Stacks>`)]
}

const xmlError = (code: string, message: string) =>
  `<ErrorResponse><Error><Type>Sender</Type><Code>${code}</Code><Message>${message}</Message></Error></ErrorResponse>`

function refusal(action: string): [number, string] {
  const message = `User is not authorized to perform: ${action}`
  return action.startsWith('Get')
    ? [403, JSON.stringify({ __type: 'AccessDeniedException', Message: message })]
    : [403, xmlError('AccessDenied', message)]
}

async function doctor(
  settings?: object,
): Promise<{ code: number; out: string; wrong: Finding[]; of: (check: string) => unknown }> {
  const env = ownEnvironment(directory, {
    AWS_ENDPOINT_URL: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    AWS_REGION: 'eu-central-1',
  })
  const { code, out } = await guestlift(['doctor', '--deployment', 'example', '--json'], {
    env,
    ...(await folderWith(settings)),
  })
  const { findings } = JSON.parse(out) as { findings: Finding[] }
  const of = (check: string) => findings.find((finding) => finding.check === check)
  return { code, out, of, wrong: findings.filter(({ verdict }) => verdict === 'failed') }
}

async function folderWith(settings: object | undefined): Promise<{ cwd?: string }> {
  if (settings === undefined) return {}
  await writeFile(join(directory, 'guestlift.json'), JSON.stringify(settings))
  return { cwd: directory }
}

describe('guestlift doctor --deployment', () => {
  it('leaves the bucket of the settings alone, which is of other work', async () => {
    const { code, wrong, of } = await doctor({ bucket: 'elsewhere', s3: 'http://127.0.0.1:9', prefix: 'old/' })
    expect(wrong).toEqual([])
    expect(of('store')).toMatchObject({
      verdict: 'unchecked',
      message: expect.stringMatching(/leaves the bucket's name open\. Give it with --bucket/),
    })
    expect(code).toBe(0)
  })

  it('finds nothing wrong with a whole deployment, and shows nothing of the secret', async () => {
    const { code, out, wrong, of } = await doctor()
    expect(wrong).toEqual([])
    expect(code).toBe(0)
    expect(of('stacks')).toMatchObject({ verdict: 'passed' })
    // The example's one is switched off in its file.
    expect(of('schedules')).toMatchObject({
      verdict: 'warning',
      message: expect.stringMatching(/no schedule that is enabled/),
    })
    expect(of('alarms')).toMatchObject({ verdict: 'passed', message: '1 confirmed subscription' })
    expect(of('login')).toMatchObject({ verdict: 'passed' })
    expect(out).not.toContain(lab.token.secret)
    expect(out).not.toContain('PRIVATE KEY')
  })

  it.each<[string, () => void, Finding['check'], RegExp]>([
    [
      'a secret that is missing',
      () => (account.secret = undefined),
      'secret',
      /aws secretsmanager create-secret --name/,
    ],
    ['a secret that is no JSON', () => (account.secret = 'hunter2'), 'secret', /is not valid JSON/],
    [
      'a secret that is no site',
      () => (account.secret = '{"provider":"proxmox"}'),
      'secret',
      /is malformed: endpoints/,
    ],
    [
      'a stack that is missing',
      () => delete account.stacks['guestlift-example-export'],
      'stacks',
      /There is no stack guestlift-example-export .*cdk deploy --all -c deployment=example/,
    ],
    [
      'a stack whose update failed',
      () => (account.stacks['guestlift-example-export'] = 'UPDATE_FAILED'),
      'stacks',
      /is UPDATE_FAILED\. See its events/,
    ],
    [
      'a topic that nobody subscribes to',
      () => (account.subscriptions = []),
      'alarms',
      /nobody hears of a failure\. Add notificationEmails/,
    ],
    [
      'a subscription that nobody confirmed',
      () => (account.subscriptions = ['PendingConfirmation']),
      'alarms',
      /1 subscription to be confirmed\. Follow the link/,
    ],
  ])('finds %s', async (_name, spoil, check, words) => {
    spoil()
    const { code, wrong, out } = await doctor()
    expect(wrong.map((finding) => [finding.check, finding.message])).toEqual([[check, expect.stringMatching(words)]])
    expect(code).toBe(1)
    expect(out).not.toContain('hunter2')
  })

  it('says which right it lacks where it may not look, and fails nothing for it', async () => {
    account.refused = ['DescribeStacks', 'GetSchedule']
    const { code, of } = await doctor()
    expect(of('stacks')).toMatchObject({
      verdict: 'unchecked',
      message: expect.stringMatching(/cloudformation:DescribeStacks failed: AccessDenied/),
    })
    expect(of('schedules')).toMatchObject({
      verdict: 'unchecked',
      message: expect.stringMatching(/scheduler:GetSchedule failed/),
    })
    expect(of('alarms')).toMatchObject({ verdict: 'unchecked', message: 'No stack tells of its topic.' })
    expect(code).toBe(0)
  })
})
