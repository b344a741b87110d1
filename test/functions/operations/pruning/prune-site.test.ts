import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Guest } from '../../../../functions/contracts/nouns.ts'
import { retentionSchema } from '../../../../functions/contracts/retention.ts'
import { listPrices } from '../../../../functions/domain/prices/list-prices.ts'
import { pruneSite, type SiteOrder } from '../../../../functions/operations/pruning/prune-site.ts'
import type { RetentionPorts } from '../../../../functions/operations/pruning/retention-ports.ts'
import { putArchive } from '../../../fakes/put-archive.ts'
import { openVersionedBucket, type VersionedBucket } from '../../../fakes/versioned-bucket.ts'

const web: Guest = { id: '100', kind: 'vm', name: 'web', node: 'pve1' }
const box: Guest = { id: '100', kind: 'container', name: 'box', node: 'pve1' }
const db: Guest = { id: '101', kind: 'vm', name: 'db', node: 'pve1' }

describe('pruneSite', () => {
  let bucket: VersionedBucket
  let ports: RetentionPorts
  beforeEach(async () => {
    bucket = await openVersionedBucket('versioned')
    const { store, versions } = bucket
    const base = { keyPrefix: '', prices: listPrices, now: () => new Date(), log: () => undefined }
    ports = { ...base, store, versions, remainingMilliseconds: () => 900_000 }
    for (const guest of [web, box, db]) {
      for (const day of [1, 2, 3]) await putArchive(bucket, guest, `2026-11-0${day}T02:00:00.000Z`)
    }
  })
  afterEach(() => bucket.close())

  async function prune(its: Partial<SiteOrder> & { rules?: object } = {}) {
    const { rules = { 'keep-last': 2 }, ...order } = its
    const told: Record<string, string> = {}
    const whole = {
      site: 'hq',
      policy: retentionSchema.parse(rules),
      by: 'test',
      confirmed: true,
      dryRun: true,
      ...order,
    }
    for await (const { guest, result } of pruneSite(whole, ports)) {
      const decisions = 'trouble' in result ? result.trouble : result.archives.map(({ decision }) => decision).join()
      told[`${guest.kind}-${guest.id}`] = decisions
    }
    return told
  }

  it('looks at each guest of the site that has archives, or at those that are asked for', async () => {
    const one = 'remove,keep,keep'
    expect(await prune()).toEqual({ 'container-100': one, 'vm-100': one, 'vm-101': one })
    expect(await prune({ guestIds: ['101'] })).toEqual({ 'vm-101': one })
    expect(await prune({ site: 'h' })).toEqual({})
  })

  it('keeps what guests left that are gone, by their own rule, even where another kind took their id', async () => {
    const gone = { since: '2026-11-01T00:00:00.000Z', lists: 3, gone: true }
    const known = {
      guests: [web],
      absent: [
        { ...db, ...gone },
        { ...box, ...gone },
      ],
    }
    expect(await prune({ known })).toEqual({
      'container-100': 'keep,keep,keep',
      'vm-100': 'remove,keep,keep',
      'vm-101': 'keep,keep,keep',
    })
    const rules = { 'keep-last': 2, orphans: { 'keep-last': 1 } }
    expect(await prune({ known, rules })).toMatchObject({
      'vm-100': 'remove,keep,keep',
      'vm-101': 'remove,remove,keep',
    })
  })

  it('removes nothing of a guest that is absent and not yet gone, by neither rule', async () => {
    const absent = { since: '2026-11-20T00:00:00.000Z', lists: 2, gone: false }
    const rules = { 'keep-last': 1, orphans: { 'keep-last': 1 } }
    // One whose absence nobody has recorded is no more gone.
    const known = { guests: [web], absent: [{ ...db, ...absent }] }
    expect(await prune({ known, rules })).toEqual({
      'container-100': 'keep,keep,keep',
      'vm-100': 'remove,remove,keep',
      'vm-101': 'keep,keep,keep',
    })
  })

  it('treats nobody as gone while too many are, and needs a person', async () => {
    const gone = { since: '2026-11-01T00:00:00.000Z', lists: 3, gone: true }
    const known = { guests: [web], absent: [{ ...db, ...gone }], doubt: 'Half of the site vanished.' }
    expect(await prune({ known, rules: { 'keep-last': 1, orphans: { 'keep-last': 1 } } })).toMatchObject({
      'vm-100': 'remove,remove,keep',
      'vm-101': expect.stringMatching(/isn't known .* Half of the site/),
    })
  })

  it('leaves a guest alone when the site may hide that it is still there', async () => {
    const known = { guests: [web], mayLack: 'Node pve2 does not answer.' }
    expect(await prune({ known, guestIds: ['101'] })).toEqual({
      'vm-101': expect.stringMatching(/isn't known .* Node pve2/),
    })
  })

  it('asks for the locks of so many archives in a dry run, and says of how many it did not', async () => {
    await bucket.close()
    bucket = await openVersionedBucket('locking')
    const asked: string[] = []
    const { store, versions } = bucket
    const lockOf: typeof versions.lockOf = (key, version) => {
      asked.push(key.split('/')[2] ?? '')
      return versions.lockOf(key, version)
    }
    const listVersions: typeof versions.listVersions = (prefix) => versions.listVersions(prefix)
    const removeVersion: typeof versions.removeVersion = (version) => versions.removeVersion(version)
    ports = { ...ports, store, versions: { bucket: versions.bucket, lockOf, listVersions, removeVersion } }
    for (const guest of [web, box, db]) {
      for (const day of [1, 2, 3]) {
        const folder = await putArchive(bucket, guest, `2026-11-0${day}T02:00:00.000Z`)
        await bucket.holdLegally(`${folder}file`, true)
      }
    }
    const order = { site: 'hq', policy: retentionSchema.parse({ 'keep-last': 1, largestShare: 1 }), by: 'test' }
    const ended = async (dryRun: boolean) => {
      asked.length = 0
      const results = []
      for await (const { result } of pruneSite({ ...order, confirmed: true, dryRun, lockLooks: 3 }, ports)) {
        if (!('trouble' in result)) results.push(result)
      }
      return results
    }
    const [first, second, third] = await ended(true)
    expect([first?.locked, second?.locked, third?.locked]).toEqual([2, 1, 0])
    expect([first?.locksNotAsked, second?.locksNotAsked, third?.locksNotAsked]).toEqual([undefined, 1, 2])
    expect(second?.summary).toMatch(/^1 of 3 archives would be removed .*; 1 locked; 1 not asked for locks/)
    expect(new Set(asked)).toEqual(new Set(['container-100', 'vm-100']))
    // Asked for real, each is.
    expect((await ended(false)).map(({ locked, removed }) => ({ locked, removed }))).toEqual(
      Array.from({ length: 3 }, () => ({ locked: 2, removed: 0 })),
    )
  })
})
