import { evidenceOf, freed } from '../gathered.ts'
import { existsSync, readFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { backupOptionsSchema } from '../../../../functions/contracts/backup-options.ts'
import { GuestliftError } from '../../../../functions/contracts/errors.ts'
import { openProxmox } from '../../../../functions/providers/proxmox/provider.ts'
import type { ProxmoxProvider } from '../../../../functions/providers/proxmox/provider.ts'
import { data, type SeenRequest } from '../../../../local/replay/byte-server.ts'
import { matchPath, readCallPath } from '../../../../local/replay/call-path.ts'
import { clientCalls } from '../../../../local/replay/calls.ts'
import { standIn } from '../../../../local/replay/stand-in.ts'
import { startServer } from './scripted-server.ts'
import { passwordAuth, shortLimits, siteFor, surroundings } from './site.ts'

const schemaFile = new URL('../../../../../shared/facts/pve-api-schema.json', import.meta.url)
const versions = ['7.4-16', '8.4.5', '9.1.3', '9.2.3'] as const

const parameterSchema = z.object({
  type: z.string().optional(),
  optional: z.union([z.boolean(), z.number()]).optional(),
  enum: z.array(z.unknown()).nullish(),
  minimum: z.number().optional(),
  maximum: z.number().optional(),
  in: z.array(z.string()).optional(),
})
const schemaSchema = z.object({
  endpoints: z.array(
    z.object({
      method: z.string(),
      path: z.string(),
      versions: z.array(z.string()),
      parameters: z.record(z.string(), parameterSchema),
    }),
  ),
})
const schema = existsSync(schemaFile) ? schemaSchema.parse(JSON.parse(readFileSync(schemaFile, 'utf8'))) : undefined

const upid = 'UPID:pve1:0000211A:0003B7FF:6B0327BB:vzdump:100:backup@pve:'
const archive = 'store:backup/vzdump-qemu-100-2026_11_22-17_34_51.vma.zst'

/** A site with one node, storage and guest, so that every call has something to ask for. */
function answerFor({ method, path }: SeenRequest, version: string) {
  const below = readCallPath(path)?.path ?? ''
  const type = readCallPath(path)?.query.get('type')
  if (below === '/version') return data({ version })
  if (below === '/cluster/resources') {
    if (type === 'node') return data([{ node: 'pve1', status: 'online', type: 'node' }])
    if (type === 'storage') {
      return data([
        { node: 'pve1', storage: 'store', content: 'backup', shared: 1, status: 'available', type: 'storage' },
      ])
    }
    return data([{ vmid: 100, type: 'qemu', node: 'pve1', name: 'web', status: 'running' }])
  }
  if (below.endsWith('/content') && method === 'GET') {
    return data([{ volid: archive, size: 1000, ctime: 0x6b0327bb, vmid: 100, subtype: 'qemu', content: 'backup' }])
  }
  return standIn({ method, path: below })
}

const vm = { id: '100', kind: 'vm', name: 'web', node: 'pve1' } as const
const container = { ...vm, kind: 'container' } as const
const power = { timeoutSeconds: 1, forceStop: true }

/** Every method, once or in each of its ways. */
const uses: ((provider: ProxmoxProvider) => Promise<unknown>)[] = [
  (provider) => provider.identify(),
  (provider) => provider.missingPrivileges({ guestIds: ['100'], storage: 'store', deleteSource: true }),
  (provider) => provider.findGuests(['100']),
  (provider) => provider.listGuests('everything'),
  (provider) => provider.describeGuest(vm),
  (provider) => provider.describeGuest(container),
  (provider) => provider.storages.describe('store', 'pve1'),
  (provider) => provider.start(vm, backupOptionsSchema.parse({ storage: 'store', notes: 'web' })),
  (provider) => provider.findJobs(vm, new Date(0)),
  (provider) => provider.check(upid),
  (provider) => evidenceOf(provider, upid, vm, 'store'),
  (provider) => provider.tasks.log(upid),
  (provider) => provider.stop(upid, 1),
  (provider) => freed(provider, archive, 'pve1'),
  (provider) => provider.tasks.list(new Date(0)),
  (provider) => provider.tasks.describe(upid),
  (provider) => provider.archivesOnPlatform.list({ storage: 'store', guestId: '100' }),
  (provider) => provider.archivesOnPlatform.list({}),
  (provider) => provider.archivesOnPlatform.readMarks(archive, 'pve1'),
  (provider) => provider.archivesOnPlatform.editMarks(archive, 'pve1', { notes: 'new', protected: true }),
  (provider) => provider.archivesOnPlatform.remove(archive, 'pve1'),
  (provider) => provider.archivesOnPlatform.previewPrune({ storage: 'store', guestId: '100' }, { 'keep-last': 3 }),
  (provider) => provider.power.state(container),
  ...(['start', 'shutdown', 'stop', 'reboot'] as const).flatMap((action) => [
    (provider: ProxmoxProvider) => provider.power.order(vm, action, power),
    (provider: ProxmoxProvider) => provider.power.order(container, action, power),
  ]),
  (provider) => provider.locks.awaitFreed(vm, 1),
]

/** All that the client sends to a site of this version, in two states of its guests and tasks. */
async function requestsTo(version: string): Promise<SeenRequest[]> {
  const seen: SeenRequest[] = []
  for (const state of ['running', 'stopped']) {
    const server = await startServer((request) => {
      if (request.path.endsWith('/status/current')) return data({ status: state, vmid: 100 })
      if (/\/tasks\/[^/]+\/status$/.test(request.path) && state === 'running' && request.path.includes('0000211A')) {
        return data({ status: 'running' })
      }
      return answerFor(request, version)
    })
    const provider = openProxmox('hq', siteFor(server, { auth: passwordAuth }), surroundings(), shortLimits)
    for (const use of uses) {
      // Whether a call comes to a good end doesn't matter here: what it sends does.
      await use(provider).catch((error: unknown) => {
        if (!(error instanceof GuestliftError)) throw error
      })
    }
    await provider.close()
    seen.push(...server.requests)
    await server.close()
  }
  return seen
}

function complaintsAbout(request: SeenRequest, version: string): string[] {
  const at = readCallPath(request.path)
  const endpoint = schema?.endpoints.find(
    ({ method, path }) => method === request.method && matchPath(path, at?.path ?? '') !== undefined,
  )
  // The reduced schema leaves some calls out; those are known from the recordings.
  if (endpoint === undefined) return []
  const where = `${request.method} ${endpoint.path}`
  if (!endpoint.versions.includes(version)) return [`${where} is unknown to ${version}`]
  const inPath = matchPath(endpoint.path, at?.path ?? '') ?? {}
  const sent = { ...Object.fromEntries(at?.query ?? []), ...Object.fromEntries(new URLSearchParams(request.body)) }
  const missing = Object.entries(endpoint.parameters)
    .filter(([name, rule]) => rule.optional === undefined && !(name in sent) && !(name in inPath))
    .filter(([, rule]) => rule.in?.includes(version) ?? true)
    .map(([name]) => `${where} needs ${name} in ${version}`)
  const wrong = Object.entries(sent).flatMap(([name, value]) => {
    const rule = endpoint.parameters[name]
    if (rule === undefined || rule.in?.includes(version) === false) return [`${where}: ${version} knows no ${name}`]
    if (rule.enum != null && !rule.enum.map(String).includes(value)) return [`${where}: ${name}=${value}`]
    if (rule.type === 'boolean' && !/^[01]$/.test(value)) return [`${where}: ${name}=${value} is no boolean`]
    if (rule.type === 'integer' && !/^-?\d+$/.test(value)) return [`${where}: ${name}=${value} is no integer`]
    if (Number(value) < (rule.minimum ?? Number.NEGATIVE_INFINITY)) return [`${where}: ${name}=${value} is too small`]
    return []
  })
  return [...missing, ...wrong]
}

describe('what the client sends', () => {
  let seen = new Map<string, SeenRequest[]>()
  beforeAll(async () => {
    seen = new Map()
    for (const version of versions) seen.set(version, await requestsTo(version))
  })
  afterAll(() => seen.clear())

  it.skipIf(schema === undefined).each(versions)('is accepted by version %s, as its schema says', (version) => {
    const requests = seen.get(version) ?? []
    expect(requests.length).toBeGreaterThan(30)
    expect([...new Set(requests.flatMap((request) => complaintsAbout(request, version)))]).toEqual([])
  })

  it.each(versions)('to version %s is in the table of calls that recordings are replayed by', (version) => {
    const unknown = (seen.get(version) ?? []).flatMap(({ method, path }) => {
      const at = readCallPath(path)?.path ?? ''
      return clientCalls.some((call) => call.method === method && matchPath(call.path, at) !== undefined)
        ? []
        : [`${method} ${at}`]
    })
    expect([...new Set(unknown)]).toEqual([])
  })

  it('is made again by nothing in the table that it never sends', () => {
    const all = [...seen.values()].flat()
    const idle = clientCalls.filter(
      (call) =>
        !all.some(
          ({ method, path }) =>
            method === call.method && matchPath(call.path, readCallPath(path)?.path ?? '') !== undefined,
        ),
    )
    // The realms are asked for after a refused login alone.
    expect(idle.map(({ method, path }) => `${method} ${path}`)).toEqual(['GET /access/domains'])
  })
})
