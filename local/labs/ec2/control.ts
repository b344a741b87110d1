/** Everything a test may do to the account from outside, and all that it may look at. */
import { AMAZON } from './actions/images.ts'
import { addInstance, type InstanceSpec } from './account.ts'
import type { Disk } from './disk.ts'
import { Refusal } from './errors.ts'
import type { SeenCall } from './faults.ts'
import type { LabState } from './service.ts'
import type { InstanceState, LabImage, LabInstance, LabSnapshot, LabVolume, Region, Settings } from './world.ts'

export interface Ec2Control {
  /** What may be turned while the lab runs. */
  readonly settings: Settings
  /** New and pending snapshots stay pending until `finishSnapshots`. */
  holdSnapshots(): void
  /** These pending snapshots are completed now; without ids all are, and none is held any more. */
  finishSnapshots(...ids: string[]): void
  failSnapshot(id: string, statusMessage: string): void
  /** Somebody else's lifecycle rule: gone, in use or not. */
  removeSnapshot(id: string): void
  archiveSnapshot(id: string): void
  /** `sum`: wrong bytes under the right sum. `bytes`: wrong bytes under a sum that fits them. */
  corruptBlock(snapshotId: string, index: number, how: 'sum' | 'bytes', times?: number): void
  /** The next calls of an action, `*` for any, are too many. */
  throttle(action: string, times?: number): void
  refuse(
    action: string,
    with_: { status: number; code: string; message: string; reason?: string },
    times?: number,
  ): void
  /** The action is done, and the connection ends without an answer. */
  loseAnswer(action: string, times?: number): void
  /** The connection ends before the request is looked at. */
  dropRequest(action: string, times?: number): void
  /** The action is done, and half of the answer's body arrives. */
  cutAnswer(action: string, times?: number): void
  /** A web page instead of an answer. */
  answerPage(action: string, status?: number, times?: number): void
  /** The next call of an action is done and not answered until the returned function is called. */
  holdAnswer(action: string): () => void
  /** Something happens once the next call of an action is done, and before it is answered. */
  onceDone(action: string, act: () => Promise<void> | void): void
  /** No fault waits any more. */
  clearFaults(): void
  /** The service's clock less the lab's; may be negative. */
  setClockSkew(milliseconds: number): void
  /** Sessions of roles end now. */
  expireSessions(): void
  revokeKey(accessKeyId: string): void
  /** Calls of an action so far, refused and lost ones included; of all without a name. */
  calls(action?: string): number
  readonly seen: readonly SeenCall[]
  readonly blocksRead: readonly { snapshotId: string; index: number }[]
  /** From clients: how many there were, and how many there are. */
  readonly connections: Readonly<{ opened: number; open: number }>
  /** Forget the calls and blocks that were counted. */
  resetCounts(): void
  /** What is there now, of all Regions; what Amazon shows to everybody isn't in it. */
  instances(): LabInstance[]
  volumes(): LabVolume[]
  snapshots(): LabSnapshot[]
  images(): LabImage[]
  zones(): string[]
  addInstance(spec: InstanceSpec): LabInstance
  /** With its volumes, without a trace. */
  removeInstance(id: string): void
  setInstance(id: string, change: { state?: InstanceState; tags?: Record<string, string> }): void
  /** Of a volume or a snapshot. */
  disk(id: string): Disk
  /** The guest writes: snapshots made before keep what was there. */
  writeBlock(volumeId: string, index: number, bytes: Uint8Array): void
}

export function createControl(state: LabState, clock: { skewMs: number }): Ec2Control {
  const { world, faults, blocksRead } = state
  const { settings } = world
  const regions = (): Region[] => [...world.regions.values()]
  const all = <T>(of: (region: Region) => ReadonlyMap<string, T>): T[] =>
    regions().flatMap((each) => [...of(each).values()])
  const mine = <T extends { ownerId: string }>(items: T[]): T[] => items.filter(({ ownerId }) => ownerId !== AMAZON)
  const one = <T extends { id: string }>(items: readonly T[], id: string): T => {
    const found = items.find((item) => item.id === id)
    if (found === undefined) throw new Error(`The lab has no ${id}.`)
    return found
  }
  const snapshots = (): LabSnapshot[] => mine(all((region) => region.snapshots))
  const volumes = (): LabVolume[] => all((region) => region.volumes)
  const instances = (): LabInstance[] => all((region) => region.instances)
  return {
    settings,
    holdSnapshots: () => {
      settings.heldSnapshots = true
    },
    finishSnapshots: (...ids) => {
      if (ids.length === 0) settings.heldSnapshots = false
      const chosen = ids.length === 0 ? snapshots() : ids.map((id) => one(snapshots(), id))
      for (const snapshot of chosen) {
        const written = snapshot.writing === undefined || snapshot.writing.completed === true
        if (snapshot.state === 'pending' && written)
          Object.assign(snapshot, { state: 'completed', asksLeft: 0, completedAt: world.now() })
      }
    },
    failSnapshot: (id, statusMessage) => {
      Object.assign(one(snapshots(), id), { state: 'error', statusMessage })
    },
    removeSnapshot: (id) => {
      one(snapshots(), id)
      for (const region of regions()) region.snapshots.delete(id)
    },
    archiveSnapshot: (id) => {
      one(snapshots(), id).storageTier = 'archive'
    },
    corruptBlock: (snapshotId, index, how, times = 1) => {
      faults.wrongBlocks.set(`${snapshotId}/${index}`, { how, left: times })
    },
    throttle: (action, times) => faults.on(action, { kind: 'throttled' }, times),
    refuse: (action, { status, code, message, reason }, times) =>
      faults.on(action, { kind: 'refused', refusal: new Refusal(status, code, message, reason) }, times),
    loseAnswer: (action, times) => faults.on(action, { kind: 'lost' }, times),
    dropRequest: (action, times) => faults.on(action, { kind: 'dropped' }, times),
    cutAnswer: (action, times) => faults.on(action, { kind: 'cut' }, times),
    answerPage: (action, status = 200, times = 1) => faults.on(action, { kind: 'page', status }, times),
    holdAnswer: (action) => {
      const { promise, resolve } = Promise.withResolvers<void>()
      faults.on(action, { kind: 'held', until: () => promise })
      return resolve
    },
    onceDone: (action, act) => faults.on(action, { kind: 'held', until: async () => act() }),
    clearFaults: () => faults.clear(),
    setClockSkew: (milliseconds) => {
      clock.skewMs = milliseconds
    },
    expireSessions: () => {
      for (const credential of world.credentials.values())
        if (credential.expiresAt !== undefined) credential.expiresAt = new Date(0)
    },
    revokeKey: (accessKeyId) => {
      world.credentials.delete(accessKeyId)
    },
    calls: (action) => faults.seen.filter((call) => action === undefined || call.action === action).length,
    seen: faults.seen,
    blocksRead,
    connections: state.connections,
    resetCounts: () => {
      faults.seen.length = 0
      blocksRead.length = 0
      state.connections.opened = state.connections.open
    },
    instances,
    volumes,
    snapshots,
    images: () => mine(all((region) => region.images)),
    zones: () => regions().flatMap(({ zones }) => zones),
    addInstance: (spec) => addInstance(world, spec),
    removeInstance: (id) => {
      one(instances(), id)
      for (const region of regions()) {
        region.instances.delete(id)
        for (const volume of region.volumes.values())
          if (volume.attachment?.instanceId === id) region.volumes.delete(volume.id)
      }
    },
    setInstance: (id, { state: wanted, tags }) => {
      const instance = one(instances(), id)
      if (wanted !== undefined) instance.state = wanted
      if (wanted !== undefined) delete instance.next
      if (tags !== undefined) instance.tags = new Map(Object.entries(tags))
    },
    disk: (id) => one([...volumes(), ...snapshots()], id).disk,
    writeBlock: (volumeId, index, bytes) => one(volumes(), volumeId).disk.write(index, bytes),
  }
}
