/** Everything a test may do to the site from outside, and all that it may look at. */
import { VimFault } from './wire/faults.ts'
import type { Value } from './wire/values.ts'
import { addGuest } from './world/build-guest.ts'
import { renewExtent, writeGuestFiles } from './world/guest-files.ts'
import { removeSnapshot } from './world/snapshots.ts'
import type { GuestSpec } from './world/specs.ts'
import { finishTask, unfinishedTasks } from './world/tasks.ts'
import {
  type Datastore,
  entriesOf,
  type Guest,
  guests,
  type LabFile,
  type Settings,
  type Snapshot,
  type Task,
  type World,
} from './world/world.ts'
import type { Front } from './front.ts'
import type { LabState } from './state.ts'
import type { Seen } from './fates.ts'
import { flatBytes } from './disks/bytes.ts'

export interface FaultSpec {
  /** As `FilesystemQuiesceFault`. */
  type: string
  message?: string
  fields?: Record<string, Value>
}

export interface VsphereControl {
  /** What may be turned while the lab runs. */
  readonly settings: Settings
  /** New tasks stay running until `finishTasks`. */
  holdTasks(): void
  /** These unfinished tasks end now; without ids all do, and none is held any more. */
  finishTasks(...ids: string[]): void
  /** An unfinished task ends with a fault; `leaves`: its work is done nevertheless. */
  failTask(id: string, fault: FaultSpec, leaves?: boolean): void
  tasks(guestId?: string): readonly Task[]
  /** The next calls of a method, or of all below a path, are refused with a fault. */
  refuse(what: string, fault: FaultSpec, times?: number): void
  /** Done, and the connection ends without an answer. */
  loseAnswer(what: string, times?: number): void
  /** The connection ends before the request is looked at. */
  dropRequest(what: string, times?: number): void
  /** Done, and half of the answer's body arrives. */
  cutAnswer(what: string, times?: number): void
  /** A web page instead of an answer, with any status. */
  answerPage(what: string, status?: number, times?: number): void
  /** Done and not answered until the returned function is called. */
  holdAnswer(what: string): () => void
  mangleAnswer(what: string, mangle: (body: string) => string, times?: number): void
  /** The whole file in answer to a range. */
  answerWhole(path: string, times?: number): void
  wrongContentRange(path: string, times?: number): void
  clearFaults(): void
  /** The server's clock less the lab's; may be negative. */
  setClockSkew(milliseconds: number): void
  endSessions(): void
  sessions(): number
  /** Another certificate from now on; returns its fingerprint. */
  changeCertificate(): string
  addGuest(spec: GuestSpec): Guest
  /** Without a trace in the inventory; its files stay. */
  removeGuest(id: string): void
  /** Changes what a test likes, as the host after a vMotion. The files follow. */
  setGuest(id: string, change: Partial<Guest>): void
  /** Somebody removes a snapshot by hand. */
  removeSnapshot(id: string): void
  /** The guest writes to a disk: into what isn't frozen. */
  write(guestId: string, diskKey: number, offset: number, bytes: Uint8Array): void
  /** What a disk holds for its guest, through all links. */
  readDisk(guestId: string, diskKey: number, offset: number, length: number): Uint8Array
  /** What a file's size or time says from now on. */
  setFile(datastore: string, path: string, change: { sizeBytes?: number; modifiedAt?: Date }): void
  file(datastore: string, path: string): LabFile | undefined
  guests(): Guest[]
  guest(idOrName: string): Guest
  snapshots(guestId?: string): Snapshot[]
  datastores(): Datastore[]
  /** Whatever the inventory has of a type. */
  entries(type: string): readonly { id: string; name: string }[]
  /** Paths of a datastore's files. */
  files(datastore: string): string[]
  /** Calls of a method or of a path so far; of all without a name. */
  calls(what?: string): number
  readonly seen: readonly Seen[]
  /** Bytes sent of files, by their path. */
  readonly bytesRead: ReadonlyMap<string, number>
  resetCounts(): void
}

export function createControl(state: LabState, clock: { skewMs: number }, front: Front): VsphereControl {
  const { world, fates, bytesRead } = state
  const guest = (id: string): Guest => {
    const found = guests(world).find((each) => each.id === id || each.instanceUuid === id || each.name === id)
    if (found === undefined) throw new Error(`The lab has no guest ${id}.`)
    return found
  }
  const disk = (guestId: string, key: number) => {
    const found = guest(guestId).disks.find((each) => each.key === key)
    if (found === undefined) throw new Error(`The guest ${guestId} has no disk ${key}.`)
    return found
  }
  const datastore = (name: string): Datastore => {
    const found = entriesOf(world, 'Datastore').find((each) => each.name === name)
    if (found === undefined) throw new Error(`The lab has no datastore ${name}.`)
    return found
  }
  const fault = ({ type, message = type, fields = {} }: FaultSpec): VimFault => new VimFault(type, message, fields)
  const task = (id: string): Task => {
    const found = world.tasks.get(id)
    if (found === undefined) throw new Error(`The lab has no task ${id}.`)
    return found
  }
  return {
    settings: world.settings,
    holdTasks: () => {
      world.settings.heldTasks = true
    },
    finishTasks: (...ids) => {
      if (ids.length === 0) world.settings.heldTasks = false
      for (const each of ids.length === 0 ? world.tasks.values() : ids.map(task)) finishTask(world, each)
    },
    failTask: (id, spec, leaves = false) => {
      const found = task(id)
      found.failure = { fault: fault(spec), leaves }
      finishTask(world, found)
    },
    tasks: (guestId) => (guestId === undefined ? [...world.tasks.values()] : unfinishedTasks(world, guest(guestId).id)),
    refuse: (what, spec, times) => fates.on(what, { kind: 'fault', fault: fault(spec) }, times),
    loseAnswer: (what, times) => fates.on(what, { kind: 'lost' }, times),
    dropRequest: (what, times) => fates.on(what, { kind: 'dropped' }, times),
    cutAnswer: (what, times) => fates.on(what, { kind: 'cut' }, times),
    answerPage: (what, status = 200, times = 1) => fates.on(what, { kind: 'page', status }, times),
    holdAnswer: (what) => {
      const { promise, resolve } = Promise.withResolvers<void>()
      fates.on(what, { kind: 'held', until: promise })
      return resolve
    },
    mangleAnswer: (what, mangle, times) => fates.on(what, { kind: 'mangled', mangle }, times),
    answerWhole: (path, times) => fates.on(path, { kind: 'whole' }, times),
    wrongContentRange: (path, times) => fates.on(path, { kind: 'wrong range' }, times),
    clearFaults: () => fates.clear(),
    setClockSkew: (milliseconds) => {
      clock.skewMs = milliseconds
    },
    endSessions: () => {
      world.sessions.clear()
      world.restSessions.clear()
    },
    sessions: () => world.sessions.size,
    changeCertificate: () => {
      front.renew()
      return front.fingerprint()
    },
    addGuest: (spec) => addGuest(world, spec),
    removeGuest: (id) => forget(world, guest(id)),
    setGuest: (id, change) => {
      const found = guest(id)
      Object.assign(found, change)
      writeGuestFiles(world, found)
    },
    removeSnapshot: (id) => {
      const snapshot = world.snapshots.get(id)
      if (snapshot === undefined) throw new Error(`The lab has no snapshot ${id}.`)
      removeSnapshot(world, guest(snapshot.guestId), snapshot)
    },
    write: (guestId, key, offset, bytes) => {
      const { top } = disk(guestId, key)
      top.write(offset, bytes)
      renewExtent(world, top)
    },
    readDisk: (guestId, key, offset, length) => {
      const { top } = disk(guestId, key)
      const block = (index: number) => top.block(index)
      return flatBytes({ sizeBytes: offset + length, block }).read(offset, length)
    },
    setFile: (name, path, { sizeBytes, modifiedAt }) => {
      const file = datastore(name).files.get(path)
      if (file === undefined) throw new Error(`The datastore ${name} has no file ${path}.`)
      if (sizeBytes !== undefined) file.wrongSizeBytes = sizeBytes
      if (modifiedAt !== undefined) file.modifiedAt = modifiedAt
    },
    file: (name, path) => datastore(name).files.get(path),
    guests: () => guests(world),
    guest,
    snapshots: (guestId) => (guestId === undefined ? [...world.snapshots.values()] : guest(guestId).snapshots),
    datastores: () => entriesOf(world, 'Datastore'),
    entries: (type) => [...world.entries.values()].filter((each) => each.type === type),
    files: (name) => [...datastore(name).files.keys()].toSorted(),
    calls: (what) => fates.seen.filter((each) => what === undefined || each.what === what).length,
    seen: fates.seen,
    bytesRead,
    resetCounts: () => {
      fates.seen.length = 0
      bytesRead.clear()
    },
  }
}

function forget(world: World, guest: Guest): void {
  for (const { id } of guest.snapshots) world.snapshots.delete(id)
  world.entries.delete(guest.id)
}
