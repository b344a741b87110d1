/** What a deployment's stacks, schedules and topic say. Pure. */
import { counted } from '../words/counted.ts'
import type { Known } from './bucket-settings.ts'
import { type CheckName, type Finding, failed, passed, unchecked, warning } from './finding.ts'

export interface DeploymentState {
  /** `status` as CloudFormation has it; absent where there is no such stack. */
  stacks: Known<{ name: string; status?: string }[]>
  /** `enabled` absent where there is no such schedule. */
  schedules: Known<{ name: string; enabled?: boolean }[]>
  /** Of the topic that alarms and notices go to; absent without a stack that tells of it. */
  subscriptions?: Known<{ confirmed: boolean }[]>
}

export interface Intended {
  /** The deployment's name. */
  name: string
  /** Names of schedules that should fire. */
  enabled: readonly string[]
}

/** @param intended as the deployment's file has it */
export function deploymentFindings(state: DeploymentState, intended: Intended): Finding[] {
  return [stacksFinding(state, intended), schedulesFinding(state, intended), alarmsFinding(state)]
}

const wrong = (check: CheckName, message: string): Finding => failed(check, { name: 'DeploymentIncomplete', message })

function stacksFinding({ stacks }: DeploymentState, { name }: Intended): Finding {
  if ('unknown' in stacks) return unchecked('stacks', stacks.unknown)
  const deploy = `npx cdk deploy --all -c deployment=${name}`
  const missing = stacks.value.filter(({ status }) => status === undefined).map((stack) => stack.name)
  if (missing.length > 0) {
    return wrong(
      'stacks',
      `There is no stack ${missing.join(', ')} in this account and region. Check both, or deploy: ${deploy}.`,
    )
  }
  const said = stacks.value.map((stack) => `${stack.name} is ${stack.status}`).join(', ')
  const states = stacks.value.map(({ status = '' }) => status)
  if (states.some((status) => /FAILED$|^ROLLBACK_|^DELETE_/.test(status))) {
    return wrong('stacks', `${said}. See its events in CloudFormation, and deploy again: ${deploy}.`)
  }
  if (states.some((status) => !/^(CREATE|UPDATE|IMPORT)_COMPLETE$/.test(status))) {
    return warning('stacks', `${said}. The last change isn't in place, or isn't yet.`)
  }
  return passed('stacks', said)
}

function schedulesFinding({ schedules }: DeploymentState, { enabled, name }: Intended): Finding {
  if ('unknown' in schedules) return unchecked('schedules', schedules.unknown)
  if (enabled.length === 0) {
    return warning('schedules', 'The deployment has no schedule that is enabled, so only people start runs.')
  }
  const there = new Map(schedules.value.map((schedule) => [schedule.name, schedule.enabled]))
  const missing = enabled.filter((each) => there.get(each) === undefined)
  if (missing.length > 0) {
    const words = `${missing.join(', ')} ${missing.length === 1 ? "isn't" : "aren't"} there`
    return wrong('schedules', `${words}. Deploy again: npx cdk deploy --all -c deployment=${name}.`)
  }
  const off = enabled.filter((each) => there.get(each) === false)
  return off.length > 0
    ? wrong(
        'schedules',
        `Switched off, against the deployment's file: ${off.join(', ')}. Enable it in EventBridge Scheduler.`,
      )
    : passed('schedules', `${counted(enabled.length, 'schedule')} enabled`)
}

function alarmsFinding({ subscriptions }: DeploymentState): Finding {
  if (subscriptions === undefined) return unchecked('alarms', 'No stack tells of its topic.')
  if ('unknown' in subscriptions) return unchecked('alarms', subscriptions.unknown)
  const { value } = subscriptions
  const confirmed = value.filter((one) => one.confirmed).length
  const waiting = value.length - confirmed
  if (value.length === 0) {
    return wrong(
      'alarms',
      'Nobody subscribes to the topic, so nobody hears of a failure. Add notificationEmails to the deployment, or subscribe something to its FailureTopicArn.',
    )
  }
  if (confirmed === 0) {
    return wrong(
      'alarms',
      `Nobody hears of a failure: ${counted(waiting, 'subscription')} to be confirmed. Follow the link in the mail that AWS sent.`,
    )
  }
  return waiting > 0
    ? warning(
        'alarms',
        `${counted(confirmed, 'subscription')} confirmed, and ${waiting} not yet: the link is in the mail that AWS sent.`,
      )
    : passed('alarms', counted(confirmed, 'confirmed subscription'))
}
