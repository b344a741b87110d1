/** Everything a test may do to the subscription from outside, and all that it may look at. */
import { keyOf } from './arm/target.ts'
import { exportedOf } from './blobs/serve.ts'
import { Refusal } from './errors.ts'
import type { Fate, SeenCall } from './faults.ts'
import { addVm, type VmSpec } from './subscription.ts'
import type {
  Exported,
  LabClient,
  LabCollection,
  LabDisk,
  LabSnapshot,
  LabState,
  LabVm,
  Operation,
  Settings,
} from './world.ts'

/** Calls are named as the routes are (`restorePoints.createOrUpdate`, `operations.get`), `token`, `blob.head`, `blob.read`, `blob.pageList`, `blob.write`; `*` for any. */
export interface AzureControl {
  /** What may be turned while the lab runs. */
  readonly settings: Settings
  /** New operations of these calls, or all of them, stay in progress. */
  holdOperations(...calls: string[]): void
  /** Those that are held go on, and no new one is held any more. */
  releaseOperations(): void
  /** The next operations of a call end as failed. */
  failOperation(call: string, error: { code: string; message: string }, times?: number): void
  refuse(
    call: string,
    with_: { status: number; code: string; message: string; headers?: Record<string, string> },
    times?: number,
  ): void
  /** 429 with `Retry-After`. */
  throttle(call: string, seconds?: number, times?: number): void
  /** 503 `ServerBusy`, as the blob service says it. */
  busy(call: string, times?: number): void
  /** A policy of the subscription forbids the call. */
  forbid(call: string, policy: string, times?: number): void
  loseAnswer(call: string, times?: number): void
  dropRequest(call: string, times?: number): void
  cutAnswer(call: string, times?: number): void
  truncateAnswer(call: string, times?: number): void
  /** 200 and all of the blob where a range was asked for. */
  answerWhole(times?: number): void
  /** One wrong byte under the right sum. */
  corruptRead(times?: number): void
  answerPage(call: string, status?: number, times?: number): void
  /** The next call is done and not answered until the returned function is called. */
  holdAnswer(call: string): () => void
  /** Something happens before the next call is looked at. */
  before(call: string, act: () => void): void
  clearFaults(): void
  /** The services' clock less the lab's; may be negative. */
  setClockSkew(milliseconds: number): void
  expireTokens(): void
  /** All signatures end now; the resources count as given back. */
  expireSignatures(): void
  /** A client's secret is refused as expired, or as wrong where it is replaced. */
  expireSecret(clientId: string): void
  replaceSecret(clientId: string, secret: string): void
  setRole(clientId: string, role: LabClient['role']): void
  /** The bytes behind an id change, and with them the tag. */
  touchBlob(id: string): void
  seen: readonly SeenCall[]
  /** Calls of a name so far, refused and lost ones included; of all without one. */
  calls(name?: string): number
  readonly connections: Readonly<{ opened: number; open: number }>
  resetCounts(): void
  vms(): readonly LabVm[]
  disks(): readonly LabDisk[]
  snapshots(): readonly LabSnapshot[]
  collections(): readonly LabCollection[]
  operations(): readonly Operation[]
  /** What has a signature that still lives. */
  liveSignatures(): readonly Exported[]
  addVm(spec: VmSpec): LabVm
  setVm(name: string, changes: Partial<Pick<LabVm, 'state' | 'tags' | 'agent'>>): void
  removeVm(name: string): void
  /** A disk, snapshot or disk of a restore point by its id, however that is written. */
  find(id: string): Exported | undefined
}

type Strikes = Pick<
  AzureControl,
  | 'refuse'
  | 'throttle'
  | 'busy'
  | 'loseAnswer'
  | 'dropRequest'
  | 'cutAnswer'
  | 'truncateAnswer'
  | 'answerWhole'
  | 'corruptRead'
  | 'answerPage'
  | 'holdAnswer'
  | 'before'
  | 'clearFaults'
>

function strikes({ faults }: LabState): Strikes {
  const plain =
    (kind: 'lost' | 'dropped' | 'cut' | 'truncated') =>
    (call: string, times?: number): void =>
      faults.on(call, { kind }, times)
  const refused = (status: number, code: string, message: string, headers?: Record<string, string>): Fate => ({
    kind: 'refused',
    refusal: new Refusal(status, code, message, headers),
  })
  return {
    refuse: (call, { status, code, message, headers }, times) =>
      faults.on(call, refused(status, code, message, headers), times),
    throttle: (call, seconds = 1, times) =>
      faults.on(
        call,
        refused(429, 'TooManyRequests', 'The request is being throttled.', { 'retry-after': String(seconds) }),
        times,
      ),
    busy: (call, times) => faults.on(call, refused(503, 'ServerBusy', 'The server is busy.'), times),
    loseAnswer: plain('lost'),
    dropRequest: plain('dropped'),
    cutAnswer: plain('cut'),
    truncateAnswer: plain('truncated'),
    answerWhole: (times) => faults.on('blob.read', { kind: 'whole' }, times),
    corruptRead: (times) => faults.on('blob.read', { kind: 'corrupt' }, times),
    answerPage: (call, status = 200, times) => faults.on(call, { kind: 'page', status }, times),
    holdAnswer: (call) => {
      const { promise, resolve } = Promise.withResolvers<void>()
      faults.on(call, { kind: 'held', until: () => promise })
      return resolve
    },
    before: (call, act) => faults.on(call, { kind: 'first', act }),
    clearFaults: () => faults.clear(),
  }
}

function needClient({ world }: LabState, clientId: string): LabClient {
  const client = world.clients.get(clientId.toLowerCase())
  if (client === undefined) throw new Error(`There is no client ${clientId}.`)
  return client
}

function needVm({ world }: LabState, name: string): LabVm {
  const vm = [...world.vms.values()].find((one) => one.name === name)
  if (vm === undefined) throw new Error(`There is no VM ${name}.`)
  return vm
}

type Identities = Pick<
  AzureControl,
  | 'expireTokens'
  | 'expireSignatures'
  | 'expireSecret'
  | 'replaceSecret'
  | 'setRole'
  | 'liveSignatures'
  | 'find'
  | 'touchBlob'
>

function identities(state: LabState): Identities {
  const { world } = state
  const find = (id: string): Exported | undefined => [...exportedOf(world)].find((one) => keyOf(one.id) === keyOf(id))
  return {
    expireTokens: () => {
      for (const token of world.tokens.values()) token.ends = world.now()
    },
    expireSignatures: () => {
      for (const { access } of exportedOf(world)) if (access !== undefined) access.expires = world.now()
    },
    expireSecret: (clientId) => {
      needClient(state, clientId).secretEnds = world.now()
    },
    replaceSecret: (clientId, secret) => {
      needClient(state, clientId).secret = secret
    },
    setRole: (clientId, role) => {
      needClient(state, clientId).role = role
    },
    liveSignatures: () =>
      [...exportedOf(world)].filter(({ access }) => access !== undefined && access.expires > world.now()),
    find,
    touchBlob: (id) => {
      const of = find(id)
      if (of === undefined) throw new Error(`There is nothing with the id ${id}.`)
      of.blob.pages.write(0, Buffer.alloc(512, 0xee))
      of.blob.etag = `"0x${world.newGuid().replaceAll('-', '').slice(0, 15).toUpperCase()}"`
      of.blob.modified = world.now()
    },
  }
}

type Holds = Pick<AzureControl, 'holdOperations' | 'releaseOperations' | 'failOperation' | 'forbid'>

const holds = ({ world }: LabState): Holds => ({
  holdOperations: (...calls) => {
    world.settings.heldOperations = calls.length === 0 ? true : calls
  },
  releaseOperations: () => {
    world.settings.heldOperations = false
    for (const operation of world.operations.values()) operation.held = false
  },
  failOperation: (call, error, times = 1) => {
    world.operationFaults.push({ call, error, left: times })
  },
  forbid: (call, name, times = Number.POSITIVE_INFINITY) => {
    world.policies.push({ call, name, times })
  },
})

export function createControl(state: LabState, clock: { skewMs: number }): AzureControl {
  const { world, faults } = state
  return {
    settings: world.settings,
    ...holds(state),
    ...strikes(state),
    ...identities(state),
    setClockSkew: (milliseconds) => {
      clock.skewMs = milliseconds
    },
    seen: faults.seen,
    calls: (name) => faults.seen.filter(({ call }) => name === undefined || call === name).length,
    connections: state.connections,
    resetCounts: () => {
      faults.seen.length = 0
      state.connections.opened = state.connections.open
    },
    vms: () => [...world.vms.values()],
    disks: () => [...world.disks.values()],
    snapshots: () => [...world.snapshots.values()],
    collections: () => [...world.collections.values()],
    operations: () => [...world.operations.values()],
    addVm: (spec) => addVm(world, spec),
    setVm: (name, changes) => {
      Object.assign(needVm(state, name), changes)
    },
    removeVm: (name) => {
      world.vms.delete(keyOf(needVm(state, name).id))
    },
  }
}
