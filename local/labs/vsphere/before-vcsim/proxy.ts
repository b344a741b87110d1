/**
 * A server before VMware's own simulator, which adds what that one lacks: the order of elements, quoted cookies, slow tasks,
 * one task at a time, missing rights, chains of disks, consolidation, and answers that go wrong.
 */
import { Fates, type Seen } from '../fates.ts'
import { type Front, startFront } from '../front.ts'
import { METHODS } from '../methods/all.ts'
import type { Incoming, Outgoing } from '../serve.ts'
import { inputOf, spoken } from '../soap.ts'
import { answerEnvelope, faultEnvelope } from '../wire/envelope.ts'
import { fileLocked, noPermission, taskInProgress, VimFault } from '../wire/faults.ts'
import { checkCall } from '../wire/schema.ts'
import { ref } from '../wire/values.ts'
import { Element } from '../wire/xml.ts'
import { devicesOver, layoutOver } from './chains.ts'
import { changing, editedAnswer, propertyOf, withProperty } from './edit.ts'
import { ownTaskAnswer } from './own-task.ts'
import { taskObject, type Tracked } from './tasks.ts'
import { type Answer, type Headers, Upstream } from './upstream.ts'

export interface BeforeVcsim {
  url: string
  fingerprint: string
  /** Tasks show themselves running so many times; may be changed while it runs. */
  settings: { taskAsks: number }
  /** Calls of a method need a right that nobody has; without one, they need none again. */
  deny(method: string, privilegeId?: string): void
  /** What `runtime.consolidationNeeded` of a guest says, and whether consolidating changes it. */
  setConsolidation(guestId: string, state: { needed: boolean; stays: boolean }): void
  /** As the lab's control: a page with a status, a lost answer, a request that never arrives. */
  answerPage(what: string, status: number, times?: number): void
  loseAnswer(what: string, times?: number): void
  dropRequest(what: string, times?: number): void
  readonly seen: readonly Seen[]
  close(): Promise<void>
}

/** Debian's simulator speaks this version. */
const VCSIM = { product: { apiVersion: '6.5' } }

interface State {
  upstream: Upstream
  settings: { taskAsks: number }
  denied: Map<string, string>
  consolidation: Map<string, { needed: boolean; stays: boolean }>
  tasks: Map<string, Tracked>
  now(): Date
}

const COOKIE = /vmware_soap_session="([^";]*)"/

/** The simulator's cookie has no quotes, as it would have on a vCenter. */
function passedOn({ headers }: Incoming): Headers {
  const kept: Headers = {}
  for (const name of [
    'content-type',
    'soapaction',
    'range',
    'authorization',
    'vmware-api-session-id',
    'if-unmodified-since',
    'user-agent',
  ]) {
    const value = headers[name]
    if (typeof value === 'string') kept[name] = value
  }
  const secret = COOKIE.exec(headers.cookie ?? '')?.[1]
  if (secret !== undefined) kept['cookie'] = `vmware_soap_session=${secret}`
  return kept
}

function outgoing({ status, headers, body }: Answer): Outgoing {
  const kept: Headers = {}
  for (const name of ['content-type', 'content-range', 'accept-ranges', 'last-modified', 'content-length']) {
    const value = headers[name]
    if (typeof value === 'string') kept[name] = value
  }
  const cookie = headers['set-cookie']?.[0]
  const secret = /^vmware_soap_session=([^;]+)/.exec(cookie ?? '')?.[1]
  if (secret !== undefined) kept['set-cookie'] = `vmware_soap_session="${secret}"; Path=/; HttpOnly; Secure; `
  else if (cookie !== undefined) kept['set-cookie'] = cookie
  return { status, headers: kept, body }
}

const xml = (status: number, text: string): Outgoing => ({
  status,
  headers: { 'content-type': 'text/xml; charset=utf-8' },
  body: Buffer.from(text),
})

async function guestOf(state: State, cookie: Headers, call: Element): Promise<string | undefined> {
  const self = call.child('_this')
  if (self?.attributes['type'] === 'VirtualMachine') return self.text
  if (self?.attributes['type'] !== 'VirtualMachineSnapshot') return undefined
  return (await state.upstream.property(cookie, 'VirtualMachineSnapshot', self.text, 'vm'))?.text
}

const isTask = ({ name }: Element): boolean => name.endsWith('_Task')

/** @throws VimFault what a vCenter refuses, and the simulator wouldn't */
function checked(state: State, call: Element, guestId: string | undefined): void {
  const method = METHODS.get(call.name)
  if (method !== undefined) checkCall(call, method.parameters)
  const self = call.child('_this')
  const privilege = state.denied.get(call.name)
  if (privilege !== undefined && self !== undefined)
    throw noPermission(ref(self.attributes['type'] ?? '', self.text), privilege)
  const busy = [...state.tasks.values()].find((task) => task.guestId === guestId && task.asksLeft > 0)
  if (guestId === undefined || busy === undefined || !isTask(call)) return
  busy.asksLeft -= 1
  throw taskInProgress(busy.id)
}

/** How many snapshots lie over a guest's disks. */
async function snapshotsOver(state: State, cookie: Headers, guestId: string): Promise<number> {
  const tree = await state.upstream.property(cookie, 'VirtualMachine', guestId, 'snapshot')
  const count = (list: readonly Element[]): number =>
    list.reduce((sum, each) => sum + 1 + count(each.all('childSnapshotList')), 0)
  return count(tree?.all('rootSnapshotList') ?? [])
}

/** What a file of a datastore has, by its name as `[ds] folder/file`. */
async function sizeOf(state: State, cookie: Headers, name: string): Promise<number> {
  const [, datastore = '', path = ''] = /^\[(.+?)\] (.+)$/.exec(name) ?? []
  const where = path.split('/').map(encodeURIComponent).join('/')
  const target = `/folder/${where}?dcPath=DC0&dsName=${encodeURIComponent(datastore)}`
  const { status, headers } = await state.upstream.send('HEAD', target, cookie, new Uint8Array())
  return status === 200 ? Number(headers['content-length'] ?? 0) : 0
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
  for (const path of holders) edited = changeProperty(edited, path, (val) => devicesIn(val, path, snapshots))
  if (layout !== undefined) {
    const laid = await layoutOver(layout, snapshots, (name) => sizeOf(state, cookie, name))
    edited = changeProperty(edited, 'layoutEx', () => laid)
  }
  return edited
}

/** Properties that hold the devices of a guest. */
const DEVICES = ['config', 'config.hardware', 'config.hardware.device'] as const

function devicesIn(val: Element, path: (typeof DEVICES)[number], snapshots: number): Element {
  if (path === 'config.hardware.device') return devicesOver(val, snapshots, 'VirtualDevice')
  const inHardware = (hardware: Element): Element => devicesOver(hardware, snapshots, 'device')
  return path === 'config.hardware' ? inHardware(val) : changing(val, 'hardware', inHardware)
}

function wantedOf(call: Element, type: string): Set<string> {
  const sets = call.all('specSet').flatMap((spec) => spec.all('propSet'))
  const mine = sets.filter((set) => set.textOf('type') === type)
  return new Set(mine.flatMap((set) => set.all('pathSet').map(({ text }) => text)))
}

async function properties(state: State, cookie: Headers, call: Element, text: string): Promise<string> {
  const wanted = wantedOf(call, 'VirtualMachine')
  return editedAnswer(text, async (object) => {
    const type = object.child('obj')?.attributes['type']
    const task = state.tasks.get(object.textOf('obj') ?? '')
    if (type === 'Task' && task !== undefined) return taskObject(object, task)
    return type === 'VirtualMachine' ? guestObject(state, cookie, object, wanted) : object
  })
}

function consolidated(state: State, guestId: string): Outgoing {
  const id = `task-consolidate-${state.tasks.size + 1}`
  const own = { name: 'ConsolidateVMDisks', descriptionId: 'VirtualMachine.consolidateDisks', at: state.now() }
  state.tasks.set(id, { id, guestId, asksLeft: state.settings.taskAsks, own })
  const there = state.consolidation.get(guestId)
  if (there?.stays === false) there.needed = false
  return xml(200, answerEnvelope('ConsolidateVMDisks_Task', ref('Task', id)))
}

async function sdk(state: State, incoming: Incoming): Promise<Outgoing> {
  const call = inputOf(Buffer.from(incoming.body).toString('utf8'))
  const action = incoming.headers['soapaction']
  spoken(VCSIM, typeof action === 'string' ? action : undefined)
  const headers = passedOn(incoming)
  const { cookie } = headers
  const session: Headers = cookie === undefined ? {} : { cookie }
  const guestId = isTask(call) ? await guestOf(state, session, call) : undefined
  checked(state, call, guestId)
  if (call.name === 'ConsolidateVMDisks_Task' && guestId !== undefined) return consolidated(state, guestId)
  const own = ownTaskAnswer(call, state.tasks)
  if (own !== undefined) return xml(200, own)
  const answer = await state.upstream.send(incoming.method, incoming.target, headers, incoming.body)
  const text = answer.body.toString('utf8')
  if (answer.status !== 200) return outgoing(answer)
  const id = isTask(call) ? /<returnval type="Task">([^<]+)</.exec(text)?.[1] : undefined
  if (id !== undefined) state.tasks.set(id, { id, guestId, asksLeft: state.settings.taskAsks })
  if (call.name !== 'RetrievePropertiesEx') return outgoing(answer)
  return xml(200, await properties(state, session, call, text))
}

async function serve(state: State, incoming: Incoming): Promise<Outgoing> {
  const { method, target } = incoming
  const path = target.split('?')[0] ?? ''
  try {
    if (path === '/sdk' && method === 'POST') return await sdk(state, incoming)
  } catch (error) {
    if (!(error instanceof VimFault)) throw error
    return xml(500, faultEnvelope(error))
  }
  // What a running guest writes to is locked.
  if (/-\d{6}-delta\.vmdk$/.test(path)) return xml(500, faultEnvelope(fileLocked(path)))
  const answer = await state.upstream.send(method, target, passedOn(incoming), incoming.body)
  return outgoing(answer)
}

export async function startBeforeVcsim(options: { upstream: string; taskAsks?: number }): Promise<BeforeVcsim> {
  const fates = new Fates()
  const now = (): Date => new Date()
  const settings = { taskAsks: options.taskAsks ?? 1 }
  const state: State = {
    upstream: new Upstream(options.upstream),
    settings,
    denied: new Map(),
    consolidation: new Map(),
    tasks: new Map(),
    now,
  }
  const shared = { world: { now }, fates, bytesRead: new Map<string, number>() }
  const front: Front = await startFront(shared, 0, (incoming) => serve(state, incoming))
  return {
    url: front.url,
    fingerprint: front.fingerprint(),
    settings,
    deny: (method, privilegeId) => {
      if (privilegeId === undefined) state.denied.delete(method)
      else state.denied.set(method, privilegeId)
    },
    setConsolidation: (guestId, given) => void state.consolidation.set(guestId, { ...given }),
    answerPage: (what, status, times) => fates.on(what, { kind: 'page', status }, times),
    loseAnswer: (what, times) => fates.on(what, { kind: 'lost' }, times),
    dropRequest: (what, times) => fates.on(what, { kind: 'dropped' }, times),
    seen: fates.seen,
    close: () => front.close(),
  }
}
