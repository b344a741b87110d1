/** The answer to a question for a task that the simulator doesn't know. */
import { rawEnvelope } from '../wire/envelope.ts'
import { localized } from '../wire/faults.ts'
import {
  anyElement,
  boolean,
  dateTime,
  derived,
  elementOf,
  enumeration,
  int,
  ref,
  string,
  structure,
} from '../wire/values.ts'
import type { Element } from '../wire/xml.ts'
import { valueAt } from '../properties/paths.ts'
import type { Tracked } from './tasks.ts'

function infoOf({ id, guestId = '', asksLeft, own }: Tracked & { own: NonNullable<Tracked['own']> }) {
  const running = asksLeft > 0
  return structure('TaskInfo', {
    key: string(id),
    task: ref('Task', id),
    name: string(own.name),
    descriptionId: string(own.descriptionId),
    entity: ref('VirtualMachine', guestId),
    entityName: string(guestId),
    state: enumeration('TaskInfoState', running ? 'running' : own.fault === undefined ? 'success' : 'error'),
    cancelled: boolean(false),
    cancelable: boolean(false),
    error: running || own.fault === undefined ? undefined : localized(own.fault),
    result: undefined,
    progress: running ? int(42) : undefined,
    reason: derived('TaskReasonUser', { userName: string('user') }),
    queueTime: dateTime(own.at),
    startTime: dateTime(own.at),
    completeTime: running ? undefined : dateTime(own.at),
    eventChainId: int(0),
  })
}

/** Nothing where the question is for the simulator. */
export function ownTaskAnswer(call: Element, tasks: ReadonlyMap<string, Tracked>): string | undefined {
  if (call.name !== 'RetrievePropertiesEx') return undefined
  const [spec] = call.all('specSet')
  const id = spec?.child('objectSet')?.textOf('obj') ?? ''
  const task = tasks.get(id)
  if (task?.own === undefined) return undefined
  const info = infoOf({ ...task, own: task.own })
  if (task.asksLeft > 0) task.asksLeft -= 1
  const paths = spec?.child('propSet')?.all('pathSet') ?? []
  const sets = paths.map(({ text: path }) => {
    const at = valueAt({ info: () => info }, path)
    return at.known && at.value !== undefined
      ? `<propSet><name>${path}</name>${anyElement('val', at.value)}</propSet>`
      : ''
  })
  const object = `<objects>${elementOf('obj', ref('Task', id))}${sets.join('')}</objects>`
  return rawEnvelope(
    `<RetrievePropertiesExResponse xmlns="urn:vim25"><returnval>${object}</returnval></RetrievePropertiesExResponse>`,
  )
}
