import { randomBytes } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import type { Ports } from '../../operations/ports.ts'
import type { Invocation } from '../define-handler.ts'
import { logLine } from '../log.ts'
import { toolVersion } from '../version.ts'

export type BasePorts = Pick<
  Ports,
  'now' | 'sleep' | 'timer' | 'randomToken' | 'remainingMilliseconds' | 'log' | 'toolVersion'
>

/** Clock, log and identity: what every operation may use. */
export function withBase(invocation: Invocation): BasePorts {
  return {
    now: () => new Date(),
    sleep: (milliseconds) => delay(milliseconds),
    timer: (milliseconds, fire) => {
      const timer = setTimeout(fire, milliseconds)
      return () => clearTimeout(timer)
    },
    randomToken: () => randomBytes(8).toString('hex'),
    remainingMilliseconds: () => invocation.remainingMilliseconds(),
    log: (event, fields) => logLine(event, { task: invocation.task, ...fields }),
    toolVersion,
  }
}
