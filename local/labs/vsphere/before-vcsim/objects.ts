/** Objects in answers of the property collector, with what a vCenter has more. */
import { Element } from '../wire/xml.ts'
import { devicesOver, layoutOver } from './chains.ts'
import { remembered } from './clones.ts'
import { changing, editedAnswer, propertyOf, withProperty } from './edit.ts'
import { sizeOf } from './files.ts'
import type { State } from './state.ts'
import { taskObject } from './tasks.ts'
import type { Headers } from './upstream.ts'

/** How many snapshots lie over a guest's disks. */
async function snapshotsOver(state: State, cookie: Headers, guestId: string): Promise<number> {
  const tree = await state.upstream.property(cookie, 'VirtualMachine', guestId, 'snapshot')
  const count = (list: readonly Element[]): number =>
    list.reduce((sum, each) => sum + 1 + count(each.all('childSnapshotList')), 0)
  return count(tree?.all('rootSnapshotList') ?? [])
}

const changeProperty = (object: Element, path: string, change: (val: Element) => Element): Element =>
  changing(object, 'propSet', (set) => (set.textOf('name') === path ? changing(set, 'val', change) : set))

const scalar = (type: string, text: string): Element => new Element('val', { 'xsi:type': type }, [], text)

async function guestObject(
  state: State,
  cookie: Headers,
  object: Element,
  wanted: ReadonlySet<string>,
): Promise<Element> {
  const id = object.textOf('obj') ?? ''
  let edited = object
  if (wanted.has('runtime.consolidationNeeded') && propertyOf(object, 'runtime.consolidationNeeded') === undefined) {
    const needed = state.consolidation.get(id)?.needed ?? false
    edited = withProperty(edited, 'runtime.consolidationNeeded', scalar('xsd:boolean', String(needed)))
  }
  if (wanted.has('recentTask')) {
    const own = [...state.tasks.values()].filter(({ guestId }) => guestId === id)
    const refs = own.map((task) => new Element('ManagedObjectReference', { type: 'Task' }, [], task.id))
    const val = new Element('val', { 'xsi:type': 'ArrayOfManagedObjectReference' }, refs, '')
    const there = propertyOf(object, 'recentTask')
    edited =
      there === undefined ? withProperty(edited, 'recentTask', val) : changeProperty(edited, 'recentTask', () => val)
  }
  const holders = DEVICES.filter((path) => propertyOf(edited, path) !== undefined)
  const layout = propertyOf(edited, 'layoutEx')?.child('val')
  if (holders.length === 0 && layout === undefined) return edited
  const snapshots = await snapshotsOver(state, cookie, id)
  const change = (holder: Element, name: string): Element =>
    devicesOver(remembered(state, id, holder, name), snapshots, name)
  for (const path of holders) edited = changeProperty(edited, path, (val) => devicesIn(val, path, change))
  if (layout !== undefined) {
    const laid = await layoutOver(layout, snapshots, (name) => sizeOf(state.upstream, cookie, name))
    edited = changeProperty(edited, 'layoutEx', () => laid)
  }
  return edited
}

/** Properties that hold the devices of a guest. */
const DEVICES = ['config', 'config.hardware', 'config.hardware.device'] as const

type Change = (holder: Element, name: string) => Element

function devicesIn(val: Element, path: (typeof DEVICES)[number], change: Change): Element {
  if (path === 'config.hardware.device') return change(val, 'VirtualDevice')
  const inHardware = (hardware: Element): Element => change(hardware, 'device')
  return path === 'config.hardware' ? inHardware(val) : changing(val, 'hardware', inHardware)
}

function wantedOf(call: Element, type: string): Set<string> {
  const sets = call.all('specSet').flatMap((spec) => spec.all('propSet'))
  const mine = sets.filter((set) => set.textOf('type') === type)
  return new Set(mine.flatMap((set) => set.all('pathSet').map(({ text }) => text)))
}

export async function properties(state: State, cookie: Headers, call: Element, text: string): Promise<string> {
  const wanted = wantedOf(call, 'VirtualMachine')
  return editedAnswer(text, async (object) => {
    const type = object.child('obj')?.attributes['type']
    const task = state.tasks.get(object.textOf('obj') ?? '')
    if (type === 'Task' && task !== undefined) return taskObject(object, task)
    return type === 'VirtualMachine' ? guestObject(state, cookie, object, wanted) : object
  })
}
