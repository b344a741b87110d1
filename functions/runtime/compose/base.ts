import { randomBytes } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import { localEnv } from '../../contracts/process-identity.ts'
import type { Ports } from '../../operations/ports.ts'
import type { Invocation } from '../define-handler.ts'
import { readEnv } from '../env.ts'
import { logLine } from '../log.ts'
import { timer } from '../timer.ts'
import { toolVersion } from '../version.ts'

export type BasePorts = Pick<
  Ports,
  'now' | 'sleep' | 'timer' | 'randomToken' | 'remainingMilliseconds' | 'log' | 'toolVersion' | 'localProcess'
>

/** Clock, log and identity: what every operation may use. */
export function withBase(invocation: Invocation): BasePorts {
  const { LOCAL_PROCESS: localProcess } = readEnv(localEnv)
  return {
    ...(localProcess === undefined ? {} : { localProcess }),
    now: () => new Date(),
    sleep: (milliseconds) => delay(milliseconds),
    timer,
    randomToken: () => randomBytes(8).toString('hex'),
    remainingMilliseconds: () => invocation.remainingMilliseconds(),
    log: (event, fields) => logLine(event, { task: invocation.task, ...fields }),
    toolVersion,
  }
}
