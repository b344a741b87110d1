/**
 * A simulated AWS account in this process: EC2, EBS direct and STS on one address of loopback, for the calls that Guestlift
 * makes. It is stricter than moto where AWS is: ascending pages of blocks with an empty one among them, tokens that end,
 * sums that are checked, states that take a while, signatures and rights.
 */
import { randomBytes } from 'node:crypto'
import { addInstance, type InstanceSpec, regionFrom } from './account.ts'
import { startControlServer } from '../shared/control-server.ts'
import { carryOut, ec2CommandSchema, stateOf } from './control-command.ts'
import { createControl, type Ec2Control } from './control.ts'
import { Tokens } from './direct/tokens.ts'
import { Faults } from './faults.ts'
import { startFront } from './front.ts'
import type { Authorize } from './rights.ts'
import type { LabState } from './service.ts'
import type { LabCredential, LabRole, Settings, World } from './world.ts'

export interface Ec2LabOptions {
  /** 0, as unless told, takes any free port. */
  port?: number
  /** Where the control address listens; there is none unless told. */
  controlPort?: number
  clock?: () => Date
  random?: (bytes: number) => Uint8Array
  account?: string
  regions?: readonly string[]
  instances?: readonly InstanceSpec[]
  /** Access keys from the start; one that may everything unless told. */
  credentials?: readonly { accessKeyId: string; secretAccessKey: string; principal?: string }[]
  /** Sessions that another one gave out, as the runner does for the roles of functions: by key id and token. */
  findSession?: (accessKeyId: string, sessionToken: string) => LabCredential | undefined
  /** Roles that may be assumed. */
  roles?: readonly LabRole[]
  /** Asked for every action and each resource it touches. Everything is allowed unless told. */
  authorize?: Authorize
  /** Whether a request's date must be near the lab's clock. A clock of the test's own needs clients that sign by it. */
  checkDates?: boolean
  /** How the account behaves; see there. */
  settings?: Partial<Settings>
}

export interface Ec2Lab {
  /** The endpoint of all three services. */
  url: string
  account: string
  regions: readonly string[]
  credentials: readonly { accessKeyId: string; secretAccessKey: string }[]
  roles: readonly LabRole[]
  control: Ec2Control
  /** URL of the control address, where one was asked for. */
  controlUrl?: string
  /** A site configuration that reaches this lab, ready to use. `role`: by assuming the first of its roles. */
  site(choice?: { auth?: 'key' | 'role' }): Record<string, unknown>
  close(): Promise<void>
}

/** How the account behaves unless told: as quickly as AWS allows, and with all its quirks. */
const SETTINGS: Settings = {
  snapshotAsks: 1,
  heldSnapshots: false,
  hideNewSnapshots: 0,
  earlyPuts: 0,
  powerAsks: 1,
  imageAsks: 1,
  mostBlocksInPage: 10_000,
  emptyFirstPage: false,
  // An account has 1,000; a machine that is slow enough never meets it, and one that isn't should not by chance.
  blocksPerSecond: Number.POSITIVE_INFINITY,
  pendingSnapshots: 100,
  goneIsDenied: false,
  // AWS has 15; a lab whose clock stands still would never allow the second one.
  secondsBetweenSnapshots: 0,
  encryptByDefault: false,
}

const DEFAULT_ACCOUNT = '111122223333'

function newWorld(options: Ec2LabOptions, clock: { skewMs: number }): World {
  const { account = DEFAULT_ACCOUNT, random = randomBytes } = options
  const trueNow = options.clock ?? (() => new Date())
  const administrator = {
    accessKeyId: 'AKIALAB0000000000000',
    secretAccessKey: Buffer.from(random(30)).toString('base64'),
  }
  const credentials = (options.credentials ?? [administrator]).map(
    (each): LabCredential => ({ principal: `arn:aws:iam::${account}:user/${each.accessKeyId.toLowerCase()}`, ...each }),
  )
  const world: World = {
    account,
    regions: new Map(),
    credentials: new Map(credentials.map((each) => [each.accessKeyId, each])),
    findSession: options.findSession ?? (() => undefined),
    roles: [...(options.roles ?? [])],
    now: () => new Date(trueNow().getTime() + clock.skewMs),
    newId: (prefix) => `${prefix}-0${Buffer.from(random(8)).toString('hex')}`,
    newSecret: (bytes) => Buffer.from(random(bytes)).toString('base64'),
    settings: { ...SETTINGS, ...options.settings },
  }
  for (const name of options.regions ?? ['eu-central-1']) world.regions.set(name, regionFrom(world, name))
  for (const spec of options.instances ?? []) addInstance(world, spec)
  return world
}

/** @throws Error when the port is taken, or the options contradict one another */
export async function startEc2Lab(options: Ec2LabOptions = {}): Promise<Ec2Lab> {
  const clock = { skewMs: 0 }
  const world = newWorld(options, clock)
  const state: LabState = {
    world,
    faults: new Faults(),
    tokens: new Tokens((options.random ?? randomBytes)(32), () => world.now()),
    authorize: options.authorize ?? (() => true),
    checkDates: options.checkDates ?? true,
    blocksRead: [],
    pace: { second: 0, blocks: 0 },
    connections: { opened: 0, open: 0 },
  }
  const credentials = [...world.credentials.values()].map(({ accessKeyId, secretAccessKey }) => ({
    accessKeyId,
    secretAccessKey,
  }))
  const front = await startFront(state, options.port ?? 0)
  const control = createControl(state, clock)
  const controlServer =
    options.controlPort === undefined
      ? undefined
      : await startControlServer(options.controlPort, {
          schema: ec2CommandSchema,
          example: '{"holdSnapshots":true}',
          state: () => stateOf(control),
          apply: (command) => carryOut(control, command),
        })
  return {
    url: front.url,
    account: world.account,
    regions: [...world.regions.keys()],
    credentials,
    roles: world.roles,
    control,
    ...(controlServer === undefined ? {} : { controlUrl: controlServer.url }),
    site: ({ auth = 'key' } = {}) => {
      const [role] = world.roles
      return {
        provider: 'ec2',
        regions: [...world.regions.keys()],
        auth: {
          ...credentials[0],
          ...(auth === 'role' && role !== undefined ? { roleArn: role.arn, externalId: role.externalId } : {}),
        },
        endpoints: { ec2: front.url, ebs: front.url, sts: front.url },
      }
    },
    close: async () => {
      await controlServer?.close()
      await front.close()
    },
  }
}
