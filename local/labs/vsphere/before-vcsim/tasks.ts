/** Tasks that the simulator ends at once, and that show themselves running for a while here. */
import type { VimFault } from '../wire/faults.ts'
import { Element } from '../wire/xml.ts'
import { changing, leaf, propertyOf, withChildren } from './edit.ts'

export interface Tracked {
  id: string
  /** Of the guest, where it is a guest's. */
  guestId: string | undefined
  asksLeft: number
  /** Made here: the simulator doesn't know it. */
  own?: { name: string; descriptionId: string; at: Date; fault?: VimFault }
}

const HIDDEN = new Set(['result', 'error', 'completeTime', 'progress'])

/** A vCenter names the guest where this simulator names its snapshot. */
function entity({ guestId }: Tracked): Element | undefined {
  return guestId === undefined ? undefined : leaf('entity', guestId, { type: 'VirtualMachine' })
}

function shown(info: Element, task: Tracked, running: boolean): Element {
  const owner = entity(task)
  const named = owner === undefined ? info : changing(info, 'entity', () => owner)
  if (!running) return named
  const children = named.children
    .filter(({ name }) => !HIDDEN.has(name))
    .flatMap((child) => {
      if (child.name === 'state') return [leaf('state', 'running')]
      // In the schema's order: after cancelable come error, result, progress and reason.
      return child.name === 'reason' ? [leaf('progress', '42'), child] : [child]
    })
  return withChildren(named, children)
}

/** The task's object as it is shown this time. Each look is one less. */
export function taskObject(object: Element, task: Tracked): Element {
  const running = task.asksLeft > 0
  if (running) task.asksLeft -= 1
  const whole = propertyOf(object, 'info')
  if (whole !== undefined)
    return changing(object, 'propSet', (set) =>
      set === whole ? changing(set, 'val', (info) => shown(info, task, running)) : set,
    )
  if (!running) return object
  return changing(object, 'propSet', (set) => {
    const field = set.textOf('name')?.replace('info.', '') ?? ''
    if (field === 'state') return changing(set, 'val', (val) => new Element('val', val.attributes, [], 'running'))
    return HIDDEN.has(field) ? undefined : set
  })
}
