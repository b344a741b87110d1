import { Choice, Condition, type IChainable } from 'aws-cdk-lib/aws-stepfunctions'
import type { Construct } from 'constructs'
import type { ExportFunctions } from '../export-functions.ts'
import { lambdaTask } from './lambda-task.ts'
import { leg } from './legs.ts'
import { rounds } from './rounds.ts'

interface DeliverFileProps {
  /** Every range is there; `$pace` says what it took. */
  delivered: IChainable
  onError: IChainable
  assignError: string
}

/**
 * Bring an archive's file to a node, in rounds: plan, deliver side by side, plan again, until each range is proved to lie
 * there. The mirror of Transfer artifact. Input: `{restore, execution, pace}`.
 */
export function deliverFile(
  scope: Construct,
  functions: ExportFunctions,
  { delivered, onError, assignError }: DeliverFileProps,
): IChainable {
  const deliver = leg(scope, 'Deliver in legs', deliverForAWhile(scope, functions)).addCatch(onError, {
    assign: { [assignError]: '{% $states.errorOutput %}' },
  })
  return deliver.next(
    Choice.jsonata(scope, 'Delivery ended?')
      .when(Condition.jsonata('{% $exists($states.input.error) %}'), onError, {
        assign: { [assignError]: '{% $states.input.error %}' },
      })
      .when(Condition.jsonata('{% $exists($states.input.done) %}'), delivered, {
        assign: { pace: '{% $states.input.pace %}' },
      })
      .otherwise(deliver),
  )
}

/** Rounds of delivery. Input: `{restore, execution, pace}`. */
function deliverForAWhile(scope: Construct, functions: ExportFunctions): IChainable {
  const its = { restore: '{% $leg.restore %}', execution: '{% $leg.execution %}' } as const
  return rounds(scope, {
    names: {
      takeUp: 'Take up delivery',
      question: 'What is to be brought next?',
      moveChunks: 'Deliver chunks',
      wait: 'Wait for a turn to deliver',
      broke: 'Delivery broke',
      chunkFailed: 'Delivery of chunk failed',
      failed: 'Delivery failed',
      gaveUp: 'Delivery given up',
      handOver: 'Deliver on in another leg',
      isThere: 'Every range is there',
    },
    plan: (round, behaviour) =>
      lambdaTask(scope, functions, 'PlanDelivery', { payload: { ...its, ...round }, ...behaviour }),
    move: (dealt, behaviour) =>
      lambdaTask(scope, functions, 'DeliverParts', { payload: { ...its, ...dealt }, ...behaviour }),
  })
}
