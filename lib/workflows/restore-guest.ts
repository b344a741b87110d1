import { Duration } from 'aws-cdk-lib'
import { Choice, Condition, Fail, type IChainable, Pass, Succeed } from 'aws-cdk-lib/aws-stepfunctions'
import type { Construct } from 'constructs'
import type { ExportFunctions } from '../export-functions.ts'
import { askInLegs } from './ask-in-legs.ts'
import { deliverFile } from './deliver-file.ts'
import { lambdaTask } from './lambda-task.ts'
import { plainCause, rethrown } from './rethrown.ts'
import { createOnce, ordinary, patient } from './retry-policies.ts'

/** Thawing, delivery and the platform's own work each end by themselves; only what is stuck meets this limit. */
export const LONGEST_RESTORE = Duration.days(23)

/** Shown in the console beside the workflow: what a person types to see what a restore would do. */
export const sampleRestore = { archive: 'hq/vm-100', site: 'hq', id: '9100' }

/**
 * Bring one guest back from an archive. Input: a request, `{archive, site}` at least; without `confirm` it is a dry run that
 * reports what would be done. Every ending passes Finish restore, which removes what lies on the platform and reports.
 */
export function restoreGuest(scope: Construct, functions: ExportFunctions): IChainable {
  const stopped = Fail.jsonata(scope, 'Restore stopped', rethrown)

  const finish = lambdaTask(scope, functions, 'FinishRestore', {
    payload: { restore: '{% $restore %}', execution: '{% $execution %}', error: '{% $error %}' },
    retry: ordinary,
    onError: stopped,
  })
  const finishAfter = { onError: finish, assignError: 'error' }
  const its = { restore: '{% $restore %}', execution: '{% $execution %}' } as const

  const plan = lambdaTask(scope, functions, 'PlanRestore', {
    payload: {
      restoreId: '{% $states.context.Execution.Name %}',
      startedAt: '{% $states.context.Execution.StartTime %}',
      request: '{% $states.input %}',
    },
    assign: {
      restore: '{% $states.result.Payload.restore %}',
      confirmed: '{% $states.result.Payload.confirmed %}',
      drill: '{% $states.result.Payload.drill %}',
      execution: '{% $states.context.Execution.Id %}',
      error: '{% null %}',
    },
    retry: ordinary,
    onError: stopped,
  })

  const checkTarget = lambdaTask(scope, functions, 'CheckTarget', { payload: its, retry: ordinary, ...finishAfter })

  const thaw = askInLegs(scope, functions, 'ThawArchive', {
    noun: 'thaw',
    isDone: '{% $exists($states.input.readable) %}',
    // Hours have passed: the target may be another by now.
    done: checkTarget,
    ...finishAfter,
  })

  const probe = lambdaTask(scope, functions, 'ProbeGuest', { payload: its, retry: patient, ...finishAfter })
  const compare = lambdaTask(scope, functions, 'CompareGuest', { payload: its, retry: patient, ...finishAfter })

  const check = askInLegs(scope, functions, 'CheckRestore', {
    noun: 'guest',
    isDone: '{% $states.input.done %}',
    done: compare,
    ...finishAfter,
  })

  const create = lambdaTask(scope, functions, 'CreateGuest', { payload: its, retry: createOnce, ...finishAfter })
  create.next(check)

  const finishDelivery = lambdaTask(scope, functions, 'FinishDelivery', {
    payload: { ...its, bytesSent: '{% $pace.bytesSent %}' },
    retry: patient,
    ...finishAfter,
  })
  finishDelivery.next(create)

  const fetching = askInLegs(scope, functions, 'FetchDisks', {
    noun: 'fetching',
    isDone: '{% $states.input.done %}',
    done: create,
    ...finishAfter,
  })
  const unpacking = askInLegs(scope, functions, 'UnpackDisks', {
    noun: 'unpacking',
    isDone: '{% $states.input.done %}',
    done: fetching,
    ...finishAfter,
  })

  const deliver = deliverFile(scope, functions, { delivered: finishDelivery, ...finishAfter })

  compare.next(
    Choice.jsonata(scope, 'Is it a drill?')
      .when(Condition.jsonata('{% $drill %}'), probe.next(finish))
      .otherwise(finish),
  )
  checkTarget.next(
    Choice.jsonata(scope, 'Is it meant?')
      .when(Condition.jsonata('{% $not($confirmed) %}'), finish)
      .when(Condition.jsonata('{% $states.input.frozen %}'), thaw)
      .when(Condition.jsonata('{% $states.input.imports %}'), unpacking)
      .otherwise(
        Pass.jsonata(scope, 'Begin delivery', {
          assign: { pace: "{% {'bytesSent': 0, 'work': {}} %}" },
          outputs: "{% {'restore': $restore, 'execution': $execution, 'pace': {'bytesSent': 0, 'work': {}}} %}",
        }).next(deliver),
      ),
  )
  finish.next(
    Choice.jsonata(scope, 'How did it go?')
      .when(
        Condition.jsonata("{% $states.input.outcome = 'succeeded' %}"),
        Succeed.jsonata(scope, 'Guest restored', { outputs: '{% $states.input %}' }),
      )
      .when(
        Condition.jsonata('{% $drill %}'),
        Fail.jsonata(scope, 'Rehearsal failed', { error: 'DrillFailed', cause: plainCause('$states.input.summary') }),
      )
      .when(
        Condition.jsonata("{% $states.input.outcome = 'partial' %}"),
        Fail.jsonata(scope, 'Restored, but not as archived', {
          error: 'RestoredOtherwise',
          cause: plainCause('$states.input.summary'),
        }),
      )
      .otherwise(
        Fail.jsonata(scope, 'Guest not restored', {
          error: "{% $error = null ? 'RestoreRefused' : $error.Error %}",
          cause: plainCause('$states.input.summary'),
        }),
      ),
  )
  return plan.next(checkTarget)
}
