/** The island cloud as a provider: the core alone, with no capability. */
import * as z from 'zod'
import { request } from 'undici'
import {
  CredentialsRejected,
  GuestNotFound,
  InternalFault,
  PlatformUnavailable,
} from '../../functions/contracts/errors.ts'
import type { BackupEvidence, Verdict } from '../../functions/contracts/evidence.ts'
import type { Guest } from '../../functions/contracts/nouns.ts'
import { badVerdict } from '../../functions/domain/backup/bad-verdict.ts'
import type { FoundGuest, GuestList } from '../../functions/providers/guest-facts.ts'
import type { MadeByBackup, Provider, ReleaseProgress, Stray } from '../../functions/providers/provider.ts'
import type { PlatformTraits } from '../../functions/providers/traits.ts'

export const islandSiteSchema = z.strictObject({
  provider: z.literal('island'),
  name: z.string().optional(),
  url: z.url(),
  key: z.string().min(1),
})
export type IslandSite = z.infer<typeof islandSiteSchema>

/** Options of an export. */
export const islandOptionsSchema = z.strictObject({ shelf: z.enum(['near', 'far']).optional() })

export const islandTraits: PlatformTraits = {
  name: 'Island',
  guestKinds: ['vm'],
  flow: 'native',
  route: false,
  makes: 'temporary',
  formats: ['img'],
  liveBackup: true,
  compression: [],
  snapshots: true,
  streaming: false,
  incremental: false,
  restore: false,
  siteConfiguration: false,
  multiNode: false,
  api: 'REST',
}

const exportSchema = z.object({
  id: z.string(),
  guestId: z.string(),
  token: z.string(),
  createdAt: z.string(),
  looksLeft: z.number(),
  files: z.array(z.object({ name: z.string(), key: z.string(), sizeBytes: z.number(), crc32: z.number() })),
})
type Export = z.infer<typeof exportSchema>
const guestsSchema = z.array(z.object({ id: z.string(), name: z.string() }))

/** There are none; records need a word. */
const NODE = 'island'

export function judgeIslandJob(evidence: BackupEvidence): Verdict | undefined {
  return evidence.ending === 'ok' ? undefined : badVerdict('backup-failed', 'The export failed.', evidence)
}

export function openIsland(siteName: string, site: IslandSite): Provider {
  async function ask(method: 'GET' | 'POST' | 'DELETE', path: string, body?: unknown) {
    const answer = await request(`${site.url}${path}`, {
      method,
      headers: { authorization: `Key ${site.key}` },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    }).catch((error: unknown) => {
      throw new PlatformUnavailable(`Site ${siteName}: the island does not answer.`, { cause: error })
    })
    const text = await answer.body.text()
    if (answer.statusCode === 401) throw new CredentialsRejected(`Site ${siteName}: the island refuses the key.`)
    if (answer.statusCode >= 500)
      throw new PlatformUnavailable(`Site ${siteName}: the island answers ${answer.statusCode}.`)
    return { status: answer.statusCode, body: text === '' ? undefined : (JSON.parse(text) as unknown) }
  }

  async function found(): Promise<FoundGuest[]> {
    const guests = guestsSchema.parse((await ask('GET', '/guests')).body)
    return guests
      .toSorted((one, other) => one.id.localeCompare(other.id))
      .map(({ id, name }) => ({ id, name, kind: 'vm', node: NODE, identity: { id }, nodeOffline: false }))
  }

  async function exportsOf(guestId?: string): Promise<Export[]> {
    const all = z.array(exportSchema).parse((await ask('GET', '/exports')).body)
    return all.filter((one) => guestId === undefined || one.guestId === guestId)
  }

  async function exportBy(jobRef: string): Promise<Export | undefined> {
    const { status, body } = await ask('GET', `/exports/${jobRef}`)
    return status === 404 ? undefined : exportSchema.parse(body)
  }

  async function release({ guest, jobRef, token }: MadeByBackup): Promise<ReleaseProgress> {
    const mine = jobRef ?? (await exportsOf(guest.id)).find((one) => one.token === token)?.id
    if (mine === undefined) return { released: true }
    const { status } = await ask('DELETE', `/exports/${mine}`)
    if (status === 202) {
      return { released: false, waitSeconds: 60, reason: `Site ${siteName}: the island still removes ${mine}.` }
    }
    return { released: true }
  }

  return {
    platform: 'island',
    traits: islandTraits,
    selectionKeys: ['ids', 'names'],
    optionKeys: ['notes'],
    privilegeToSee: () => 'the key of the island',
    identify: async () => {
      await ask('GET', '/guests')
      return { version: '1.0' }
    },
    clusterId: async () => 'island',
    requireOptions: async () => undefined,
    missingPrivileges: async () => [],
    clockToleranceSeconds: 900,
    clock: async () => undefined,
    findGuests: async (ids) => (await found()).filter(({ id }) => ids.includes(id)),
    listGuests: async (): Promise<GuestList> => ({
      guests: (await found()).map((guest) => ({ ...guest, state: 'running', tags: [], missingPrivileges: [] })),
      notes: [],
    }),
    async describeGuest({ id }: Guest) {
      if (!(await found()).some((one) => one.id === id)) throw new GuestNotFound(`Site ${siteName}: no guest ${id}.`)
      return { description: '', disks: [], replication: [], notes: [] }
    },
    async start(guest, _options, token = '', destination) {
      if (destination === undefined) throw new InternalFault('the island writes to the bucket itself')
      const { body } = await ask('POST', '/exports', { guestId: guest.id, token, destination })
      const { id, createdAt } = exportSchema.parse(body)
      return { jobRef: id, startedAt: createdAt, running: true }
    },
    findJobs: async (guest) =>
      (await exportsOf(guest.id)).map(({ id, createdAt, looksLeft }) => ({
        jobRef: id,
        startedAt: createdAt,
        running: looksLeft > 0,
      })),
    async readMark(jobRef) {
      const token = (await exportBy(jobRef))?.token
      return token === undefined ? undefined : { token }
    },
    check: async (jobRef) => ({ running: ((await exportBy(jobRef))?.looksLeft ?? 0) > 0 }),
    async gather(jobRef, guest) {
      const its = await exportBy(jobRef)
      const createdAt = its?.createdAt ?? new Date(0).toISOString()
      const sources = its?.files.map(({ name, key, sizeBytes, crc32 }) => ({
        artifact: {
          artifactRef: `${jobRef}/${name}`,
          fileName: name,
          sizeBytes,
          createdAt,
          location: { type: 'bucket-object' as const, node: NODE, key },
        },
        listedAgainSizeBytes: sizeBytes,
        crc32,
      }))
      return {
        evidence: {
          jobRef,
          jobStartedAt: createdAt,
          exitStatus: its === undefined ? 'gone' : 'done',
          ending: its === undefined ? 'unknown' : 'ok',
          warnings: [],
          errors: [],
          ...(sources === undefined ? {} : { sources }),
        },
        sideFiles: [{ name: 'guest.json', text: JSON.stringify({ id: guest.id, name: guest.name }) }],
      }
    },
    judgeJob: judgeIslandJob,
    stop: async () => undefined,
    release,
    async findStrays(olderThan) {
      const all = await exportsOf()
      const old = all.filter(({ token, createdAt }) => token !== '' && Date.parse(createdAt) < olderThan.getTime())
      return old.map(
        ({ id, guestId, token, createdAt }): Stray => ({
          what: `export ${id}`,
          made: { guest: { id: guestId, kind: 'vm', name: '', node: NODE }, jobRef: id, token, sources: [] },
          createdAt,
        }),
      )
    },
    close: async () => undefined,
  }
}
