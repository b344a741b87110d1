import { Choice, Condition, type IChainable, Pass, Wait, WaitTime } from 'aws-cdk-lib/aws-stepfunctions'
import type { Construct } from 'constructs'
import type { ExportFunctions } from '../../export-functions.ts'
import { lambdaTask } from '../lambda-task.ts'
import { leg, legEnd, legIsFull, spentOnTask } from '../legs.ts'
import { patient, startOnce } from '../retry-policies.ts'

/**
 * What Proxmox VE needs before the copy: a vzdump job, started once and waited for, which may take days of queue and of
 * dump. Reads `$item` and `$execution`, and gets `{item, execution, backupCalls}` as input; leaves `$startedAt`,
 * `$artifacts`, `$verdict`, `$evidenceKey` and `$backupCalls`, the calls that it took, to `archived`, the state that
 * follows.
 */
export function proxmoxBranch(
  scope: Construct,
  functions: ExportFunctions,
  { archived, onError, assignError }: { archived: IChainable; onError: IChainable; assignError: string },
): IChainable {
  const locate = lambdaTask(scope, functions, 'LocateArchive', {
    payload: { item: '{% $item %}', jobRef: '{% $jobRef %}' },
    assign: {
      artifacts: '{% $states.result.Payload.artifacts %}',
      verdict: '{% $states.result.Payload.verdict %}',
      evidenceKey: '{% $states.result.Payload.evidenceKey %}',
    },
    retry: patient,
    onError,
    assignError,
  })

  const backUp = leg(scope, 'Back up in legs', backUpForAWhile(scope, functions)).addCatch(onError, {
    assign: { [assignError]: '{% $states.errorOutput %}' },
  })

  const ended = Choice.jsonata(scope, 'Backup ended?')
    .when(Condition.jsonata('{% $exists($states.input.error) %}'), onError, {
      assign: { [assignError]: '{% $states.input.error %}' },
    })
    .when(Condition.jsonata('{% $exists($states.input.done) %}'), locate, {
      assign: {
        // The job may have left the storage open: from here on it is the one that the archive lands on.
        item: '{% $states.input.item %}',
        jobRef: '{% $states.input.jobRef %}',
        startedAt: '{% $states.input.startedAt %}',
        backupCalls: '{% $states.input.backupCalls %}',
      },
    })
    .otherwise(backUp)

  locate.next(archived)
  return backUp.next(ended)
}

/**
 * Start the backup when its turn has come, and look at it until it has ended, for as long as a history holds.
 * Input: `{item, execution, backupCalls}`, and what an earlier leg added: `jobRef`, `startedAt`, `waitSeconds`. Output:
 * the same, with `done` or `error`, or to be gone on with.
 */
function backUpForAWhile(scope: Construct, functions: ExportFunctions): IChainable {
  const takeUp = Pass.jsonata(scope, 'Take up backup', {
    assign: {
      leg: '{% $states.input %}',
      calls: '{% $states.input.backupCalls %}',
      waitSeconds: '{% $exists($states.input.waitSeconds) ? $states.input.waitSeconds : 0 %}',
      spent: '{% 0 %}',
    },
  })

  const failed = legEnd(scope, 'Backup failed', "{% $merge([$leg, {'error': $states.input, 'backupCalls': $calls}]) %}")
  const handOver = legEnd(
    scope,
    'Go on in another leg',
    "{% $merge([$leg, {'waitSeconds': $waitSeconds, 'backupCalls': $calls}]) %}",
  )
  const isThere = legEnd(scope, 'Backup is there', "{% $merge([$leg, {'done': true, 'backupCalls': $calls}]) %}")

  const start = lambdaTask(scope, functions, 'StartBackup', {
    payload: { item: '{% $leg.item %}', execution: '{% $leg.execution %}' },
    assign: counted,
    retry: startOnce,
    onError: failed,
  })

  // One dump a node at a time. The function chooses each wait, which grows to 300 s, and gives up after days.
  const waitForTurn = Wait.jsonata(scope, 'Wait for a turn to dump', { time: WaitTime.seconds('{% $waitSeconds %}') })

  // The function chooses each wait (at most 300 s), and gives up after days.
  const wait = Wait.jsonata(scope, 'Wait for backup', { time: WaitTime.seconds('{% $waitSeconds %}') })

  const check = lambdaTask(scope, functions, 'CheckBackup', {
    payload: {
      item: '{% $leg.item %}',
      execution: '{% $leg.execution %}',
      jobRef: '{% $leg.jobRef %}',
      startedAt: '{% $leg.startedAt %}',
    },
    assign: counted,
    retry: patient,
    onError: failed,
  })

  const begun = Choice.jsonata(scope, 'Backup begun?')
    .when(Condition.jsonata('{% $exists($states.input.jobRef) %}'), wait, {
      assign: {
        leg: "{% $merge([$leg, {'jobRef': $states.input.jobRef, 'startedAt': $states.input.startedAt, 'item': $merge([$leg.item, {'backup': $merge([$leg.item.backup, {'storage': $states.input.storage}])}])}]) %}",
      },
    })
    .when(Condition.jsonata(legIsFull), handOver)
    .otherwise(waitForTurn)

  const done = Choice.jsonata(scope, 'Backup done?')
    .when(Condition.jsonata('{% $states.input.done %}'), isThere)
    .when(Condition.jsonata(legIsFull), handOver)
    .otherwise(wait)

  start.next(begun)
  waitForTurn.next(start)
  wait.next(check).next(done)
  return takeUp.next(
    Choice.jsonata(scope, 'How far is the backup?')
      .when(Condition.jsonata('{% $exists($leg.jobRef) %}'), wait)
      .when(Condition.jsonata('{% $exists($leg.waitSeconds) %}'), waitForTurn)
      .otherwise(start),
  )
}

const counted = {
  waitSeconds: '{% $states.result.Payload.waitSeconds %}',
  calls: '{% $calls + 1 %}',
  spent: spentOnTask,
} as const
