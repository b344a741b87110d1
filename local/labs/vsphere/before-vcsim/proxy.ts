/**
 * A server before VMware's own simulator, which adds what that one lacks: the order of elements, quoted cookies, slow tasks,
 * one task at a time, missing rights, chains of disks, consolidation, and answers that go wrong.
 */
import { Fates, type Seen } from '../fates.ts'
import { type Front, startFront } from '../front.ts'
import { METHODS } from '../methods/all.ts'
import type { Incoming, Outgoing } from '../wire/exchange.ts'
import { inputOf, spoken } from '../soap.ts'
import { answerEnvelope, faultEnvelope } from '../wire/envelope.ts'
import { duplicateName, fileLocked, noPermission, taskInProgress, VimFault } from '../wire/faults.ts'
import { checkCall } from '../wire/schema.ts'
import { ref } from '../wire/values.ts'
import type { Element } from '../wire/xml.ts'
import { finishClone, rememberDisks } from './clones.ts'
import { addWanted, checkDirectory, hasFolder } from './files.ts'
import { properties } from './objects.ts'
import { ownTaskAnswer } from './own-task.ts'
import { outgoing, passedOn } from './passing.ts'
import type { State } from './state.ts'
import { type Headers, Upstream } from './upstream.ts'

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

/** A task that the simulator doesn't have. */
function ownTask(state: State, guestId: string, method: string, descriptionId: string, fault?: VimFault): Outgoing {
  const id = `task-own-${state.tasks.size + 1}`
  const own = {
    name: method.replace(/_Task$/, ''),
    descriptionId,
    at: state.now(),
    ...(fault === undefined ? {} : { fault }),
  }
  state.tasks.set(id, { id, guestId, asksLeft: state.settings.taskAsks, own })
  return xml(200, answerEnvelope(method, ref('Task', id)))
}

function consolidated(state: State, guestId: string): Outgoing {
  const there = state.consolidation.get(guestId)
  if (there?.stays === false) there.needed = false
  return ownTask(state, guestId, 'ConsolidateVMDisks_Task', 'VirtualMachine.consolidateDisks')
}

/** A vCenter makes no second guest of a name in a folder. */
async function taken(state: State, cookie: Headers, call: Element): Promise<VimFault | undefined> {
  const name = call.textOf('name') ?? ''
  const children = await state.upstream.property(cookie, 'Folder', call.textOf('folder') ?? '', 'childEntity')
  for (const child of children?.children ?? []) {
    const type = child.attributes['type'] ?? ''
    const own = await state.upstream.property(cookie, type, child.text, 'name')
    if (own?.text === name) return duplicateName(name, ref(type, child.text))
  }
  return undefined
}

/** What a vCenter does, and the simulator doesn't; nothing where it is the same. */
async function differing(
  state: State,
  cookie: Headers,
  call: Element,
  guestId?: string,
): Promise<Outgoing | undefined> {
  const { upstream } = state
  if (call.name === 'MakeDirectory') await checkDirectory(upstream, cookie, call)
  if (call.name === 'RegisterVM_Task') await addWanted(upstream, cookie, call)
  if (guestId !== undefined && call.name === 'ConsolidateVMDisks_Task') return consolidated(state, guestId)
  const fault = call.name === 'CloneVM_Task' ? await taken(state, cookie, call) : undefined
  if (fault !== undefined && guestId !== undefined)
    return ownTask(state, guestId, 'CloneVM_Task', 'VirtualMachine.clone', fault)
  const own = ownTaskAnswer(call, state.tasks)
  return own === undefined ? undefined : xml(200, own)
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
  const other = await differing(state, session, call, guestId)
  if (other !== undefined) return other
  const clones = call.name === 'CloneVM_Task' && guestId !== undefined
  if (clones) await rememberDisks(state, session, guestId)
  const answer = await state.upstream.send(incoming.method, incoming.target, headers, incoming.body)
  const text = answer.body.toString('utf8')
  if (answer.status !== 200) return outgoing(answer)
  const id = isTask(call) ? /<returnval type="Task">([^<]+)</.exec(text)?.[1] : undefined
  if (id !== undefined) state.tasks.set(id, { id, guestId, asksLeft: state.settings.taskAsks })
  if (clones && id !== undefined) await finishClone(state, session, call, { taskId: id, guestId })
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
  const headers = passedOn(incoming)
  const { cookie } = headers
  if (method === 'PUT' && cookie !== undefined && !(await hasFolder(state.upstream, { cookie }, target)))
    return { status: 404, headers: {}, body: Buffer.alloc(0) }
  const answer = await state.upstream.send(method, target, headers, incoming.body)
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
    diskNames: new Map(),
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
