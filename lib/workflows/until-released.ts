import { Choice, Condition, type IChainable, type INextable, Wait, WaitTime } from 'aws-cdk-lib/aws-stepfunctions'
import type { Construct } from 'constructs'
import type { Jsonata } from './lambda-task.ts'

/**
 * Ask a task again until what was made on the platform is removed. The task answers with `waitSeconds` while it isn't, and
 * gives up by itself. Reads `$waitedSeconds`, which is 0 before; the answer of the end is `done`'s input.
 */
export function untilReleased(
  scope: Construct,
  task: IChainable & INextable,
  { asked, waiting, done }: { asked: string; waiting: string; done: IChainable },
): void {
  const wait = Wait.jsonata(scope, waiting, { time: WaitTime.seconds('{% $releaseWait %}') })
  wait.next(task)
  task.next(
    Choice.jsonata(scope, asked)
      .when(Condition.jsonata('{% $exists($states.input.waitSeconds) %}'), wait, { assign: longer })
      .otherwise(done),
  )
}

/** For the payload of the task. */
export const waitedSeconds: Jsonata = '{% $waitedSeconds %}'

const longer = {
  releaseWait: '{% $states.input.waitSeconds %}',
  waitedSeconds: '{% $waitedSeconds + $states.input.waitSeconds %}',
} as const
