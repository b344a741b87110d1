/**
 * Loops that may go round for weeks. Step Functions ends an execution at its 25,000th event, and no Catch runs then: so
 * such a loop runs in legs, each a child execution with a history of its own. A leg counts what it records, retries
 * included, and hands over to the next before its history can fill.
 */
import { DistributedMap, type IChainable, ProvideItems, StateMachineType, Succeed } from 'aws-cdk-lib/aws-stepfunctions'
import type { Construct } from 'constructs'
import type { Jsonata } from './lambda-task.ts'

/**
 * A leg that has recorded this many hands over. One more step adds 7,400 at most (a round of 40 streams, each refused 56
 * times), which leaves a fifth of the quota to spare.
 */
export const LEG_EVENTS = 12_000

/** Of each kind of state: entered, exited, and what a task or a Map records in between. */
const events = { wait: 2, choice: 2, task: 5, map: 4, iteration: 2, retry: 3 }

/** Retries of the task whose fields this stands in. */
const retries = '$states.context.State.RetryCount'

/** `spent` after a task, with the question and the wait that follow it. */
export const spentOnTask: Jsonata = `{% $spent + ${events.task + events.choice + events.wait} + ${events.retry} * ${retries} %}`

/** `spent` after an inline Map of one task each, whose results tell their `retries`. A caught error adds a state. */
export const spentOnMap: Jsonata = `{% $spent + ${events.map} + $sum([0, $states.result.(${events.iteration + events.task + events.wait} + ${events.retry} * ($exists(retries) ? retries : 0))]) %}`

/** For a result of `spentOnMap`. */
export const retriesOfTask = retries

/** The leg has recorded enough. */
export const legIsFull: Jsonata = `{% $spent >= ${LEG_EVENTS} %}`

/**
 * The state that runs one leg. Its input is the leg's, unless told; its output what the leg ended with; what `story` begins with reads
 * the former as `$states.input`, and each end of it is a `legEnd`: an error leaves a distributed Map under its own name
 * only as output.
 * @param input a list of one: children of a distributed Map see no variable of their parent
 */
export function leg(
  scope: Construct,
  name: string,
  story: IChainable,
  input: Jsonata = '{% [$states.input] %}',
): DistributedMap {
  return DistributedMap.jsonata(scope, name, {
    mapExecutionType: StateMachineType.STANDARD,
    maxConcurrency: 1,
    items: ProvideItems.jsonata(input),
    outputs: '{% $states.result[0] %}',
  }).itemProcessor(story)
}

/** An end of a leg. `output` is what the next leg begins with, or what the workflow goes on with. */
export function legEnd(scope: Construct, name: string, output: Jsonata): Succeed {
  return Succeed.jsonata(scope, name, { outputs: output })
}
