/** When a state may run its function again, and for how long it keeps trying. */
import { Duration } from 'aws-cdk-lib'
import { JitterType, type RetryProps } from 'aws-cdk-lib/aws-stepfunctions'
import { BackupStartUnclear, errorNames, RestoreStartUnclear } from '../../functions/contracts/errors.ts'

export interface RetryPolicy {
  errors: readonly string[]
  firstWaitSeconds: number
  backoffRate: number
  longestWaitSeconds: number
  attempts: number
  /** Draw each wait between zero and its length: spreads callers that were refused together. */
  jitter: boolean
}

/** The longest time a policy spends waiting between attempts, in seconds. */
export function totalWaitSeconds(policy: RetryPolicy): number {
  let total = 0
  for (let attempt = 0; attempt < policy.attempts; attempt += 1) {
    total += Math.min(policy.firstWaitSeconds * policy.backoffRate ** attempt, policy.longestWaitSeconds)
  }
  return Math.round(total)
}

/** A policy as CDK takes it. */
export function asRetry(policy: RetryPolicy): RetryProps {
  return {
    errors: [...policy.errors],
    interval: Duration.seconds(policy.firstWaitSeconds),
    backoffRate: policy.backoffRate,
    // Step Functions refuses a cap that isn't above the first wait; steady waits need none.
    ...(policy.longestWaitSeconds > policy.firstWaitSeconds && {
      maxDelay: Duration.seconds(policy.longestWaitSeconds),
    }),
    maxAttempts: policy.attempts,
    jitterStrategy: policy.jitter ? JitterType.FULL : JitterType.NONE,
  }
}

/** Lambda refused the call before any code ran: a repeat can't do anything twice. */
const neverStartedErrors = [
  'Lambda.TooManyRequestsException',
  // Functions in a VPC, after weeks without a call or when addresses run short.
  'Lambda.ResourceNotReadyException',
  'Lambda.ResourceConflictException',
  'Lambda.ENILimitReachedException',
  'Lambda.EC2ThrottledException',
  'Lambda.SubnetIPAddressLimitReachedException',
]

/** The function may have run, to its end or in part: Lambda failed, the answer was lost, or the function was killed. */
const perhapsRanErrors = [
  'Lambda.ServiceException',
  'Lambda.AWSLambdaException',
  'Lambda.SdkClientException',
  'Lambda.ClientExecutionTimeoutException',
  'Lambda.Unknown',
  'Runtime.ExitError',
  'Runtime.OutOfMemory',
  'Sandbox.Timedout',
  'States.Timeout',
]

/**
 * A proxy that reloads, a node that restarts, S3 asking to slow down. Gives up after five minutes: a wrong
 * address looks the same, and a person may be waiting for the answer.
 */
export const passingFaults: RetryPolicy = {
  errors: errorNames('retry'),
  firstWaitSeconds: 5,
  backoffRate: 2,
  longestWaitSeconds: 120,
  attempts: 6,
  jitter: true,
}

/**
 * The same faults while hours of work are at stake: a backup that runs, an upload that is half done. The site's line
 * may be down for an hour and more; what is done stays done meanwhile. Gives up after two hours.
 */
export const longOutage: RetryPolicy = {
  errors: errorNames('retry'),
  firstWaitSeconds: 15,
  backoffRate: 2,
  longestWaitSeconds: 300,
  attempts: 28,
  jitter: true,
}

/**
 * Refused calls wait for their turn. With a reserved concurrency, copies queue behind calls of 15 minutes each, so the
 * patience is long: up to four hours, at three history events a try.
 */
export const neverStarted: RetryPolicy = {
  errors: neverStartedErrors,
  firstWaitSeconds: 10,
  backoffRate: 1.5,
  longestWaitSeconds: 300,
  attempts: 56,
  jitter: true,
}

/**
 * CodeBuild refused to start a build: it limits how many run, and how many wait. Others of the same run end meanwhile, so
 * the patience is up to a day. A build that ran and failed isn't repeated: it may have read terabytes.
 */
export const buildNeverStarted: RetryPolicy = {
  errors: [
    'CodeBuild.AccountLimitExceededException',
    'CodeBuild.CodeBuildException',
    'CodeBuild.AWSCodeBuildException',
    'CodeBuild.SdkClientException',
  ],
  firstWaitSeconds: 30,
  backoffRate: 2,
  longestWaitSeconds: 1800,
  attempts: 50,
  jitter: true,
}

/** Every task finds what an earlier call of it did, so a lost answer is simply asked for again. Gives up after 70 seconds. */
export const lostAnswer: RetryPolicy = {
  errors: perhapsRanErrors,
  firstWaitSeconds: 10,
  backoffRate: 2,
  longestWaitSeconds: 60,
  attempts: 3,
  jitter: false,
}

/**
 * The same for Start backup, which must not start a second job. Its operation claims the guest first, then looks for a
 * job of ours that already runs and adopts it, so a repeat is safe once the first call's job shows in the platform's
 * list. That is what the minute is for: a request can sit in the platform's queue for 30 s after its answer was lost.
 * No jitter, which could draw a wait of zero. Gives up after five minutes.
 */
export const lostStart: RetryPolicy = {
  errors: [...perhapsRanErrors, BackupStartUnclear.errorName],
  firstWaitSeconds: 60,
  backoffRate: 1,
  longestWaitSeconds: 60,
  attempts: 5,
  jitter: false,
}

/** What was asked for may have been begun: only the task that looks for it before asking again goes on from there. */
const startsUnclear: readonly string[] = [BackupStartUnclear.errorName, RestoreStartUnclear.errorName]

/**
 * Mostly before Start backup has asked for anything: its own look at the site failed. `StoreUnavailable` can also come
 * after, when the job's name couldn't be recorded; the operation then finds that it has asked, and asks again only once
 * the platform has had time to show the job, however soon it is called. Gives up after three minutes.
 */
export const notYetAsked: RetryPolicy = {
  errors: errorNames('retry').filter((name) => !startsUnclear.includes(name)),
  firstWaitSeconds: 10,
  backoffRate: 2,
  longestWaitSeconds: 60,
  attempts: 5,
  jitter: false,
}

/**
 * A distributed Map that couldn't read its plan from S3, by Step Functions' own name for it. It has begun nothing by then.
 * Not for one that couldn't write its results: all of its children have run. Gives up after five minutes.
 */
export const planUnread: RetryPolicy = {
  errors: ['States.ItemReaderFailed'],
  firstWaitSeconds: 5,
  backoffRate: 2,
  longestWaitSeconds: 60,
  attempts: 8,
  jitter: false,
}

/**
 * What a copying function may end with while the transfer goes on: a passing fault, or its own death. Plan copies judges
 * them, runs fewer streams, waits, and gives up after two hours without a byte.
 */
export const passingToPlan: readonly string[] = [...errorNames('retry'), ...perhapsRanErrors]

/** The same in an inline Map over hundreds of items, which share one history: up to a quarter of an hour. */
export const neverStartedAmongMany: RetryPolicy = { ...neverStarted, attempts: 10 }

/**
 * Step Functions refused to start an execution within this one. An execution that has the name already is what an earlier
 * try began, and asking again for it gives that one.
 */
export const executionNeverStarted: RetryPolicy = {
  errors: [
    'StepFunctions.ExecutionLimitExceededException',
    'StepFunctions.SdkClientException',
    'StepFunctions.AWSStepFunctionsException',
  ],
  firstWaitSeconds: 10,
  backoffRate: 2,
  longestWaitSeconds: 300,
  attempts: 10,
  jitter: true,
}

/** For most tasks. */
export const ordinary: readonly RetryPolicy[] = [passingFaults, neverStarted, lostAnswer]
/** For tasks with hours of work behind them. */
export const patient: readonly RetryPolicy[] = [longOutage, neverStarted, lostAnswer]
/** For a task of each of `MAX_LEFTOVERS` items in one history: all of their retries together stay within it. */
export const amongMany: readonly RetryPolicy[] = [passingFaults, neverStartedAmongMany, lostAnswer]
/** For Start backup alone. */
export const startOnce: readonly RetryPolicy[] = [notYetAsked, neverStarted, lostStart]

/** For Create guest alone, which like Start backup finds what it asked for before, and must not ask twice. */
export const createOnce: readonly RetryPolicy[] = [
  notYetAsked,
  neverStarted,
  { ...lostStart, errors: [...perhapsRanErrors, RestoreStartUnclear.errorName] },
]
