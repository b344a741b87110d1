/** What may go wrong in a round, and when. Pure: a seed gives the whole round. */
import { Random } from './random.ts'

export type Victim = 'runner' | 'function' | 'group'
export type Line = 's3' | 'api' | 'ssh'

export type RunEvent =
  | { kind: 'signal'; victim: Victim; signal: 'SIGKILL' | 'SIGTERM' | 'SIGINT' }
  /** S3 answers nothing but this for a while. */
  | { kind: 's3-refuses'; code: 'SlowDown' | 'InternalError'; seconds: number }
  /** The S3 process is killed and started again on its disk. */
  | { kind: 's3-killed'; seconds: number }
  /** Every third request is told to slow down. */
  | { kind: 's3-throttles'; seconds: number }
  /** The next answers of S3 are lost after all was done. */
  | { kind: 's3-loses-answers'; count: number }
  /** S3 refuses only what the runner itself reads: the plan of the run and its report. */
  | { kind: 's3-refuses-runner'; seconds: number }
  | { kind: 'cut'; line: Line }
  | { kind: 'pause'; line: Line; seconds: number }
  | { kind: 'slow'; line: Line; milliseconds: number; seconds: number }
  /** The clock of the machine that runs steps. */
  | { kind: 'clock-step'; seconds: number }
  | { kind: 's3-clock'; seconds: number }
  | { kind: 'site-clock'; seconds: number }
  /** The node is gone with its tasks, and comes back. */
  | { kind: 'node-reboot'; seconds: number }
  | { kind: 'job-killed' }
  | { kind: 'foreign-lock'; guest: number }
  | { kind: 'guest-recreated'; guest: number }
  | { kind: 'second-run' }

/** It happens when S3 has been asked this often, so that a slow machine plays the same round as a fast one. */
export type Act = RunEvent & { atRequest: number }

export interface RoundPlan {
  seed: number
  guests: number[]
  deleteSource: boolean
  compress: 'none' | 'zstd'
  /** Of each guest; above 64 MiB an uncompressed dump has several parts. */
  guestMib: number
  acts: Act[]
}

const FIRST_GUEST = 100
/** A run asks S3 so often, and so often more for each of its guests. */
const REQUESTS_OF_RUN = 40
const REQUESTS_OF_GUEST = 80

export function planRound(seed: number): RoundPlan {
  const random = new Random(seed)
  const large = random.chance(0.25)
  const guests = Array.from({ length: large ? 1 : random.between(1, 3) }, (_, index) => FIRST_GUEST + index)
  const acts = Array.from({ length: random.between(1, 4) }, () => ({
    ...happening(random, guests),
    atRequest: random.between(3, REQUESTS_OF_RUN + guests.length * REQUESTS_OF_GUEST),
  }))
  return {
    seed,
    guests,
    deleteSource: random.chance(0.3),
    compress: large || random.chance(0.5) ? 'none' : 'zstd',
    guestMib: large ? 130 : 2,
    acts: acts.toSorted((a, b) => a.atRequest - b.atRequest),
  }
}

function happening(random: Random, guests: readonly number[]): RunEvent {
  const line = () => random.pick<Line>(['s3', 'api', 'ssh'])
  const seconds = (most: number) => random.between(1, most)
  const guest = () => guests[random.between(0, guests.length - 1)] ?? FIRST_GUEST
  return random.pick<() => RunEvent>([
    () => ({ kind: 'signal', victim: 'runner', signal: 'SIGKILL' }),
    () => ({ kind: 'signal', victim: 'runner', signal: random.pick(['SIGTERM', 'SIGINT']) }),
    () => ({ kind: 'signal', victim: 'function', signal: 'SIGKILL' }),
    () => ({ kind: 'signal', victim: 'group', signal: random.pick(['SIGKILL', 'SIGTERM', 'SIGINT']) }),
    () => ({ kind: 's3-refuses', code: random.pick(['SlowDown', 'InternalError']), seconds: seconds(8) }),
    () => ({ kind: 's3-killed', seconds: seconds(6) }),
    () => ({ kind: 's3-throttles', seconds: seconds(10) }),
    () => ({ kind: 's3-loses-answers', count: random.between(1, 3) }),
    () => ({ kind: 's3-refuses-runner', seconds: seconds(10) }),
    () => ({ kind: 'cut', line: line() }),
    () => ({ kind: 'pause', line: line(), seconds: seconds(8) }),
    () => ({ kind: 'slow', line: line(), milliseconds: random.between(20, 300), seconds: seconds(10) }),
    () => ({ kind: 'clock-step', seconds: random.pick([-7200, -600, -3, 5, 700, 1300, 7200]) }),
    () => ({ kind: 's3-clock', seconds: random.pick([-3600, -600, 30, 1500]) }),
    () => ({ kind: 'site-clock', seconds: random.pick([-500, -30, 45, 600]) }),
    () => ({ kind: 'node-reboot', seconds: seconds(8) }),
    () => ({ kind: 'job-killed' }),
    () => ({ kind: 'foreign-lock', guest: guest() }),
    () => ({ kind: 'guest-recreated', guest: guest() }),
    () => ({ kind: 'second-run' }),
  ])()
}

/** `SIGKILL of the runner at request 40` and the like, for people. */
export function actWords(act: Act): string {
  const { kind, atRequest, ...rest } = act
  const details = Object.entries(rest).map(([name, value]) => `${name} ${value}`)
  return [`${atRequest}: ${kind}`, ...details].join(' ')
}
