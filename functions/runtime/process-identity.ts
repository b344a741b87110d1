/** Which process this is, and whether another one of this machine is surely dead. */
import { readFileSync, readlinkSync } from 'node:fs'
import { hostname } from 'node:os'
import type { LocalProcess } from '../contracts/process-identity.ts'

/** `undefined` where the system has no /proc: then nobody can tell, and what this process holds lapses by itself. */
export function identifyProcess(pid: number = process.pid): LocalProcess | undefined {
  try {
    const stat = statOf(pid)
    if (stat === undefined) return undefined
    return {
      host: hostname(),
      bootId: readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim(),
      pidNamespace: readlinkSync('/proc/self/ns/pid'),
      pid,
      startTicks: stat.startTicks,
    }
  } catch {
    return undefined
  }
}

/** Whether a process surely runs no more. One of another machine, boot or container may run for all that is known here. */
export function isGone(one: LocalProcess): boolean {
  const here = identifyProcess()
  if (here === undefined) return false
  if (one.host !== here.host || one.bootId !== here.bootId || one.pidNamespace !== here.pidNamespace) return false
  try {
    process.kill(one.pid, 0)
  } catch (error) {
    // Any other error, as of another user's process, says that it is there.
    return error instanceof Error && 'code' in error && error.code === 'ESRCH'
  }
  const stat = statOf(one.pid)
  // A zombie has ended; nobody has asked how.
  return stat !== undefined && (stat.startTicks !== one.startTicks || /[ZXx]/.test(stat.state))
}

/** proc(5): the name in brackets may hold anything, so fields are counted behind its last bracket. */
function statOf(pid: number): { state: string; startTicks: number } | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8')
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ')
    const startTicks = Number(fields[19])
    return Number.isSafeInteger(startTicks) ? { state: fields[0] ?? '', startTicks } : undefined
  } catch {
    return undefined
  }
}
