import type { CloudFormationClient, Stack } from '@aws-sdk/client-cloudformation'
import { requestHandler } from '../../../functions/aws-api/request-handler.ts'
import type { Known } from '../../../functions/domain/doctor/bucket-settings.ts'
import type { DeploymentState } from '../../../functions/domain/doctor/judge-deployment.ts'
import { sentence } from '../../../functions/domain/words/sentence.ts'
import type { Deployment } from '../../../lib/deployment-config.ts'
import { requireAccount } from '../../run/aws-account.ts'

/** Two tries of a few seconds: a person waits. */
const TRIES = 2
const SOCKET_MILLISECONDS = 4_000

/**
 * Ask AWS what is deployed, with the caller's own rights, and change nothing. Clients are loaded here alone.
 * @throws CliError where no credentials are set
 */
export async function readDeploymentState(deployment: Deployment): Promise<DeploymentState> {
  const { CloudFormationClient } = await import('@aws-sdk/client-cloudformation')
  const settings = settingsOf(deployment)
  const client = new CloudFormationClient(settings)
  try {
    await requireAccount(client)
    const names = (deployment.bucket.existing === undefined ? ['storage', 'export'] : ['export']).map(
      (part) => `guestlift-${deployment.name}-${part}`,
    )
    const found = await known('cloudformation:DescribeStacks', () =>
      Promise.all(names.map(async (name) => ({ name, stack: await stackNamed(name, client) }))),
    )
    const topic = 'value' in found ? outputOf(found.value, 'FailureTopicArn') : undefined
    const stacks =
      'unknown' in found
        ? found
        : {
            value: found.value.map(({ name, stack }) => ({
              name,
              ...(stack?.StackStatus === undefined ? {} : { status: stack.StackStatus }),
            })),
          }
    const schedules = await schedulesOf(deployment)
    return {
      stacks,
      schedules,
      ...(topic === undefined ? {} : { subscriptions: await subscriptionsOf(topic, deployment) }),
    }
  } finally {
    client.destroy()
  }
}

function settingsOf({ region }: Deployment) {
  return {
    requestHandler: requestHandler({ socketTimeout: SOCKET_MILLISECONDS }),
    maxAttempts: TRIES,
    ...(region === undefined ? {} : { region }),
  }
}

async function stackNamed(name: string, client: CloudFormationClient): Promise<Stack | undefined> {
  const { DescribeStacksCommand } = await import('@aws-sdk/client-cloudformation')
  try {
    return (await client.send(new DescribeStacksCommand({ StackName: name }))).Stacks?.[0]
  } catch (error) {
    // CloudFormation's word for what isn't there is a ValidationError.
    if (error instanceof Error && /does not exist/.test(error.message)) return undefined
    throw error
  }
}

function outputOf(found: readonly { stack: Stack | undefined }[], key: string): string | undefined {
  return found.flatMap(({ stack }) => stack?.Outputs ?? []).find(({ OutputKey }) => OutputKey === key)?.OutputValue
}

async function schedulesOf(deployment: Deployment): Promise<DeploymentState['schedules']> {
  const { GetScheduleCommand, SchedulerClient } = await import('@aws-sdk/client-scheduler')
  const client = new SchedulerClient(settingsOf(deployment))
  const GroupName = `guestlift-${deployment.name}`
  try {
    return await known('scheduler:GetSchedule', () =>
      Promise.all(
        deployment.schedules.map(async ({ name }) => {
          try {
            const { State } = await client.send(new GetScheduleCommand({ GroupName, Name: name }))
            return { name, enabled: State !== 'DISABLED' }
          } catch (error) {
            if (error instanceof Error && error.name === 'ResourceNotFoundException') return { name }
            throw error
          }
        }),
      ),
    )
  } finally {
    client.destroy()
  }
}

async function subscriptionsOf(
  topic: string,
  deployment: Deployment,
): Promise<NonNullable<DeploymentState['subscriptions']>> {
  const { paginateListSubscriptionsByTopic, SNSClient } = await import('@aws-sdk/client-sns')
  const client = new SNSClient(settingsOf(deployment))
  try {
    return await known('sns:ListSubscriptionsByTopic', async () => {
      const all: { confirmed: boolean }[] = []
      for await (const { Subscriptions = [] } of paginateListSubscriptionsByTopic({ client }, { TopicArn: topic })) {
        all.push(
          ...Subscriptions.map(({ SubscriptionArn = '' }) => ({ confirmed: SubscriptionArn.startsWith('arn:') })),
        )
      }
      return all
    })
  } finally {
    client.destroy()
  }
}

/** @param action the right that it takes, for people who lack it */
async function known<Value>(action: string, ask: () => Promise<Value>): Promise<Known<Value>> {
  try {
    return { value: await ask() }
  } catch (error) {
    const why = error instanceof Error ? `${error.name}: ${error.message}` : String(error)
    return { unknown: `Not known, since ${action} failed: ${sentence(why)}` }
  }
}
