/**
 * A simulated vCenter in this process, or a host that stands alone: SOAP, files and tags on one address of loopback, for
 * the calls that Guestlift makes. It is stricter than VMware's own simulator where a vCenter is: the order of elements,
 * sessions, rights, tasks that take a while, and disks whose chains grow with each snapshot.
 */
import { randomBytes } from 'node:crypto'
import { startControlServer } from '../shared/control-server.ts'
import { carryOut, stateOf, vsphereCommandSchema } from './control-command.ts'
import { createControl, type VsphereControl } from './control.ts'
import { Fates } from './fates.ts'
import { type Front, startFront } from './front.ts'
import { serve, serveHost } from './serve.ts'
import type { LabState } from './state.ts'
import { addGuest } from './world/build-guest.ts'
import { addDatacenter, addRoot } from './world/build-inventory.ts'
import type { DatacenterSpec, GuestSpec, UserSpec } from './world/specs.ts'
import { entriesOf, type Settings, type World } from './world/world.ts'

export interface VsphereLabOptions {
  /** 0, as unless told, takes any free port. */
  port?: number
  /** Where the control address listens; there is none unless given. */
  controlPort?: number
  kind?: 'vcenter' | 'host'
  apiVersion?: string
  clock?: () => Date
  random?: (bytes: number) => Uint8Array
  users?: readonly UserSpec[]
  datacenters?: readonly DatacenterSpec[]
  guests?: readonly GuestSpec[]
  settings?: Partial<Settings>
}

export interface VsphereLab {
  url: string
  /** SHA-256 of the certificate, `AB:CD:…`. */
  fingerprint: string
  users: readonly { name: string; password: string }[]
  /** Where each host answers to tickets, with a certificate of its own. */
  hosts: readonly { name: string; url: string; fingerprint: string }[]
  control: VsphereControl
  /** URL of the control address, where one was asked for. */
  controlUrl?: string
  /** A site configuration that reaches this lab, ready to use. */
  site(): Record<string, unknown>
  close(): Promise<void>
}

const SETTINGS: Settings = {
  taskAsks: 1,
  heldTasks: false,
  quoting: 'once',
  mostSessions: 2000,
  sessionMinutes: 30,
  mostObjects: Number.POSITIVE_INFINITY,
  quiesceFault: undefined,
  keepConsolidationNeeded: false,
}

const RELEASES: Record<string, string> = { '6.5': '6.5.0', '6.7': '6.7.0', '7.0': '7.0.0', '7.0.3.0': '7.0.3' }

function newWorld(options: VsphereLabOptions, clock: { skewMs: number }): World {
  const { kind = 'vcenter', random = randomBytes, apiVersion = '8.0.3.0' } = options
  const trueNow = options.clock ?? (() => new Date())
  const hex = (length: number): string =>
    Buffer.from(random(Math.ceil(length / 2)))
      .toString('hex')
      .slice(0, length)
  const uuid = (): string => hex(32).replace(/^(.{8})(.{4}).(.{3}).(.{3})(.{12})$/, '$1-$2-4$3-a$4-$5')
  let number = kind === 'host' ? 0 : 8
  const world: World = {
    product: {
      kind,
      apiVersion,
      version: RELEASES[apiVersion] ?? apiVersion.split('.').slice(0, 3).join('.'),
      instanceUuid: uuid(),
    },
    settings: { ...SETTINGS, ...options.settings },
    now: () => new Date(trueNow().getTime() + clock.skewMs),
    hex,
    uuid,
    nextNumber: () => {
      number += 1
      return number
    },
    entries: new Map(),
    snapshots: new Map(),
    tasks: new Map(),
    users: new Map(),
    sessions: new Map(),
    restSessions: new Map(),
    tickets: new Map(),
    hostFronts: new Map(),
    tags: new Map(),
    categories: new Map(),
  }
  const name = kind === 'host' ? 'guestlift' : 'guestlift@vsphere.local'
  for (const user of options.users ?? [{ name, password: hex(20) }])
    world.users.set(user.name, {
      name: user.name,
      password: user.password,
      permissions: [...(user.permissions ?? [{ on: '/', privileges: 'all' as const }])],
      wrongAt: [],
      locked: false,
    })
  addRoot(world)
  const datacenters = options.datacenters ?? [{ name: kind === 'host' ? 'ha-datacenter' : 'DC1' }]
  for (const spec of datacenters) addDatacenter(world, spec)
  for (const spec of options.guests ?? []) addGuest(world, spec)
  return world
}

async function startHosts(state: LabState): Promise<{ id: string; name: string; front: Front }[]> {
  const { world } = state
  if (world.product.kind === 'host') return []
  const hosts = []
  for (const { id, name } of entriesOf(world, 'HostSystem')) {
    const front = await startFront(state, 0, (incoming) => serveHost(world, id, incoming))
    world.hostFronts.set(id, { authority: front.authority, sha1: front.sha1(), sha256: front.fingerprint() })
    hosts.push({ id, name, front })
  }
  return hosts
}

/** @throws Error when the port is taken, or the options contradict one another */
export async function startVsphereLab(options: VsphereLabOptions = {}): Promise<VsphereLab> {
  const clock = { skewMs: 0 }
  const world = newWorld(options, clock)
  const state: LabState = { world, fates: new Fates(), bytesRead: new Map() }
  const front = await startFront(state, options.port ?? 0, (incoming) => serve(world, incoming))
  const hosts = await startHosts(state)
  const users = [...world.users.values()].map(({ name, password }) => ({ name, password }))
  const control = createControl(state, clock, front)
  const controlServer =
    options.controlPort === undefined
      ? undefined
      : await startControlServer(options.controlPort, {
          schema: vsphereCommandSchema,
          example: '{"holdTasks":true}',
          state: () => stateOf(control),
          apply: (command) => carryOut(control, command),
        })
  return {
    url: front.url,
    fingerprint: front.fingerprint(),
    users,
    hosts: hosts.map(({ name, front: own }) => ({ name, url: own.url, fingerprint: own.fingerprint() })),
    control,
    ...(controlServer === undefined ? {} : { controlUrl: controlServer.url }),
    site: () => ({
      provider: 'vsphere',
      endpoint: front.url,
      tls: { mode: 'fingerprint', fingerprints: [front.fingerprint()] },
      auth: { username: users[0]?.name, password: users[0]?.password },
    }),
    close: async () => {
      await controlServer?.close()
      await Promise.all([front, ...hosts.map(({ front: own }) => own)].map((each) => each.close()))
    },
  }
}
