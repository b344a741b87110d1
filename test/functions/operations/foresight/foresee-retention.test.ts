import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Guest } from '../../../../functions/contracts/nouns.ts'
import { type Retention, retentionSchema } from '../../../../functions/contracts/retention.ts'
import type { GuestRetention } from '../../../../functions/contracts/retention-report.ts'
import { listPrices } from '../../../../functions/domain/prices/list-prices.ts'
import { billBucket } from '../../../../functions/operations/foresight/bill-bucket.ts'
import { foreseeRetention } from '../../../../functions/operations/foresight/foresee-retention.ts'
import { pruneSite } from '../../../../functions/operations/pruning/prune-site.ts'
import type { RetentionPorts } from '../../../../functions/operations/pruning/retention-ports.ts'
import { putArchive } from '../../../fakes/put-archive.ts'
import { openVersionedBucket, type VersionedBucket } from '../../../fakes/versioned-bucket.ts'

const web: Guest = { id: '100', kind: 'vm', name: 'web', node: 'pve1' }
const db: Guest = { id: '101', kind: 'container', name: 'db', node: 'pve1' }
const policy: Retention = retentionSchema.parse({ 'keep-last': 2 })

/** What files of some bytes cost doesn't show in dollars, so here a GiB costs a million. */
const dear = structuredClone(listPrices)
dear.storage.STANDARD.dollarsPerGiBMonth = 1_000_000
dear.storage.GLACIER.dollarsPerGiBMonth = 200_000

describe('foreseeing what a retention does to the bill', () => {
  let bucket: VersionedBucket
  let ports: RetentionPorts
  beforeEach(async () => {
    bucket = await openVersionedBucket()
    const { store, versions } = bucket
    const base = { keyPrefix: '', prices: dear, now: () => new Date(), log: () => undefined }
    ports = { ...base, store, versions, remainingMilliseconds: () => 900_000 }
    for (const guest of [web, db]) {
      for (const day of [1, 2, 3, 4]) await putArchive(bucket, guest, `2026-11-0${day}T02:00:00.000Z`)
    }
  })
  afterEach(() => bucket.close())

  const folder = (day: number) => `archives/hq/vm-100/2026-11-0${day}T02-00-00Z/`
  const order = { site: 'hq', policy, by: 'test', confirmed: true }
  const foresee = () => foreseeRetention(order, ports)
  const bill = () => billBucket(ports, { table: dear, destination: 'internet' })
  const dollarsOf = async (owner: string) =>
    (await bill()).lines
      .filter((line) => line.owner.replace(/ \((?:hidden versions|without a manifest)\)/, '') === owner)
      .reduce((sum, { dollarsPerMonth }) => sum + dollarsPerMonth, 0)

  async function prune(dryRun: boolean): Promise<Map<string, GuestRetention>> {
    const told = new Map<string, GuestRetention>()
    for await (const { guest, result } of pruneSite({ ...order, dryRun }, ports)) {
      if ('trouble' in result) throw new Error(result.trouble)
      told.set(`hq/${guest.kind}-${guest.id}`, result)
    }
    return told
  }

  /** All that can make the two differ: hidden versions, a lock, another class, stray and broken files. */
  async function mixed(): Promise<void> {
    await bucket.put(`${folder(1)}file`, 'vma')
    await bucket.put(`${folder(1)}stray.txt`, 'not ours')
    await bucket.put(`${folder(2)}file`, 'vma', { retainUntil: new Date(Date.now() + 86_400_000 * 10) })
    await bucket.put('archives/hq/vm-100/2026-10-01T02-00-00Z/unfinished', 'half')
    await putArchive(bucket, web, '2026-11-05T02:00:00.000Z')
    await bucket.put(`${folder(3)}file`, 'vma', { storageClass: 'GLACIER' })
  }

  it('is what a dry run of prune says, guest by guest', async () => {
    await mixed()
    const foreseen = await foresee()
    const plan = await prune(true)
    expect(foreseen.guests.map(({ owner }) => owner).toSorted()).toEqual([...plan.keys()].toSorted())
    for (const { owner, going, locked, effect, archives } of foreseen.guests) {
      const result = plan.get(owner)
      expect({ archives, locked, saved: effect.savedPerMonth }).toEqual({
        archives: result?.archives.length,
        locked: result?.locked,
        saved: result?.effect?.savedPerMonth,
      })
      expect(going).toBe((result?.toRemove ?? 0) - (result?.locked ?? 0))
      const early = result?.archives.reduce((sum, one) => sum + (one.early?.dollars ?? 0), 0)
      expect(effect.earlyDeletionDollars).toBeCloseTo(early ?? Number.NaN, 4)
    }
    expect(foreseen.earlyDeletionDollars).toBeGreaterThan(0)
  })

  it('begins from the bill of each guest, and ends with the bill after it was carried out', async () => {
    await mixed()
    const foreseen = await foresee()
    const before = await bill()
    for (const { owner, effect } of foreseen.guests) {
      expect(effect.beforePerMonth).toBeCloseTo(await dollarsOf(owner), 4)
    }
    await prune(false)
    for (const { owner, effect } of foreseen.guests) {
      expect(effect.afterPerMonth).toBeCloseTo(await dollarsOf(owner), 4)
    }
    const archived = async () => (await dollarsOf('hq/vm-100')) + (await dollarsOf('hq/container-101'))
    expect(foreseen.savedPerMonth).toBeCloseTo(foreseen.beforePerMonth - (await archived()), 4)
    expect(before.mostDollars).toBeGreaterThanOrEqual(foreseen.beforePerMonth)
  })

  it('leaves locked archives where they are, and tells their date', async () => {
    await mixed()
    const { guests, locked } = await foresee()
    expect(locked).toBe(1)
    const day = new Date(Date.now() + 86_400_000 * 10).toISOString().slice(0, 10)
    expect(guests.find(({ owner }) => owner === 'hq/vm-100')?.lockedUntil?.slice(0, 10)).toBe(day)
  })

  it('counts a removal that was begun as one that ends', async () => {
    const [version] = await bucket.all(folder(1))
    if (version !== undefined) await bucket.versions.removeVersion(version)
    let calls = 0
    const cut: RetentionPorts['versions'] = {
      bucket: bucket.versions.bucket,
      listVersions: (prefix) => bucket.versions.listVersions(prefix),
      lockOf: (key, id) => bucket.versions.lockOf(key, id),
      removeVersion: async (version) => {
        calls += 1
        if (calls > 1) throw new Error('cut off')
        return bucket.versions.removeVersion(version)
      },
    }
    for await (const _ of pruneSite({ ...order, dryRun: false }, { ...ports, versions: cut })) break
    const foreseen = await foresee()
    await prune(false)
    for (const { owner, effect } of foreseen.guests) {
      expect(effect.afterPerMonth).toBeCloseTo(await dollarsOf(owner), 4)
    }
  })

  it('says what it saves in the guest’s own report and summary', async () => {
    const report = (await prune(false)).get('hq/vm-100')
    expect(report?.effect?.savedPerMonth).toBeGreaterThan(0)
    expect(report?.summary).toMatch(/^2 of 4 archives removed .*; saves about \$\d+\.\d\d a month\.$/)
    expect((await prune(true)).get('hq/vm-100')?.summary).not.toMatch(/save/)
  })

  it('says that guests that are gone count as present where the site was not asked', async () => {
    expect((await foresee()).leavesOut.join()).toMatch(/guests that are gone/)
    const asked = await foreseeRetention({ ...order, known: { guests: [web] } }, ports)
    expect(asked.leavesOut.join()).not.toMatch(/guests that are gone/)
    // Of a guest that is gone nothing goes, unless there are rules for such.
    expect(asked.guests.find(({ owner }) => owner === 'hq/container-101')?.effect.savedPerMonth).toBe(0)
    const unsure = await foreseeRetention({ ...order, known: { guests: [web], mayLack: 'no right to see' } }, ports)
    expect(unsure.troubled.map(({ owner }) => owner)).toEqual(['hq/container-101'])
  })
})
