/** Guests of the whole cluster: where they are, what they are, and what a backup of each would hold. */
import { byId } from '../../domain/identity/compare-ids.ts'
import { GuestliftError, PrivilegeMissing } from '../../contracts/errors.ts'
import type { Guest } from '../../contracts/nouns.ts'
import { type GuestRunState, guestStateSchema } from '../../contracts/selection.ts'
import type { FoundGuest, GuestDetails, GuestList, GuestRecord, ListDepth, PlannedBackup } from '../guest-facts.ts'
import type { Provider } from '../provider.ts'
import type { z } from 'zod'
import type { ProviderDeps } from '../provider-deps.ts'
import { apiPath, apiQuery } from './api-path.ts'
import { bestGrade } from './best-grade.ts'
import type { ApiClient } from './client.ts'
import type { About } from './errors.ts'
import { disksOf } from './guest-disks.ts'
import { type Identities, readConfiguration, readIdentities } from './guest-identities.ts'
import {
  type GuestRecordRow,
  guestRecordRowsSchema,
  haResourceRowsSchema,
  replicationRowsSchema,
  replicationStateRowsSchema,
} from './guest-schemas.ts'
import { missingOnGuest, type Permissions, seesAllGuests, seesAllPools } from './privileges.ts'
import { nodeRowsSchema, permissionsSchema } from './schemas.ts'

export function openGuests(
  client: ApiClient,
  siteName: string,
  log: ProviderDeps['log'],
): Pick<Provider, 'findGuests' | 'listGuests' | 'describeGuest'> {
  async function readRows() {
    const about = client.about('look for the guests')
    const guests = await client.get('/cluster/resources?type=vm', guestRecordRowsSchema, about)
    const nodes = await client.get('/cluster/resources?type=node', nodeRowsSchema, about)
    return { rows: guests.data, nodeStatus: new Map(nodes.data.map(({ node, status }) => [node, status])) }
  }

  async function findGuests(ids: readonly string[]): Promise<FoundGuest[]> {
    const { rows, nodeStatus } = await readRows()
    const wanted = new Set(ids)
    const guests = rows.filter(({ vmid }) => wanted.has(vmid)).map((row) => found(row, nodeStatus))
    const identities = await readIdentities(client, guests)
    for (const note of identities.notes) log('platform-identity-unknown', { site: siteName, note })
    return guests.map((guest) => identified(guest, identities))
  }

  /** Something that is good to know and not worth failing for: `undefined` and a note when it can't be read. */
  async function optional<Data>(
    what: string,
    path: string,
    schema: z.ZodType<Data>,
    about: About,
    notes: string[],
  ): Promise<Data | undefined> {
    try {
      return (await client.get(path, schema, about)).data
    } catch (error) {
      if (!(error instanceof GuestliftError)) throw error
      notes.push(
        error instanceof PrivilegeMissing
          ? `${what} isn't shown to this account: ${error.message}`
          : `${what} can't be read: ${error.message}`,
      )
      return undefined
    }
  }

  async function listGuests(depth?: ListDepth): Promise<GuestList> {
    const { rows, nodeStatus } = await readRows()
    const about = client.about('read its permissions')
    const permissions = (await client.get('/access/permissions', permissionsSchema, about)).data
    const notes: string[] = []
    // Who has no guest under HA isn't shown less for not being shown what HA was asked for.
    const anyUnderHa = rows.some(({ hastate }) => hastate !== undefined)
    const extras = depth === 'everything' ? await readExtras(notes, anyUnderHa) : undefined
    const unique = new Map(rows.map((row) => [row.vmid, row]))
    const guests = [...unique.values()].map((row) => record(row, nodeStatus, permissions, extras)).toSorted(byId)
    const identities = depth === undefined ? undefined : await readIdentities(client, guests)
    notes.push(...(identities?.notes ?? []))
    return {
      guests: identities === undefined ? guests : guests.map((guest) => identified(guest, identities)),
      ...(seesAllGuests(permissions)
        ? {}
        : {
            mayLack:
              `Site ${siteName}: ${about.account} doesn't hold VM.Audit on /vms for all guests, so guests that it isn't ` +
              'shown would be missed without a word. Grant VM.Audit on /vms to choose from all of them.',
          }),
      ...(seesAllPools(permissions)
        ? {}
        : {
            poolsMayLack:
              `Site ${siteName}: ${about.account} isn't shown every pool, so a guest may be in one that isn't named here. ` +
              'Grant Pool.Audit on /pool/<name>, or on /pool for all of them.',
          }),
      notes,
    }
  }

  async function readExtras(notes: string[], anyUnderHa: boolean): Promise<Extras> {
    const ha = await optional(
      'What HA was asked for',
      '/cluster/ha/resources',
      haResourceRowsSchema,
      client.about('list the guests under HA'),
      anyUnderHa ? notes : [],
    )
    const replication = await optional(
      'Replication',
      '/cluster/replication',
      replicationRowsSchema,
      client.about('list the replication jobs'),
      notes,
    )
    const replicas = new Map<string, string[]>()
    for (const { guest, target, disable } of replication ?? []) {
      if (!disable) replicas.set(guest, [...(replicas.get(guest) ?? []), target])
    }
    return { haRequests: new Map((ha ?? []).map(({ sid, state }) => [sid.replace(/^\w+:/, ''), state])), replicas }
  }

  async function describeGuest(guest: Guest, planned?: PlannedBackup): Promise<GuestDetails> {
    const config = await readConfiguration(client, guest)
    const notes: string[] = []
    const replication = await optional(
      'Replication',
      apiPath`/nodes/${guest.node}/replication` + apiQuery({ guest: guest.id }),
      replicationStateRowsSchema,
      client.about('read the replication of the guest', { node: guest.node, guest: guest.id }),
      notes,
    )
    const disks = disksOf(guest.kind, config)
    const { kind } = guest
    return {
      description: config['description'] ?? '',
      disks,
      ...(planned === undefined
        ? {}
        : { bestGrade: bestGrade({ kind, state: planned.state, config, disks }, planned.options) }),
      replication: (replication ?? [])
        .filter((job) => job.guest === guest.id)
        .map(({ target, schedule, disable, last_sync: lastSync, error }) => ({
          target,
          schedule,
          enabled: !disable,
          ...(lastSync === undefined || lastSync === 0 ? {} : { lastSyncAt: new Date(lastSync * 1000).toISOString() }),
          ...(error === undefined ? {} : { error }),
        })),
      notes,
    }
  }

  return { findGuests, listGuests, describeGuest }
}

interface Extras {
  haRequests: ReadonlyMap<string, string>
  replicas: ReadonlyMap<string, string[]>
}

function identified<Kind extends FoundGuest>(guest: Kind, { byId }: Identities): Kind {
  const identity = byId.get(guest.id)
  return identity === undefined ? guest : { ...guest, identity }
}

function found(row: GuestRecordRow, nodeStatus: ReadonlyMap<string, string | undefined>): FoundGuest {
  const lock = lockOf(row)
  return {
    id: row.vmid,
    kind: row.type === 'qemu' ? 'vm' : 'container',
    name: row.name ?? '',
    node: row.node,
    ...(lock === undefined ? {} : { lock }),
    nodeOffline: isOffline(nodeStatus.get(row.node), row.status),
  }
}

function record(
  row: GuestRecordRow,
  nodeStatus: ReadonlyMap<string, string | undefined>,
  permissions: Permissions,
  extras: Extras | undefined,
): GuestRecord {
  const guest = found(row, nodeStatus)
  const haRequested = extras?.haRequests.get(row.vmid)
  const replicas = extras?.replicas.get(row.vmid)
  return {
    ...guest,
    state: guest.nodeOffline ? 'unknown' : stateOf(row.status),
    ...(row.template === undefined ? {} : { template: row.template }),
    tags: tagsOf(row.tags),
    ...(row.pool === undefined ? {} : { pool: row.pool }),
    ...(row.pool === undefined && !seesAllPools(permissions) ? { poolHidden: true as const } : {}),
    // From the row alone, so that a selection chooses the same guests however much else was asked for.
    ...(row.hastate === undefined ? {} : { haState: row.hastate }),
    ...(haRequested === undefined ? {} : { haRequested }),
    ...(row.maxcpu === undefined ? {} : { cpus: row.maxcpu }),
    ...(row.maxmem === undefined ? {} : { memoryBytes: row.maxmem }),
    ...(row.maxdisk === undefined ? {} : { diskBytes: row.maxdisk }),
    ...(row.uptime === undefined ? {} : { uptimeSeconds: row.uptime }),
    ...(replicas === undefined ? {} : { replicas }),
    missingPrivileges: missingOnGuest(permissions, row.vmid),
  }
}

/** A VM's row has QEMU's own word: besides these, `io-error`, `guest-panicked` and the like, in which its process lives. */
function stateOf(status: string | undefined): GuestRunState {
  if (status === undefined) return 'unknown'
  if (status === 'prelaunch') return 'paused'
  return guestStateSchema.safeParse(status).data ?? 'running'
}

/** The platform writes `a;b`; configurations of older versions hold commas and blanks. */
function tagsOf(text: string | undefined): string[] {
  return [...new Set((text ?? '').split(/[;,\s]+/).filter((tag) => tag !== ''))]
}

/** HA moves a guest without a lock of its own for part of the way. */
function lockOf({ lock, hastate }: GuestRecordRow): string | undefined {
  return lock ?? (hastate === 'migrate' || hastate === 'relocate' ? 'migrate' : undefined)
}

/** A node that just booted is `unknown` for a while; then the guest's own status tells whether it reports. */
function isOffline(nodeStatus: string | undefined, guestStatus: string | undefined): boolean {
  return nodeStatus === 'offline' || (nodeStatus !== 'online' && guestStatus === 'unknown')
}
