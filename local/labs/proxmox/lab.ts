/** A simulated Proxmox VE site in this process: REST over TLS and SFTP, both on loopback, with guests whose backups are real files. */
import { randomBytes } from 'node:crypto'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { type Boot, Boots } from './boots.ts'
import { createControl, type LabControl } from './control.ts'
import { controlCommandSchema } from './control-command.ts'
import { fingerprintOf } from '../shared/certificate.ts'
import { startControlServer } from '../shared/control-server.ts'
import { homeCluster, NAMES, Shown } from './cluster.ts'
import {
  BACKUP_PRIVILEGES,
  BACKUP_ROLE,
  RESTORE_PRIVILEGES,
  RESTORE_ROLE,
  DEFAULT_NODES,
  DEFAULT_STORAGES,
  DEFAULT_USERS,
  defaultAcl,
  defaultGuests,
  guestFrom,
  type GuestSpec,
  nodeFrom,
  type NodeSpec,
  storageFrom,
  type StorageSpec,
  userFrom,
  type UserSpec,
} from './default-site.ts'
import { ENDPOINTS } from './endpoints/all.ts'
import { Faults } from './faults.ts'
import { startHttpFront } from './http-front.ts'
import { completeIdentities, unnamedCluster } from './identity.ts'
import { NodeLock } from './node-lock.ts'
import { Pace } from './pace.ts'
import { Rest } from './rest.ts'
import { hostKeyFingerprint } from './ssh-keys.ts'
import { startSshServer } from './ssh-server.ts'
import { loadCredentials, loadSite, newSecrets, saveSite } from './state.ts'
import { createDirectories, directoryOf } from './storage-files.ts'
import { Tasks } from './tasks.ts'
import { type LabAcl, type LabGuest, type LabPool, type LabRealm, onNode, type SiteData, type World } from './world.ts'

export interface LabOptions {
  /** State directory. One that holds a lab's state already is taken up again, whatever the other options say of the site. */
  directory: string
  apiPort?: number
  sshPort?: number
  /** Where the control address listens; there is none unless told. */
  controlPort?: number
  nodes?: NodeSpec[]
  guests?: GuestSpec[]
  storages?: StorageSpec[]
  users?: UserSpec[]
  realms?: LabRealm[]
  acl?: LabAcl[]
  roles?: Record<string, string[]>
  pools?: LabPool[]
  /** Bytes of data in each of the default guests; 16 MiB unless told. */
  guestBytes?: number
  /** How many default guests there are; 4 unless told. */
  guestCount?: number
  /** Seconds that copying one guest takes; 2 unless told, 0 for as fast as the disk is. */
  secondsPerDump?: number
  /** How long a 401 is held back; 3 as the real server does, 0 for tests. */
  unauthorizedDelaySeconds?: number
  /** What the site calls its version, and the way that version words errors; 9.2.11 unless told. */
  version?: string
  /**
   * How a VM is booted that is started. It runs from its start on, its agent answers once the boot came up, and it is
   * stopped where the boot failed. Unless given, VMs that are started run, and nothing reads their disks.
   */
  boot?: Boot
  /** Milliseconds since 1970. */
  now?: () => number
}

export interface LabStorageInfo {
  id: string
  node: string
  /** On this machine. */
  directory: string
  /** As the node, the API and SFTP know it. */
  path: string
}

export interface SiteChoice {
  auth?: 'token' | 'password'
  tls?: 'fingerprint' | 'ca'
  ssh?: 'privateKey' | 'password'
  /** `restore`: the account that may make guests. */
  account?: 'backup' | 'restore'
  /** With the block of the account that brings guests back. */
  restores?: boolean
}

export interface Lab {
  apiUrl: string
  fingerprint: string
  caPem: string
  ssh: { host: string; port: number; username: string; password: string; privateKey: string; hostKey: string }
  users: { userid: string; password: string }[]
  token: { tokenId: string; secret: string }
  /** Of the account that brings guests back, where the site has it. */
  restoreToken: { tokenId: string; secret: string }
  storages: LabStorageInfo[]
  guests: readonly LabGuest[]
  /** A site configuration that reaches this lab, ready to use. */
  site(choice?: SiteChoice): Record<string, unknown>
  /** Everything a test may do to the site. */
  control: LabControl
  faults: Faults
  /** URL of the control address, where one was asked for. */
  controlUrl?: string
  close(): Promise<void>
}

const READER = 'vzdump-read'
const WRITER = 'vzdump-write'

function newSite(options: LabOptions, now: number): SiteData {
  const nodes = (options.nodes ?? DEFAULT_NODES).map((spec, index) => nodeFrom(spec, index))
  const first = nodes[0]?.name ?? 'pve1'
  return {
    nodes,
    guests: (options.guests ?? defaultGuests(options.guestBytes ?? 16 * 1024 ** 2, options.guestCount)).map((spec) =>
      guestFrom(spec, first),
    ),
    storages: (options.storages ?? DEFAULT_STORAGES).map(storageFrom),
    realms: options.realms ?? [],
    users: (options.users ?? DEFAULT_USERS).map(userFrom),
    acl: options.acl ?? (options.users === undefined ? defaultAcl() : []),
    roles: { [BACKUP_ROLE]: BACKUP_PRIVILEGES, [RESTORE_ROLE]: RESTORE_PRIVILEGES, ...options.roles },
    pools: options.pools ?? [],
    backupJobs: [],
    lastPid: 1_000,
    bootedAt: Math.floor(now / 1000) - 3_600,
    ticketsValidFrom: 0,
    ...newSecrets(),
  }
}

interface Clock {
  shiftMs: number
}

function newWorld(options: LabOptions, clock: Clock, homeClusterId: string | undefined, shown: () => Shown): World {
  const trueNow = options.now ?? Date.now
  const now = (): number => trueNow() + clock.shiftMs
  const { directory } = options
  mkdirSync(directory, { recursive: true, mode: 0o700 })
  const site = loadSite(directory) ?? newSite(options, now())
  completeIdentities(site)
  site.cluster ??= homeCluster(homeClusterId ?? unnamedCluster(site))
  clock.shiftMs = (site.clockOffsetSeconds ?? 0) * 1000
  const uptimeSeconds = (): number => Math.floor(trueNow() / 1000) - site.bootedAt
  const locks = new Map<string, NodeLock>()
  const nextPid = (): { pid: number; pstart: number } => {
    site.lastPid += 3
    return { pid: site.lastPid, pstart: Math.max(1, Math.floor((trueNow() / 1000 - site.bootedAt) * 100)) }
  }
  const world: World = {
    directory,
    site,
    now,
    pace: new Pace(),
    tasks: new Tasks(join(directory, 'tasks'), now, nextPid),
    boots: new Boots(options.boot),
    faults: new Faults(),
    secondsPerDump: options.secondsPerDump ?? 2,
    unauthorizedDelaySeconds: options.unauthorizedDelaySeconds ?? 3,
    version: options.version ?? '9.2.11',
    uptimeSeconds,
    certificateFingerprint: (node) => shown().fingerprintOf(world.cluster(), node, site.nodes[0]),
    cluster: () => site.cluster ?? homeCluster(unnamedCluster(site)),
    vzdumpLock(node) {
      const lock = locks.get(node) ?? new NodeLock()
      locks.set(node, lock)
      return lock
    },
    save: () => saveSite(directory, site),
  }
  createDirectories(world)
  world.save()
  return world
}

function storageInfo(world: World): LabStorageInfo[] {
  return world.site.nodes.flatMap((node) =>
    world.site.storages
      .filter((storage) => onNode(storage, node.name) && storage.content.includes('backup'))
      .map((storage) => ({
        id: storage.id,
        node: node.name,
        directory: directoryOf(world, storage, node.name),
        path: storage.path,
      })),
  )
}

/** Start a site. Both servers listen on 127.0.0.1 alone. */
export async function startLab(options: LabOptions): Promise<Lab> {
  const clock = { shiftMs: 0 }
  const credentials = loadCredentials(options.directory, NAMES, new Date())
  const { identity } = credentials
  const world = newWorld(options, clock, credentials.clusterId, () => shown)
  const shown = new Shown(identity, credentials.clusterId ?? unnamedCluster(world.site), (other) =>
    front.present(other),
  )
  const rest = new Rest(world, ENDPOINTS)
  const front = await startHttpFront(
    options.apiPort ?? 0,
    identity,
    (request) => rest.handle(request),
    () => new Date(world.now()),
  )
  const reader = { username: READER, password: credentials.readerPassword, key: credentials.reader }
  const { writer: writerKey = credentials.reader } = credentials
  // It logs in by its key.
  const writer = { username: WRITER, password: randomBytes(12).toString('hex'), key: writerKey, mayWrite: true }
  const sshServer = await startSshServer(world, options.sshPort ?? 0, credentials.hostKey, [reader, writer])
  const owner = world.site.users.find((user) => user.tokens.length > 0)
  const firstToken = owner?.tokens[0]
  const token = { tokenId: `${owner?.userid}!${firstToken?.id}`, secret: firstToken?.secret ?? '' }
  const restorer = world.site.users.find(({ userid, tokens }) => userid === 'restore@pve' && tokens.length > 0)
  const restoreToken = { tokenId: 'restore@pve!guestlift', secret: restorer?.tokens[0]?.secret ?? '' }
  const apiUrl = `https://127.0.0.1:${front.port}`
  const ssh = {
    host: '127.0.0.1',
    port: sshServer.port,
    username: READER,
    password: reader.password,
    privateKey: credentials.reader.privateKey,
    hostKey: hostKeyFingerprint(credentials.hostKey),
  }
  const control = createControl(world, clock, rest, sshServer, shown)
  const controlServer =
    options.controlPort === undefined
      ? undefined
      : await startControlServer(options.controlPort, {
          schema: controlCommandSchema,
          example: '{"clockOffsetSeconds":-3600}',
          state: () => control.state(),
          apply: (command) => control.apply(command),
        })
  return {
    apiUrl,
    fingerprint: fingerprintOf(shown.identity.cert),
    caPem: identity.ca,
    ssh,
    users: world.site.users.map(({ userid, password }) => ({ userid, password })),
    token,
    restoreToken,
    storages: storageInfo(world),
    guests: world.site.guests,
    site: ({
      auth = 'token',
      tls = 'fingerprint',
      ssh: access = 'privateKey',
      account: whose = 'backup',
      restores = false,
    } = {}) => {
      const [shownUser, shownToken] = whose === 'restore' ? [restorer, restoreToken] : [owner, token]
      const [username = '', realm = ''] = (shownUser?.userid ?? '').split('@')
      return {
        provider: 'proxmox',
        endpoints: [apiUrl],
        tls:
          tls === 'ca'
            ? { mode: 'ca', ca: shown.identity.ca }
            : { mode: 'fingerprint', fingerprints: [fingerprintOf(shown.identity.cert)] },
        auth: auth === 'token' ? { ...shownToken } : { username, realm, password: shownUser?.password ?? '' },
        route: {
          type: 'sftp',
          host: ssh.host,
          port: ssh.port,
          username: READER,
          ...(access === 'password' ? { password: ssh.password } : { privateKey: ssh.privateKey }),
          hostKeys: [ssh.hostKey],
        },
        ...(restores && {
          restore: {
            auth: { ...restoreToken },
            delivery: {
              type: 'sftp',
              host: ssh.host,
              port: ssh.port,
              username: WRITER,
              privateKey: writerKey.privateKey,
              hostKeys: [ssh.hostKey],
            },
          },
        }),
      }
    },
    faults: world.faults,
    control,
    ...(controlServer === undefined ? {} : { controlUrl: controlServer.url }),
    async close() {
      world.pace.setSpeed(1)
      await world.tasks.stopAll()
      await world.boots.stopAll()
      await Promise.all([front.close(), sshServer.close(), controlServer?.close()])
      world.save()
    },
  }
}
