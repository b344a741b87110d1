/**
 * A simulated Azure subscription in this process: Entra, Resource Manager and page blobs on one address of loopback, by
 * TLS with a certificate of its own, for the calls that Guestlift makes. Long-running operations, lists in pages, ids in
 * changing case, roles and signatures are as Azure has them; what it answers in words is as far as it is known.
 */
import { randomBytes } from 'node:crypto'
import { createIdentity } from '../shared/certificate.ts'
import { startControlServer } from '../shared/control-server.ts'
import { azureCommandSchema, carryOut, stateOf } from './control-command.ts'
import { type AzureControl, createControl } from './control.ts'
import { Faults } from './faults.ts'
import { startFront } from './front.ts'
import { addGroup, addVm, type VmSpec } from './subscription.ts'
import type { LabClient, LabState, Settings, World } from './world.ts'

export interface AzureLabOptions {
  /** 0, as unless told, takes any free port. */
  port?: number
  /** Where the control address listens; there is none unless told. */
  controlPort?: number
  clock?: () => Date
  random?: (bytes: number) => Uint8Array
  tenant?: string
  subscription?: string
  /** App registrations; one with a secret that may everything unless told. */
  clients?: readonly LabClient[]
  groups?: readonly { name: string; location?: string }[]
  vms?: readonly VmSpec[]
  /** How the subscription behaves; see there. */
  settings?: Partial<Settings>
}

export interface AzureLab {
  /** The endpoint of Entra, of Resource Manager and of the blobs. */
  url: string
  /** The root that signed its certificate, PEM. */
  ca: string
  tenant: string
  subscription: string
  clients: readonly LabClient[]
  control: AzureControl
  /** URL of the control address, where one was asked for. */
  controlUrl?: string
  /** A site configuration that reaches this lab, ready to use. */
  site(): Record<string, unknown>
  close(): Promise<void>
}

/** How the subscription behaves unless told: quickly, and with all its quirks. */
const SETTINGS: Settings = {
  operationAsks: 1,
  operationSeconds: 0,
  retryAfterSeconds: 1,
  heldOperations: false,
  pageSize: 3,
  changeCase: true,
  tokenSeconds: 3599,
  pointsPerHour: 3,
  completionStep: 50,
  mostPageRanges: 10_000,
  finalLocation: 'ok',
}

const DEFAULT_TENANT = '99999999-9999-4999-8999-999999999999'
const DEFAULT_SUBSCRIPTION = '11111111-1111-4111-8111-111111111111'
const DEFAULT_CLIENT = '88888888-8888-4888-8888-888888888888'

/** Version 4, of the lab's own randomness. */
function guidFrom(bytes: Uint8Array): string {
  const hex = Buffer.from(bytes).toString('hex')
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-8${hex.slice(17, 20)}-${hex.slice(20, 32)}`
}

function newWorld(options: AzureLabOptions, clock: { skewMs: number }): World {
  const { random = randomBytes } = options
  const trueNow = options.clock ?? (() => new Date())
  const administrator: LabClient = {
    clientId: DEFAULT_CLIENT,
    secret: `lab~${Buffer.from(random(24)).toString('base64url')}`,
    role: { Actions: ['*'] },
  }
  const world: World = {
    tenant: options.tenant ?? DEFAULT_TENANT,
    subscription: options.subscription ?? DEFAULT_SUBSCRIPTION,
    clients: new Map((options.clients ?? [administrator]).map((each) => [each.clientId.toLowerCase(), { ...each }])),
    tokens: new Map(),
    groups: new Map(),
    vms: new Map(),
    disks: new Map(),
    snapshots: new Map(),
    collections: new Map(),
    nics: new Map(),
    operations: new Map(),
    pointTimes: new Map(),
    policies: [],
    operationFaults: [],
    now: () => new Date(trueNow().getTime() + clock.skewMs),
    newGuid: () => guidFrom(random(16)),
    newSecret: (bytes) => Buffer.from(random(bytes)).toString('base64'),
    settings: { ...SETTINGS, ...options.settings },
  }
  // Where backups are made, as a person makes it before the first one.
  addGroup(world, 'guestlift')
  for (const { name, location } of options.groups ?? []) addGroup(world, name, location)
  for (const spec of options.vms ?? []) addVm(world, spec)
  return world
}

function siteOf({ url, world }: LabState, ca: string): Record<string, unknown> {
  const [client] = world.clients.values()
  const { clientId, secret } = client ?? { clientId: DEFAULT_CLIENT }
  return {
    provider: 'azure',
    tenantId: world.tenant,
    subscriptionId: world.subscription,
    auth: secret === undefined ? { clientId, federation: 'aws' } : { clientId, clientSecret: secret },
    resourceGroup: 'guestlift',
    endpoints: { login: url, management: url },
    tls: { mode: 'ca', ca },
  }
}

/** @throws Error when the port is taken, or the options contradict one another */
export async function startAzureLab(options: AzureLabOptions = {}): Promise<AzureLab> {
  const clock = { skewMs: 0 }
  const world = newWorld(options, clock)
  const state: LabState = { world, faults: new Faults(), url: '', answers: 0, connections: { opened: 0, open: 0 } }
  // The certificate is for clients of this machine, whatever the lab's clock tells.
  const identity = createIdentity(['127.0.0.1', 'localhost'], new Date())
  const front = await startFront(state, identity, options.port ?? 0)
  const control = createControl(state, clock)
  const controlServer =
    options.controlPort === undefined
      ? undefined
      : await startControlServer(options.controlPort, {
          schema: azureCommandSchema,
          example: '{"holdOperations":true}',
          state: () => stateOf(control),
          apply: (command) => carryOut(control, command),
        })
  return {
    url: state.url,
    ca: identity.ca,
    tenant: world.tenant,
    subscription: world.subscription,
    clients: [...world.clients.values()],
    control,
    ...(controlServer === undefined ? {} : { controlUrl: controlServer.url }),
    site: () => siteOf(state, identity.ca),
    close: async () => {
      await controlServer?.close()
      await front.close()
    },
  }
}
