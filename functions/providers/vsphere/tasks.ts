/** Tasks of the platform: short calls look at them, none waits. */
import type { VimSession } from '../../vsphere-api/vim-session.ts'
import { readObject } from '../../vsphere-api/properties.ts'
import { isGone, localizedFault, VimFault } from '../../vsphere-api/vim-fault.ts'
import { childOf, type Ref, refOf, refsIn, textOf, type Xml } from '../../vsphere-api/xml.ts'
import { instantOf } from '../../vsphere-api/snapshot-tree.ts'
import { numberOf } from './machine.ts'

export interface TaskInfo {
  ref: Ref
  /** `VirtualMachine.createSnapshot`, … */
  kind: string
  state: 'queued' | 'running' | 'success' | 'error'
  progressPercent: number | undefined
  /** By the server's clock; absent where it can't be read. */
  startedAt: string | undefined
  endedAt: string | undefined
  result: Ref | undefined
  fault: VimFault | undefined
}

/** @returns `undefined` for a task that is gone: some minutes after its end. @throws VimFault, facts of ours */
export async function taskOf(session: VimSession, ref: Ref): Promise<TaskInfo | undefined> {
  try {
    const info = (await readObject(session, ref, ['info'])).get('info')
    return info === undefined ? undefined : taskInfo(ref, info)
  } catch (error) {
    if (isGone(error)) return undefined
    throw error
  }
}

function taskInfo(ref: Ref, info: Xml): TaskInfo | undefined {
  const state = ['queued', 'running', 'success', 'error'].find((one) => one === textOf(childOf(info, 'state')))
  if (state === undefined) throw new VimFault('', `task ${ref.id} has no state`, info)
  return {
    ref,
    kind: textOf(childOf(info, 'descriptionId')),
    state: state as TaskInfo['state'],
    progressPercent: numberOf(childOf(info, 'progress')),
    startedAt: instantOf(childOf(info, 'startTime')) ?? instantOf(childOf(info, 'queueTime')),
    endedAt: instantOf(childOf(info, 'completeTime')),
    result: refOf(childOf(info, 'result')),
    fault: state === 'error' ? localizedFault(childOf(info, 'error')) : undefined,
  }
}

/** Tasks of a guest that the platform still lists: running ones, and those of the last minutes. Newest last. */
export async function recentTasks(session: VimSession, machine: Ref): Promise<TaskInfo[]> {
  const refs = refsIn((await readObject(session, machine, ['recentTask'])).get('recentTask'))
  const tasks = await Promise.all(refs.map((ref) => taskOf(session, ref)))
  return tasks.filter((task) => task !== undefined).toSorted((one, other) => beginningOf(one) - beginningOf(other))
}

/** What doesn't say when it was begun counts as the newest. */
function beginningOf({ startedAt }: TaskInfo): number {
  return startedAt === undefined ? Number.MAX_VALUE : Date.parse(startedAt)
}

export function isUnderWay({ state }: TaskInfo): boolean {
  return state === 'queued' || state === 'running'
}

export function isOfKind({ kind }: TaskInfo, kinds: RegExp): boolean {
  return kinds.test(kind)
}

/** The task that a `…_Task` call began. */
export function begun(response: Xml): Ref {
  const ref = refOf(childOf(response, 'returnval'))
  if (ref === undefined) throw new VimFault('', 'the answer names no task', response)
  return ref
}
