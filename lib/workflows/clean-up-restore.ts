import { Choice, Condition, Fail, type IChainable, Pass, Succeed, Wait, WaitTime } from 'aws-cdk-lib/aws-stepfunctions'
import type { Construct } from 'constructs'
import type { ExportFunctions } from '../export-functions.ts'
import { lambdaTask } from './lambda-task.ts'
import { plainCause, rethrown } from './rethrown.ts'
import { patient } from './retry-policies.ts'

/** A function that was called just before the stop goes on to its end, or finds that it lost the id. */
const LET_FUNCTIONS_END_SECONDS = 90

/**
 * Finish a restore whose execution was stopped or ran out of time: no state of it runs any more. Input: `detail` of
 * EventBridge's event about it.
 */
export function cleanUpRestore(scope: Construct, functions: ExportFunctions): IChainable {
  const stopped = Fail.jsonata(scope, 'Clean-up of restore stopped', rethrown)

  const takeUp = Pass.jsonata(scope, 'Take up stopped restore', {
    assign: {
      restore: "{% {'id': $states.input.name, 'startedAt': $fromMillis($states.input.startDate)} %}",
      execution: '{% $states.input.executionArn %}',
      status: '{% $states.input.status %}',
    },
  })

  const finish = lambdaTask(scope, functions, 'FinishRestore', {
    payload: {
      restore: '{% $restore %}',
      execution: '{% $execution %}',
      error: `{% {'Error': 'ExecutionEnded', 'Cause': 'Its execution ended as ' & $status & ' while it was at work.'} %}`,
    },
    retry: patient,
    onError: stopped,
  })

  const settle = Wait.jsonata(scope, 'Let functions of restore end', {
    time: WaitTime.seconds(`{% ${LET_FUNCTIONS_END_SECONDS} %}`),
  })
  return takeUp
    .next(settle)
    .next(finish)
    .next(
      Choice.jsonata(scope, 'Was anything left?')
        .when(
          Condition.jsonata('{% $states.input.left = 0 %}'),
          Succeed.jsonata(scope, 'Restore cleaned up', { outputs: '{% $states.input.summary %}' }),
        )
        .otherwise(
          Fail.jsonata(scope, 'Something was left', {
            error: 'CleanUpIncomplete',
            cause: plainCause('$states.input.summary'),
          }),
        ),
    )
}
