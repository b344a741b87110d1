/** Any managed object by its reference, with its properties. */
import {
  dateTime,
  enumeration,
  int,
  list,
  string,
  structure,
  type Value,
  boolean,
  anyType,
  derived,
  long,
  ref,
} from '../wire/values.ts'
import { localized } from '../wire/faults.ts'
import { taskOf, stepTask } from '../world/tasks.ts'
import { guests, type Session, type Snapshot, type Task, type View, type World } from '../world/world.ts'
import { within } from '../world/paths.ts'
import { privilegesOn } from '../world/rights.ts'
import { serviceContent, singletons } from './about.ts'
import { configOf, guestProperties, type Properties } from './guest.ts'
import {
  clusterProperties,
  datacenterProperties,
  datastoreProperties,
  folderProperties,
  hostProperties,
  networkProperties,
  poolProperties,
} from './places.ts'
import { refsTo, snapshotRef } from './references.ts'

/** An object that a session may ask for. */
export interface Found {
  type: string
  id: string
  /** Whose permissions count; none for what every session may see. */
  ownerId: string | undefined
  properties: Properties
}

/** Types that a specification for another one also means. */
export const BASES: Readonly<Record<string, readonly string[]>> = {
  ClusterComputeResource: ['ComputeResource'],
}

export const isA = (type: string, wanted: string): boolean =>
  type === wanted ||
  wanted === 'ManagedObject' ||
  (BASES[type] ?? []).includes(wanted) ||
  (wanted === 'ManagedEntity' && ENTITIES.has(type))

const ENTITIES = new Set([
  'Folder',
  'Datacenter',
  'ClusterComputeResource',
  'ComputeResource',
  'HostSystem',
  'ResourcePool',
  'Network',
  'Datastore',
  'VirtualMachine',
])

export function sessionValue(session: Session, host: string): Value {
  return structure('UserSession', {
    key: string(session.key),
    userName: string(session.user.name),
    fullName: string(session.user.name),
    loginTime: dateTime(session.loggedInAt),
    lastActiveTime: dateTime(session.lastActiveAt),
    locale: string('en_US'),
    messageLocale: string('en_US'),
    extensionSession: boolean(false),
    ipAddress: string(host),
    userAgent: string(session.userAgent),
    callCount: long(session.calls),
  })
}

export function taskInfo(task: Task): Value {
  return structure('TaskInfo', {
    key: string(task.id),
    task: ref('Task', task.id),
    description: undefined,
    name: string(task.name),
    descriptionId: string(task.descriptionId),
    entity: ref(task.entity.type, task.entity.id),
    entityName: string(task.entity.name),
    locked: undefined,
    state: enumeration('TaskInfoState', task.state),
    cancelled: boolean(false),
    cancelable: boolean(false),
    error: task.fault === undefined ? undefined : localized(task.fault),
    result: task.result === undefined ? undefined : markedAny(task.result),
    progress: task.progress === undefined ? undefined : int(task.progress),
    reason: derived('TaskReasonUser', { userName: string(task.user) }),
    queueTime: dateTime(task.queuedAt),
    startTime: task.startedAt === undefined ? undefined : dateTime(task.startedAt),
    completeTime: task.completedAt === undefined ? undefined : dateTime(task.completedAt),
    eventChainId: int(Number(/\d+$/.exec(task.id)?.[0] ?? 0)),
  })
}

/** The result of a task is of any type, so that references say theirs, too. */
const markedAny = (value: Value): Value => (value.kind === 'reference' ? { ...value, marked: true } : anyType(value))

function snapshotProperties(world: World, snapshot: Snapshot): Properties {
  const guest = guests(world).find(({ id }) => id === snapshot.guestId)
  return {
    childSnapshot: () =>
      list(
        'ManagedObjectReference',
        (guest?.snapshots ?? []).filter(({ parent }) => parent === snapshot).map(({ id }) => snapshotRef(id)),
      ),
    config: () => (guest === undefined ? undefined : configOf(world, guest, snapshot)),
    vm: () => ref('VirtualMachine', snapshot.guestId),
  }
}

function viewProperties(world: World, session: Session, view: View): Properties {
  return {
    container: () => {
      const entry = world.entries.get(view.container)
      return entry === undefined ? undefined : ref(entry.type, entry.id)
    },
    recursive: () => boolean(view.recursive),
    type: () => list('string', view.types.map(string)),
    view: () =>
      refsTo(
        [...world.entries.values()].filter(
          (each) =>
            (view.recursive ? within(world, each, view.container) : each.parent === view.container) &&
            (view.types.length === 0 || view.types.some((wanted) => isA(each.type, wanted))) &&
            privilegesOn(world, session.user, each).includes('System.View'),
        ),
      ),
  }
}

function entryProperties(world: World, id: string): Properties | undefined {
  const entry = world.entries.get(id)
  switch (entry?.type) {
    case undefined:
      return undefined
    case 'Folder':
      return folderProperties(world, entry)
    case 'Datacenter':
      return datacenterProperties(world, entry)
    case 'ClusterComputeResource':
    case 'ComputeResource':
      return clusterProperties(world, entry)
    case 'HostSystem':
      return hostProperties(world, entry)
    case 'ResourcePool':
      return poolProperties(world, entry)
    case 'Network':
      return networkProperties(world, entry)
    case 'Datastore':
      return datastoreProperties(world, entry)
    case 'VirtualMachine':
      return guestProperties(world, entry)
  }
}

function singletonProperties(world: World, type: string, session: Session | undefined): Properties {
  if (type === 'ServiceInstance')
    return {
      capability: () => undefined,
      content: () => serviceContent(world),
      serverClock: () => dateTime(world.now()),
    }
  if (type === 'SessionManager')
    return {
      currentSession: () => (session === undefined ? undefined : sessionValue(session, '127.0.0.1')),
      defaultLocale: () => string('en'),
      message: () => undefined,
      messageLocaleList: () => list('string', [string('en')]),
      sessionList: () => undefined,
      supportedLocaleList: () => list('string', [string('en')]),
    }
  if (type === 'TaskManager')
    return {
      description: () => undefined,
      maxCollector: () => int(32),
      recentTask: () => list('ManagedObjectReference', []),
    }
  return {}
}

/** The object of a reference; nothing where there never was one, or is none any more. */
export function findObject(world: World, session: Session | undefined, type: string, id: string): Found | undefined {
  const found = (properties: Properties, ownerId?: string): Found => ({ type, id, ownerId, properties })
  if (singletons(world.product)[type] === id) return found(singletonProperties(world, type, session))
  const entry = world.entries.get(id)
  if (entry !== undefined) return entry.type === type ? found(entryProperties(world, id) ?? {}, id) : undefined
  if (type === 'VirtualMachineSnapshot') {
    const snapshot = world.snapshots.get(id)
    return snapshot === undefined ? undefined : found(snapshotProperties(world, snapshot), snapshot.guestId)
  }
  if (type === 'Task') {
    const task = taskOf(world, id)
    if (task === undefined) return undefined
    // Asking for a task moves it on: once for each answer that shows it.
    let stepped = false
    const info = (): Value => {
      if (!stepped) stepTask(world, task)
      stepped = true
      return taskInfo(task)
    }
    return found({ info })
  }
  if (type === 'ContainerView') {
    const view = session?.views.get(id)
    return session === undefined || view === undefined ? undefined : found(viewProperties(world, session, view))
  }
  if (type === 'HostDatastoreBrowser') {
    const datastore = world.entries.get(id.replace(/^datastoreBrowser-/, ''))
    return datastore?.type === 'Datastore' ? found({ datastore: () => refsTo([datastore]) }, datastore.id) : undefined
  }
  return undefined
}
