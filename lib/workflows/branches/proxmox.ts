import { Choice, Condition, type IChainable, Wait, WaitTime } from 'aws-cdk-lib/aws-stepfunctions'
import type { Construct } from 'constructs'
import type { ExportFunctions } from '../../export-functions.ts'
import { lambdaTask } from '../lambda-task.ts'
import { patient, startOnce } from '../retry-policies.ts'

/**
 * What Proxmox VE needs before the copy: a vzdump job, started once and waited for.
 * Reads `$item` and `$backupCalls`; leaves `$startedAt`, `$artifacts`, `$verdict`, `$evidenceKey` and `$backupCalls`, the
 * calls that it took, to `archived`, the state that follows.
 */
export function proxmoxBranch(
  scope: Construct,
  functions: ExportFunctions,
  { archived, onError, assignError }: { archived: IChainable; onError: IChainable; assignError: string },
): IChainable {
  const start = lambdaTask(scope, functions, 'StartBackup', {
    payload: { item: '{% $item %}', execution: '{% $execution %}' },
    assign: counted,
    retry: startOnce,
    onError,
    assignError,
  })

  // One dump a node at a time. The function chooses each wait, which grows to 300 s, and gives up after days.
  const waitForTurn = Wait.jsonata(scope, 'Wait for a turn to dump', { time: WaitTime.seconds('{% $waitSeconds %}') })

  // The function chooses each wait (at most 300 s): a dump of 24 hours stays far below the history's 25,000 events.
  const wait = Wait.jsonata(scope, 'Wait for backup', { time: WaitTime.seconds('{% $waitSeconds %}') })

  const check = lambdaTask(scope, functions, 'CheckBackup', {
    payload: {
      item: '{% $item %}',
      execution: '{% $execution %}',
      jobRef: '{% $jobRef %}',
      startedAt: '{% $startedAt %}',
    },
    assign: counted,
    retry: patient,
    onError,
    assignError,
  })

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

  const done = Choice.jsonata(scope, 'Backup done?')
    .when(Condition.jsonata('{% $states.input.done %}'), locate.next(archived))
    .otherwise(wait)

  const begun = Choice.jsonata(scope, 'Backup begun?')
    .when(Condition.jsonata('{% $exists($states.input.jobRef) %}'), wait, {
      assign: {
        jobRef: '{% $states.input.jobRef %}',
        startedAt: '{% $states.input.startedAt %}',
        // The job may have left the storage open: from here on it is the one that the archive lands on.
        item: "{% $merge([$item, {'backup': $merge([$item.backup, {'storage': $states.input.storage}])}]) %}",
      },
    })
    .otherwise(waitForTurn.next(start))

  wait.next(check).next(done)
  return start.next(begun)
}

const counted = {
  waitSeconds: '{% $states.result.Payload.waitSeconds %}',
  backupCalls: '{% $backupCalls + 1 %}',
} as const
