/** A representative set of work: what a deployment does in its first weeks, on one machine and in a minute or two. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { PutObjectCommand, PutObjectLegalHoldCommand } from '@aws-sdk/client-s3'
import { DEFAULT_STORAGES, defaultAcl, RESTORE_PRIVILEGES } from '../../local/labs/proxmox/default-site.ts'
import { createIdentity, fingerprintOf } from '../../local/labs/shared/certificate.ts'
import { bucket, openSite, type Site, type SiteOptions } from '../e2e/harness.ts'
import { type RangeServer, startRangeServer } from '../functions/readers/https/range-server.ts'

const FOR_IMPORT = ['Datastore.Allocate', 'Datastore.AllocateTemplate', 'Sys.AccessNetwork']

/** Opens the site `hq`, read over SSH, `web`, the same over HTTPS, and `rest`, the same whose guests come back by import. */
export async function openBench(options: SiteOptions = {}): Promise<Site> {
  const identity = createIdentity(['127.0.0.1'], new Date())
  let server: RangeServer | undefined
  const site = await openSite(
    {
      mayBeRefused: /./,
      locks: true,
      restores: true,
      storages: [...DEFAULT_STORAGES, { id: 'disks', type: 'nfs', content: ['import'] }],
      roles: { GuestliftImport: [...RESTORE_PRIVILEGES, ...FOR_IMPORT] },
      acl: [
        ...defaultAcl(),
        ...['restore@pve', 'restore@pve!guestlift'].flatMap((who) =>
          ['/storage/disks', '/nodes/pve1'].map((path) => ({ path, who, role: 'GuestliftImport', propagate: true })),
        ),
      ],
      ...options,
    },
    async (hq, lab) => {
      const storage = lab.storages.find(({ id, node }) => id === 'local' && node === 'pve1')
      if (storage === undefined) throw new Error('the lab has no local storage on pve1')
      server = await startRangeServer({ tls: identity, root: join(storage.directory, 'dump') })
      const tls = { mode: 'fingerprint', fingerprints: [fingerprintOf(identity.cert)] }
      const restore = { ...(hq['restore'] as object), delivery: { type: 'import' } }
      return { web: { ...hq, route: { type: 'https', url: `${server.url}/{file}`, tls } }, rest: { ...hq, restore } }
    },
  )
  return {
    ...site,
    close: async () => {
      await site.close()
      await server?.close()
    },
  }
}

/** What is played, and whether it ended as it should. */
export interface Played {
  name: string
  /** Absent when it did. */
  trouble?: string
}

interface Act {
  name: string
  /** @returns how it ended, and how it should have */
  play(site: Site): Promise<[found: string | undefined, wanted: string]>
}

const backup = { storage: 'local' }
const noted = { ...backup, notes: 'before the upgrade' }
const run = async (site: Site, job: object): Promise<string | undefined> =>
  (await site.run({ backup, ...job })).report?.outcome

const restored = async (site: Site, request: object): Promise<string | undefined> => {
  const { told, result } = await site.upkeep('restoreGuest', {
    site: 'hq',
    storage: 'local-lvm',
    confirm: true,
    ...request,
  })
  return told?.report?.outcome === 'succeeded' ? 'succeeded' : (result.cause ?? told?.report?.summary)
}

/** Whose newest archive is locked. */
const lockedGuest = '-103/'

/** Of the newest archive whose key holds this. */
async function folderOf(site: Site, part: string): Promise<string> {
  const manifests = (await site.keys('archives/')).filter((key) => key.includes(part) && key.endsWith('/manifest.json'))
  return (manifests.at(-1) ?? '').slice(0, -'manifest.json'.length)
}

const acts: readonly Act[] = [
  {
    name: 'a run that is stopped while it copies, and its clean-up',
    play: async (site) => {
      const death = new AbortController()
      const startedAt = Date.now()
      const job = { site: 'hq', guests: { vmids: [101] }, backup }
      await site.run(job, {
        name: 'stopped',
        kill: death.signal,
        onState: (state) => {
          if (state === 'Copy parts') death.abort()
        },
      })
      const claim = JSON.parse(await site.text('claims/hq/container-101.json')) as Record<string, unknown>
      const detail = { name: 'stopped', status: 'ABORTED', startDate: startedAt }
      const { status, output } = await site.cleanUp({ detail, executions: [String(claim['execution'])] })
      const said = JSON.stringify(output)
      return [said.includes('1 of 1 guests cleaned up') ? status : said, 'SUCCEEDED']
    },
  },
  {
    name: 'a scheduled run of two guests over SSH',
    play: async (site) => {
      const schedule = { name: 'nightly', scheduledAt: '2026-11-22T02:00:00Z' }
      return [
        await run(site, {
          site: 'hq',
          guests: { vmids: [100, 103] },
          schedule,
          backup: noted,
          siteConfiguration: true,
        }),
        'succeeded',
      ]
    },
  },
  {
    name: 'a run over HTTPS that removes the source copy',
    play: async (site) => [await run(site, { site: 'web', guests: { vmids: [101] }, deleteSource: true }), 'succeeded'],
  },
  {
    name: 'a run of which one guest fails',
    play: async (site) => {
      site.lab.faults.onBackup(103, { kind: 'error', text: 'no space left' })
      const outcome = await run(site, { site: 'hq', guests: { vmids: [100, 103] }, siteConfiguration: true })
      site.lab.faults.clear()
      return [outcome, 'partial']
    },
  },
  {
    name: 'one guest of a run’s plan, repeated alone',
    play: async (site) => {
      const [planKey = ''] = (await site.keys('runs/')).filter((key) => key.endsWith('/plan.json'))
      const [item] = JSON.parse(await site.text(planKey)) as unknown[]
      return [(await site.run(item, { workflow: 'exportGuest' })).result.status, 'SUCCEEDED']
    },
  },
  {
    name: 'pruning',
    play: async (site) => [
      (await site.upkeep('pruneArchives', { site: 'hq', retention: { 'keep-last': 2 } })).told?.report?.outcome,
      'succeeded',
    ],
  },
  {
    name: 'a run with a retention',
    play: async (site) => [
      await run(site, { site: 'hq', guests: { vmids: [100] }, retention: { 'keep-last': 2 } }),
      'succeeded',
    ],
  },
  {
    name: 'a run whose archive is locked, and held by a person then',
    play: async (site) => {
      const objectLock = { mode: 'governance', days: 1 }
      const outcome = await run(site, { site: 'hq', guests: { vmids: [103] }, objectLock, pin: 'before the move' })
      for (const Key of await site.keys(await folderOf(site, lockedGuest))) {
        await site.s3.send(new PutObjectLegalHoldCommand({ Bucket: bucket, Key, LegalHold: { Status: 'ON' } }))
      }
      return [outcome, 'succeeded']
    },
  },
  {
    name: 'verification',
    play: async (site) => [(await site.upkeep('verifyArchives', {})).told?.report?.outcome, 'succeeded'],
  },
  {
    name: 'verification at length',
    play: async (site) => {
      const archives = [await folderOf(site, lockedGuest)]
      const { told } = await site.upkeep('verifyArchives', { archives, mostGiBInFunction: 1 / 2 ** 30 })
      return [told?.report?.outcome, 'succeeded']
    },
  },
  {
    name: 'coverage',
    play: async (site) => [(await site.upkeep('judgeCoverage', { site: 'hq' })).told?.report?.site, 'hq'],
  },
  {
    name: 'a restore',
    play: async (site) => [await restored(site, { archive: 'hq/vm-100', id: '9100' }), 'succeeded'],
  },
  {
    name: 'a restore by import',
    play: async (site) => [await restored(site, { site: 'rest', archive: 'hq/vm-100', id: '9106' }), 'succeeded'],
  },
  {
    name: 'a drill',
    play: async (site) => {
      const request = { site: 'hq', guests: { ids: ['100'] }, everyDays: 0, ids: '9900-9909', storage: 'local-lvm' }
      const { told, result } = await site.upkeep('restoreDrill', request)
      return [
        told?.report?.outcome === 'succeeded' ? 'succeeded' : (result.cause ?? told?.report?.summary),
        'succeeded',
      ]
    },
  },
  {
    name: 'a restore from Glacier',
    play: async (site) => {
      const key = (await site.keys('archives/hq/vm-100/')).find((each) => each.endsWith('.vma.zst')) ?? ''
      const Body = readFileSync(site.path(key))
      await site.s3.send(new PutObjectCommand({ Bucket: bucket, Key: key, Body, StorageClass: 'GLACIER' }))
      const thaw = { tier: 'expedited', days: 1 }
      return [await restored(site, { archive: key, id: '9103', thaw }), 'succeeded']
    },
  },
  {
    name: 'a restore that is stopped while the guest is made, and its clean-up',
    play: async (site) => {
      const death = new AbortController()
      const startDate = Date.now()
      await site.upkeep(
        'restoreGuest',
        { site: 'hq', archive: 'hq/vm-100', id: '9104', storage: 'local-lvm', confirm: true },
        { kill: death.signal, onState: (state) => void (state === 'Check restore' && death.abort()) },
      )
      const [lease = ''] = await site.keys('restores/open/hq/9104')
      const { execution, restoreId } = JSON.parse(await site.text(lease)) as Record<string, string>
      const detail = { executionArn: execution, name: restoreId, status: 'ABORTED', startDate }
      const { status, cause = '' } = await site.cleanUp({ detail, executions: [] }, 'cleanUpRestore')
      return [status === 'SUCCEEDED' ? status : cause, 'SUCCEEDED']
    },
  },
  {
    name: 'a restore that died, and what sweeps it up',
    play: async (site) => {
      const death = new AbortController()
      await site.upkeep(
        'restoreGuest',
        { site: 'hq', archive: 'hq/vm-100', id: '9105', storage: 'local-lvm', confirm: true },
        { kill: death.signal, onState: (state) => void (state === 'Create guest' && death.abort()) },
      )
      const [lease = ''] = await site.keys('restores/open/hq/9105')
      const held = JSON.parse(await site.text(lease)) as Record<string, string>
      await site.put(lease, JSON.stringify({ ...held, until: '2020-01-01T00:00:00.000Z' }))
      const { told } = await site.upkeep('sweepUploads', { dryRun: false })
      return [
        (await site.keys('restores/open/')).length === 0 ? told?.report?.outcome : 'a lease that stays',
        'succeeded',
      ]
    },
  },
  {
    name: 'the sweep',
    play: async (site) => [(await site.upkeep('sweepUploads', { dryRun: false })).told?.report?.outcome, 'succeeded'],
  },
]

/**
 * Play all of it, one after another.
 * @param onPlayed told of each as it ends
 * @param only those whose name holds this
 */
export async function play(site: Site, onPlayed: (played: Played) => void, only = ''): Promise<Played[]> {
  const played: Played[] = []
  for (const act of acts.filter(({ name }) => name.includes(only))) {
    const trouble = await troubleOf(act, site)
    const one = { name: act.name, ...(trouble === undefined ? {} : { trouble }) }
    played.push(one)
    onPlayed(one)
  }
  return played
}

async function troubleOf(act: Act, site: Site): Promise<string | undefined> {
  try {
    const [found, wanted] = await act.play(site)
    return found === wanted ? undefined : `ended as ${found}, not as ${wanted}`
  } catch (error) {
    // What follows says more of the rights.
    return error instanceof Error ? error.message : String(error)
  }
}
