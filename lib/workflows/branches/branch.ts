import { Choice, Condition, type IChainable, Pass, Wait, WaitTime } from 'aws-cdk-lib/aws-stepfunctions'
import type { Construct } from 'constructs'
import type { ExportFunctions } from '../../export-functions.ts'
import { lambdaTask } from '../lambda-task.ts'
import { leg, legEnd, legIsFull, spentOnTask } from '../legs.ts'
import { patient, startOnce } from '../retry-policies.ts'

/** Where a branch goes on. */
export interface BranchExits {
  /** Copy each of `$artifacts` into the bucket. */
  copy: IChainable
  /** Everything is in the bucket, as `$stored` says. */
  committed: IChainable
  /** Whatever fails; the error is in the variable `assignError`. */
  onError: IChainable
  assignError: string
}

/**
 * What a platform needs before the copy. Reads `$item` and `$execution`, and gets `{item, execution, backupCalls}` as
 * input. Leaves `$startedAt`, `$artifacts`, `$verdict`, `$evidenceKey` and `$backupCalls`, the calls that it took, to
 * `copy`; and `$stored` besides to `committed`, where the platform wrote the archive itself.
 */
export type Branch = (scope: Construct, functions: ExportFunctions, exits: BranchExits) => IChainable

/**
 * The platform's own words: `start` names the state that begins ("Start vzdump", "Create snapshots"), `noun` what is waited
 * for ("vzdump", "snapshots"). State names are unique within a workflow, so each branch has other ones.
 */
export interface BranchWords {
  start: string
  noun: string
}

/** A backup that is started once and waited for, which may take days: the part that platforms have in common. */
export function startAndWait(words: BranchWords): Branch {
  const { noun } = words
  const Noun = capital(noun)
  return (scope, functions, { copy, committed, onError, assignError }) => {
    const locate = lambdaTask(scope, functions, 'LocateArchive', {
      name: `Locate archive of ${noun}`,
      payload: { item: '{% $item %}', jobRef: '{% $jobRef %}', storage: '{% $storage %}' },
      assign: {
        artifacts: '{% $states.result.Payload.artifacts %}',
        verdict: '{% $states.result.Payload.verdict %}',
        evidenceKey: '{% $states.result.Payload.evidenceKey %}',
        stored: '{% $exists($states.result.Payload.stored) ? $states.result.Payload.stored : [] %}',
      },
      retry: patient,
      onError,
      assignError,
    })

    const backUp = leg(scope, `${Noun} in legs`, startAndWaitForAWhile(scope, functions, words)).addCatch(onError, {
      assign: { [assignError]: '{% $states.errorOutput %}' },
    })

    const ended = Choice.jsonata(scope, `${Noun} ended?`)
      .when(Condition.jsonata('{% $exists($states.input.error) %}'), onError, {
        assign: { [assignError]: '{% $states.input.error %}' },
      })
      .when(Condition.jsonata('{% $exists($states.input.done) %}'), locate, {
        assign: {
          jobRef: '{% $states.input.jobRef %}',
          startedAt: '{% $states.input.startedAt %}',
          storage: '{% $states.input.storage %}',
          backupCalls: '{% $states.input.backupCalls %}',
        },
      })
      .otherwise(backUp)

    locate.next(
      Choice.jsonata(scope, `Did the platform store ${noun}?`)
        .when(Condition.jsonata('{% $exists($states.input.stored) %}'), committed)
        .otherwise(copy),
    )
    return backUp.next(ended)
  }
}

/**
 * Start the backup when its turn has come, and look at it until it has ended, for as long as a history holds.
 * Input: `{item, execution, backupCalls}`, and what an earlier leg added: `jobRef`, `startedAt`, `storage`, `waitSeconds`.
 * Output: the same, with `done` or `error`, or to be gone on with.
 */
function startAndWaitForAWhile(
  scope: Construct,
  functions: ExportFunctions,
  { start: startName, noun }: BranchWords,
): IChainable {
  const Noun = capital(noun)
  const takeUp = Pass.jsonata(scope, `Take up ${noun}`, {
    assign: {
      leg: '{% $states.input %}',
      calls: '{% $states.input.backupCalls %}',
      waitSeconds: '{% $exists($states.input.waitSeconds) ? $states.input.waitSeconds : 0 %}',
      spent: '{% 0 %}',
    },
  })

  const failed = legEnd(
    scope,
    `${Noun} failed`,
    "{% $merge([$leg, {'error': $states.input, 'backupCalls': $calls}]) %}",
  )
  const handOver = legEnd(
    scope,
    `Go on with ${noun} in another leg`,
    "{% $merge([$leg, {'waitSeconds': $waitSeconds, 'backupCalls': $calls}]) %}",
  )
  const isThere = legEnd(scope, `${Noun} is there`, "{% $merge([$leg, {'done': true, 'backupCalls': $calls}]) %}")

  const start = lambdaTask(scope, functions, 'StartBackup', {
    name: startName,
    payload: { item: '{% $leg.item %}', execution: '{% $leg.execution %}' },
    assign: counted,
    retry: startOnce,
    onError: failed,
  })

  // One dump a node at a time. The function chooses each wait, which grows to 300 s, and gives up after days.
  const waitForTurn = Wait.jsonata(scope, `Wait for a turn of ${noun}`, {
    time: WaitTime.seconds('{% $waitSeconds %}'),
  })

  // The function chooses each wait (at most 300 s), and gives up after days.
  const wait = Wait.jsonata(scope, `Wait for ${noun}`, { time: WaitTime.seconds('{% $waitSeconds %}') })

  const check = lambdaTask(scope, functions, 'CheckBackup', {
    name: `Check ${noun}`,
    payload: {
      item: '{% $leg.item %}',
      execution: '{% $leg.execution %}',
      jobRef: '{% $leg.jobRef %}',
      startedAt: '{% $leg.startedAt %}',
      storage: '{% $leg.storage %}',
    },
    assign: counted,
    retry: patient,
    onError: failed,
  })

  const begun = Choice.jsonata(scope, `${Noun} begun?`)
    .when(Condition.jsonata('{% $exists($states.input.jobRef) %}'), wait, {
      assign: {
        leg: "{% $merge([$leg, {'jobRef': $states.input.jobRef, 'startedAt': $states.input.startedAt, 'storage': $states.input.storage}]) %}",
      },
    })
    .when(Condition.jsonata(legIsFull), handOver)
    .otherwise(waitForTurn)

  const done = Choice.jsonata(scope, `${Noun} done?`)
    .when(Condition.jsonata('{% $states.input.done %}'), isThere)
    .when(Condition.jsonata(legIsFull), handOver)
    .otherwise(wait)

  start.next(begun)
  waitForTurn.next(start)
  wait.next(check).next(done)
  return takeUp.next(
    Choice.jsonata(scope, `How far is ${noun}?`)
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

function capital(word: string): string {
  return word.charAt(0).toUpperCase() + word.slice(1)
}
