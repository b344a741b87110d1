import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { StoreUnavailable } from '../../../../functions/contracts/errors.ts'
import { type Retention, retentionSchema } from '../../../../functions/contracts/retention.ts'
import type { Guest } from '../../../../functions/contracts/nouns.ts'
import { guestRetentionSchema } from '../../../../functions/contracts/retention-report.ts'
import type { Verification } from '../../../../functions/contracts/verification.ts'
import { listPrices } from '../../../../functions/domain/prices/list-prices.ts'
import { archiveFolder } from '../../../../functions/domain/books/object-keys.ts'
import { pinArchive, unpinArchive } from '../../../../functions/operations/books/pins.ts'
import { readGuestArchives } from '../../../../functions/operations/pruning/guest-archives.ts'
import { pruneGuest, type PruneOrder } from '../../../../functions/operations/pruning/prune-guest.ts'
import type { RetentionPorts } from '../../../../functions/operations/pruning/retention-ports.ts'
import { manifestOf } from '../../../fakes/manifest.ts'
import { openVersionedBucket, type VersionedBucket } from '../../../fakes/versioned-bucket.ts'

const guest = { id: '100', kind: 'vm' } as const
const policy = (rules: object): Retention => retentionSchema.parse({ timeZone: 'UTC', ...rules })
const DAY = 86_400_000

describe('pruneGuest', () => {
  let bucket: VersionedBucket
  let ports: RetentionPorts

  beforeEach(async () => {
    bucket = await openVersionedBucket()
    ports = {
      store: bucket.store,
      versions: bucket.versions,
      keyPrefix: 'backups/',
      prices: listPrices,
      now: () => new Date(),
      remainingMilliseconds: () => 900_000,
      log: () => undefined,
    }
  })
  afterEach(() => bucket.close())

  const folderOf = (day: number) => `backups/archives/hq/vm-100/2026-11-0${day}T02-00-00Z/`

  interface Its {
    protected?: boolean
    retainUntil?: Date
    storageClass?: 'GLACIER'
    verified?: boolean
    /** As a verification found it. */
    content?: { contentBytes: number; entropyBitsPerByte: number }
    /** Whose archive it is, and what the platform's clock said instead. */
    of?: Pick<Guest, 'name' | 'identity'>
    dated?: string
  }

  /** An archive of the n-th of November: file, log, manifest. Returns its folder. */
  async function archive(day: number, its: Its = {}): Promise<string> {
    const { content, verified = content !== undefined, protected: isProtected = false, of, dated, ...lock } = its
    const writtenAt = `2026-11-0${day}T02:00:00.000Z`
    const createdAt = dated ?? writtenAt
    const folder = archiveFolder('backups/', 'hq', { ...guest, name: '', node: '' }, createdAt)
    const file = `vzdump-qemu-100-2026_11_0${day}-02_00_00.vma.zst`
    const bytes = `archive of day ${day}`
    await bucket.put(`${folder}${file}`, bytes, lock)
    await bucket.put(`${folder}log.log`, 'log')
    const bare = manifestOf(createdAt, [bytes.length], { ...guest, name: 'web', node: 'pve1', ...of })
    const manifest = {
      ...bare,
      writtenAt,
      backup: { ...bare.backup, protected: isProtected },
      artifacts: bare.artifacts.map((artifact) => ({ ...artifact, key: `${folder}${file}`, fileName: file })),
      sideFiles: [`${folder}log.log`],
    }
    if (verified) {
      const verification: Verification = {
        version: 1,
        verifiedAt: '2026-11-10T00:00:00.000Z',
        tool: 'guestlift/0.1.0',
        result: 'accepted',
        findings: [],
        notes: [],
        evidence: content === undefined ? [] : [{ fileName: file, sizeBytes: 1, crc32: 'AAAAAA==', ...content }],
      }
      await bucket.put(`${folder}verification.json`, JSON.stringify(verification))
    }
    await bucket.put(`${folder}manifest.json`, JSON.stringify(manifest))
    return folder
  }

  const prune = (rules: object, its: Partial<PruneOrder> = {}) =>
    pruneGuest(
      { site: 'hq', guest, policy: policy(rules), by: 'test', gone: false, confirmed: true, dryRun: false, ...its },
      ports,
    )
  const told = ({ archives }: Awaited<ReturnType<typeof prune>>) =>
    archives.map(({ createdAt, decision, outcome }) => `${createdAt.slice(8, 10)} ${outcome ?? decision}`)
  /** Keys that still have a version below the archives, by folder's day. */
  const daysLeft = async () => [
    ...new Set((await bucket.all('backups/archives/')).map(({ key }) => key.split('/')[4]?.slice(8, 10))),
  ]

  it('removes every version and marker of what goes, and reports why', async () => {
    await archive(1)
    // Written twice and hidden once: a rewritten manifest, a log that was hidden.
    await archive(1)
    await bucket.store.remove(`${folderOf(1)}log.log`)
    await archive(2)
    await archive(3)
    const report = await prune({ 'keep-last': 2 })
    expect(told(report)).toEqual(['01 removed', '02 keep', '03 keep'])
    expect(await bucket.all(folderOf(1))).toEqual([])
    expect(await daysLeft()).toEqual(['02', '03'])
    const [key = ''] = await bucket.store.listKeys('backups/retention/hq/vm-100/')
    expect(guestRetentionSchema.parse(JSON.parse((await bucket.store.readText(key))?.text ?? ''))).toEqual(report)
    expect(report.summary).toMatch(/^1 of 3 archives removed/)
  })

  it('decides the same in a dry run, and changes nothing', async () => {
    for (const day of [1, 2, 3]) await archive(day)
    const before = await bucket.all()
    const dry = await prune({ 'keep-last': 1 }, { dryRun: true })
    expect(await bucket.all()).toEqual(before)
    const real = await prune({ 'keep-last': 1 })
    expect(dry.archives.map(({ folder, decision, reason }) => ({ folder, decision, reason }))).toEqual(
      real.archives.map(({ folder, decision, reason }) => ({ folder, decision, reason })),
    )
    expect(told(real)).toEqual(['01 removed', '02 removed', '03 keep'])
  })

  it('finds nothing to do when asked again, and writes no second report', async () => {
    for (const day of [1, 2]) await archive(day)
    await prune({ 'keep-last': 1 })
    expect((await prune({ 'keep-last': 1 })).toRemove).toBe(0)
    expect(await bucket.store.listKeys('backups/retention/')).toHaveLength(1)
  })

  it('keeps what a person pinned, outside the count, until it is unpinned', async () => {
    for (const day of [1, 2, 3]) await archive(day)
    await pinArchive(folderOf(1), undefined, ports)
    await pinArchive(folderOf(3), undefined, ports)
    const dry = await prune({ 'keep-last': 1 }, { dryRun: true })
    const report = await prune({ 'keep-last': 1 })
    expect(told(dry)).toEqual(['01 protected', '02 keep', '03 protected'])
    expect(told(report)).toEqual(told(dry))
    expect(report.archives[0]?.reason).toBe('pinned: outside the count')
    await unpinArchive(folderOf(1), ports)
    expect(told(await prune({ 'keep-last': 1 }))).toEqual(['01 removed', '02 keep', '03 protected'])
  })

  it('spares what a person pins while others are removed', async () => {
    for (const day of [1, 2, 3]) await archive(day)
    const remove = bucket.versions.removeVersion.bind(bucket.versions)
    bucket.versions.removeVersion = async (version) => {
      await pinArchive(folderOf(2), undefined, ports)
      return remove(version)
    }
    const report = await prune({ 'keep-last': 1 })
    expect(told(report)).toEqual(['01 removed', '02 protected', '03 keep'])
    expect(report.archives[1]?.reason).toBe('pinned: outside the count')
    expect(await daysLeft()).toEqual(['02', '03'])
  })

  it('keeps protected archives, the last verified one, and those that nobody can read', async () => {
    await archive(1, { protected: true })
    await archive(2, { verified: true })
    await archive(3)
    await bucket.put(`${folderOf(3)}manifest.json`, 'not json')
    await archive(4)
    await bucket.store.remove(`${folderOf(4)}manifest.json`)
    await archive(5)
    await archive(6)
    const report = await prune({ 'keep-last': 1 })
    expect(report.archives.map(({ decision, guard }) => guard ?? decision)).toEqual([
      'protected',
      'last-verified',
      'untrusted',
      'untrusted',
      'remove',
      'keep',
    ])
    expect(await daysLeft()).toEqual(['01', '02', '03', '04', '06'])
  })

  it('lets nothing older go once a verification found that the newest archive looks encrypted', async () => {
    for (const day of [1, 2, 3]) await archive(day, { content: { contentBytes: 40, entropyBitsPerByte: 5 } })
    await archive(4)
    const dry = await prune({ 'keep-last': 1 }, { dryRun: true })
    expect(told(dry)).toEqual(['01 remove', '02 remove', '03 keep', '04 keep'])
    await archive(4, { content: { contentBytes: 40, entropyBitsPerByte: 7.9 } })
    const report = await prune({ 'keep-last': 1 })
    expect(report.removed).toBe(0)
    expect(report.warnings).toEqual([expect.stringMatching(/looks wrong: Its content has 7\.9 bits per byte/)])
  })

  it('touches no other guest, site or tool, and no file that the manifest does not name', async () => {
    await archive(1)
    await archive(2)
    const others = [
      `${folderOf(1)}note-from-a-person.txt`,
      'backups/archives/hq/vm-100/README',
      'backups/archives/hq/vm-1000/2026-11-01T02-00-00Z/manifest.json',
      'backups/archives/branch/vm-100/2026-11-01T02-00-00Z/manifest.json',
      'archives/hq/vm-100/2026-11-01T02-00-00Z/manifest.json',
    ]
    for (const key of others) await bucket.put(key, 'theirs')
    const report = await prune({ 'keep-last': 1 })
    expect(told(report)).toEqual(['01 removed', '02 keep'])
    expect(report.archives[0]?.foreignKeys).toEqual([others[0]])
    const left = new Set((await bucket.all()).map(({ key }) => key))
    expect(others.filter((key) => !left.has(key))).toEqual([])
  })

  it('believes no manifest that names files of another archive', async () => {
    const folder = await archive(1)
    await archive(2)
    await archive(3)
    const text = (await bucket.store.readText(`${folder}manifest.json`))?.text ?? ''
    const forged = { ...JSON.parse(text), sideFiles: [`${folderOf(3)}manifest.json`] }
    await bucket.put(`${folder}manifest.json`, JSON.stringify(forged))
    const report = await prune({ 'keep-last': 1 })
    expect(told(report)).toEqual(['01 keep', '02 removed', '03 keep'])
    expect(report.archives[0]?.reason).toMatch(/outside of its folder/)
  })

  it('reports a locked archive with its date and leaves it whole; it goes once nothing holds it', async () => {
    const retainUntil = new Date(Math.ceil(Date.now() / 1000) * 1000 + 30 * DAY)
    await archive(1, { retainUntil })
    await archive(2)
    await bucket.holdLegally(`${folderOf(2)}log.log`, true)
    await archive(3)
    const report = await prune({ 'keep-last': 1 })
    expect(told(report)).toEqual(['01 locked', '02 locked', '03 keep'])
    expect(report.archives.map(({ lock }) => lock)).toEqual([
      { legalHold: false, retainUntil: retainUntil.toISOString() },
      { legalHold: true },
      undefined,
    ])
    expect(report).toMatchObject({ removed: 0, locked: 2 })
    const whole = (await readGuestArchives('hq', guest, 'manifests', ports)).map(({ problem }) => problem)
    expect(whole).toEqual([undefined, undefined, undefined])
    await bucket.holdLegally(`${folderOf(2)}log.log`, false)
    expect(told(await prune({ 'keep-last': 1 }))).toEqual(['01 locked', '02 removed', '03 keep'])
  })

  it('says what removing before the minimum duration costs', async () => {
    await archive(1, { storageClass: 'GLACIER' })
    await archive(2)
    const dry = await prune({ 'keep-last': 1 }, { dryRun: true })
    expect(dry.archives[0]?.early?.dollars).toBeGreaterThan(0)
    expect(Date.parse(dry.archives[0]?.early?.until ?? '') - Date.now()).toBeGreaterThan(89 * DAY)
    expect(told(await prune({ 'keep-last': 1 }))).toEqual(['01 removed', '02 keep'])
  })

  it('leaves the rest to the next run when time runs out', async () => {
    for (const day of [1, 2, 3]) await archive(day)
    let calls = 0
    const pressed = { ...ports, remainingMilliseconds: () => (++calls === 1 ? 900_000 : 1000) }
    const order = { site: 'hq', guest, by: 'test', gone: false, confirmed: true, dryRun: false }
    const report = await pruneGuest({ ...order, policy: policy({ 'keep-last': 1 }) }, pressed)
    expect(told(report)).toEqual(['01 removed', '02 left', '03 keep'])
    expect(told(await prune({ 'keep-last': 1 }))).toEqual(['02 removed', '03 keep'])
  })

  it.each([0, 1, 2, 3])('cut short after %i removals, leaves no half archive and ends what it began', async (after) => {
    for (const day of [1, 2]) await archive(day)
    let removals = 0
    const failing: RetentionPorts = {
      ...ports,
      versions: {
        bucket: bucket.versions.bucket,
        listVersions: (prefix) => bucket.versions.listVersions(prefix),
        lockOf: (key, version) => bucket.versions.lockOf(key, version),
        removeVersion: (version) => {
          if (++removals > after) throw new StoreUnavailable('the connection was cut')
          return bucket.versions.removeVersion(version)
        },
      },
    }
    const order = { site: 'hq', guest, by: 'test', gone: false, confirmed: true, dryRun: false }
    const cut = await pruneGuest({ ...order, policy: policy({ 'keep-last': 1 }) }, failing)
    expect(cut.archives[0]?.outcome).toBe(after === 3 ? 'removed' : 'left')
    const trusted = (await readGuestArchives('hq', guest, 'manifests', ports)).filter(
      ({ problem }) => problem === undefined,
    )
    expect(trusted.map(({ createdAt }) => createdAt.slice(8, 10))).toEqual(after === 0 ? ['01', '02'] : ['02'])
    const next = await prune({ 'keep-last': 1 })
    expect(next.resumed).toEqual(after === 1 || after === 2 ? [folderOf(1)] : [])
    expect(await daysLeft()).toEqual(['02'])
    expect(await bucket.store.listKeys('backups/retention/hq/vm-100/removing/')).toEqual([])
  })

  it('does not end a removal whose archive was made anew in the meantime', async () => {
    for (const day of [1, 2]) await archive(day)
    const before = await bucket.all(folderOf(1))
    const record = {
      version: 1,
      folder: folderOf(1),
      reason: '',
      decidedAt: '2026-11-10T00:00:00.000Z',
      versions: before.map(({ key, versionId }) => ({ key, versionId })),
    }
    await bucket.put('backups/retention/hq/vm-100/removing/2026-11-01T02-00-00Z.json', JSON.stringify(record))
    const report = await prune({ 'keep-all': true })
    expect(told(report)).toEqual(['01 keep', '02 keep'])
    expect(await bucket.all(folderOf(1))).toEqual(before)
  })

  it('follows no record that points at another guest', async () => {
    await archive(1)
    const theirs = 'backups/archives/hq/vm-200/2026-11-01T02-00-00Z/'
    const versionId = await bucket.put(`${theirs}file`, 'theirs')
    const record = {
      version: 1,
      folder: theirs,
      reason: '',
      decidedAt: '2026-11-10T00:00:00.000Z',
      versions: [{ key: `${theirs}file`, versionId }],
    }
    await bucket.put('backups/retention/hq/vm-100/removing/2026-11-01T02-00-00Z.json', JSON.stringify(record))
    const report = await prune({ 'keep-last': 1 })
    expect(report.warnings).toEqual([expect.stringMatching(/isn't a record of a removal/)])
    expect(await bucket.all(theirs)).toHaveLength(1)
  })

  it('removes no archive of a guest that had the id before, by any rule but those for guests that are gone', async () => {
    const payroll = { name: 'payroll-db', identity: { id: 'smbios:1' } }
    const scratch = { name: 'scratch', identity: { id: 'smbios:2' } }
    for (const day of [1, 2, 3]) await archive(day, { of: payroll })
    for (const day of [4, 5, 6]) await archive(day, { of: scratch })
    const report = await prune({ 'keep-last': 1, largestShare: 1 }, { confirmed: false, identity: scratch.identity })
    expect(told(report)).toEqual(['01 keep', '02 keep', '03 keep', '04 removed', '05 removed', '06 keep'])
    expect(report.archives.map(({ formerGuest }) => formerGuest)).toEqual([
      ...Array(3).fill('payroll-db'),
      ...Array(3).fill(undefined),
    ])
    // The guest of the site was never archived: nothing here is its own.
    expect((await prune({ 'keep-last': 1 }, { identity: { id: 'smbios:3' } })).toRemove).toBe(0)
    const orphans = { 'keep-last': 1, orphans: { 'keep-last': 1 } }
    expect(told(await prune(orphans, { identity: scratch.identity }))).toEqual([
      '01 removed',
      '02 removed',
      '03 keep',
      '06 keep',
    ])
  })

  it('keeps what was made last though the clock is years ahead, and asks a person once', async () => {
    await archive(1, { dated: '2031-11-01T02:00:00.000Z' })
    await archive(2, { dated: '2031-11-02T02:00:00.000Z' })
    // The clock was put right.
    await archive(3)
    const rules = { 'keep-last': 2, largestShare: 1 }
    // Something to end, so that the pruning gets to work.
    await bucket.put('backups/archives/hq/vm-100/2026-11-09T02-00-00Z/verification.json', '{}')
    const held = await prune(rules, { confirmed: false })
    expect(held.resumed).toHaveLength(1)
    expect(await bucket.store.listKeys('backups/retention/hq/vm-100/clock.json')).toEqual([])
    expect(held.archives.map(({ decision, guard }) => guard ?? decision)).toEqual(['clock-in-doubt', 'keep', 'keep'])
    expect(held.warnings).toEqual([expect.stringMatching(/Nothing is removed until a person confirms it\.$/)])
    expect(held.archives[0]).toMatchObject({ createdAt: '2031-11-01T02:00:00.000Z', at: '2026-11-01T02:00:00.000Z' })
    // A dry run keeps nobody's word.
    expect((await prune(rules, { dryRun: true })).toRemove).toBe(1)
    expect(await bucket.store.listKeys('backups/retention/hq/vm-100/clock.json')).toEqual([])
    expect((await prune(rules)).removed).toBe(1)
    expect(await bucket.store.listKeys('backups/retention/hq/vm-100/clock.json')).toHaveLength(1)
    await archive(4)
    const next = await prune(rules, { confirmed: false })
    expect(next.archives.map(({ outcome, decision }) => outcome ?? decision)).toEqual(['removed', 'keep', 'keep'])
    expect(next.warnings).toEqual([])
  })

  it.each(['2021-11-03T02:00:00.000Z', '2026-10-20T02:00:00.000Z'])(
    'never removes the archive that was written last, though the clock dates it %s',
    async (dated) => {
      for (const day of [1, 2]) await archive(day)
      const fresh = await archive(3, { dated })
      for (const confirmed of [false, true]) {
        await prune({ 'keep-last': 1, largestShare: 1 }, { confirmed })
        expect(await bucket.all(fresh)).not.toEqual([])
      }
    },
  )
})
