import { beforeEach, describe, expect, it } from 'vitest'
import { StoreUnavailable } from '../../../../functions/contracts/errors.ts'
import { type Retention, retentionSchema } from '../../../../functions/contracts/retention.ts'
import { listPrices } from '../../../../functions/domain/prices/list-prices.ts'
import { archiveFolder } from '../../../../functions/domain/books/object-keys.ts'
import { pruneGuest, type PruneOrder } from '../../../../functions/operations/pruning/prune-guest.ts'
import type { RetentionPorts } from '../../../../functions/operations/pruning/retention-ports.ts'
import { manifestOf } from '../../../fakes/manifest.ts'
import { MemoryStore } from '../../../fakes/memory-store.ts'
import { MemoryVersions } from '../../../fakes/memory-versions.ts'

const guest = { id: '100', kind: 'vm' } as const
const NOW = new Date('2026-11-20T12:00:00.000Z')
const policy = (rules: object): Retention => retentionSchema.parse({ timeZone: 'UTC', largestShare: 1, ...rules })
const november = { legalHold: false, retainUntil: '2026-11-30T00:00:00.000Z' }

/** A dollar a month for each byte. */
const dear = {
  ...listPrices,
  storage: {
    ...listPrices.storage,
    STANDARD: { ...listPrices.storage.STANDARD, dollarsPerGiBMonth: 2 ** 30 },
  },
}

describe('pruning a guest', () => {
  let store: MemoryStore
  let bucket: MemoryVersions
  let ports: RetentionPorts
  let remaining: () => number
  const logged: string[] = []

  beforeEach(() => {
    store = new MemoryStore(() => NOW)
    bucket = new MemoryVersions(store)
    remaining = () => 900_000
    logged.length = 0
    ports = {
      store,
      versions: bucket,
      keyPrefix: '',
      prices: listPrices,
      now: () => NOW,
      remainingMilliseconds: () => remaining(),
      log: (event) => logged.push(event),
    }
  })

  /** An archive of the n-th of November, of ten bytes beside its manifest. */
  async function archive(day: number, extra?: string, its: object = {}): Promise<string> {
    const createdAt = `2026-11-${String(day).padStart(2, '0')}T02:00:00.000Z`
    const folder = archiveFolder('', 'hq', { ...guest, name: '', node: '' }, createdAt)
    const fileName = 'disk.vma.zst'
    const bare = manifestOf(createdAt, [10], { ...guest, name: 'web', node: 'pve1' })
    const artifacts = bare.artifacts.map((one) => ({ ...one, key: `${folder}${fileName}`, fileName }))
    await store.writeText(`${folder}${fileName}`, '0123456789')
    if (extra !== undefined) await store.writeText(`${folder}${extra}`, 'theirs')
    await store.writeText(
      `${folder}manifest.json`,
      JSON.stringify({ ...bare, writtenAt: createdAt, artifacts, sideFiles: [], ...its }),
    )
    return folder
  }
  const folderOf = (day: number) => `archives/hq/vm-100/2026-11-0${day}T02-00-00Z/`
  const prune = (rules: object, its: Partial<PruneOrder> = {}) =>
    pruneGuest(
      { site: 'hq', guest, policy: policy(rules), by: 'test', gone: false, confirmed: true, dryRun: false, ...its },
      ports,
    )
  const told = ({ archives }: Awaited<ReturnType<typeof prune>>) =>
    archives.map(({ createdAt, decision, outcome }) => `${createdAt.slice(8, 10)} ${outcome ?? decision}`)
  const reports = () => [...store.objects.keys()].filter((key) => /^retention\/hq\/vm-100\/\d/.test(key))
  const folders = () =>
    new Set(
      [...store.objects.keys()]
        .filter((key) => key.startsWith('archives/'))
        .map((key) => key.split('/')[3]?.slice(8, 10)),
    )

  it('tells each archive with its place, size, decision and reason, and foreign files where there are any', async () => {
    await archive(1, 'note.txt')
    await archive(2)
    const { archives } = await prune({ 'keep-last': 1 })
    expect(archives).toEqual([
      {
        folder: folderOf(1),
        createdAt: '2026-11-01T02:00:00.000Z',
        sizeBytes: expect.any(Number),
        decision: 'remove',
        reason: 'removed: no rule keeps it',
        outcome: 'removed',
        foreignKeys: [`${folderOf(1)}note.txt`],
      },
      {
        folder: folderOf(2),
        createdAt: '2026-11-02T02:00:00.000Z',
        sizeBytes: expect.any(Number),
        decision: 'keep',
        reason: 'kept: keep-last 2026-11-02T02:00:00.000Z',
      },
    ])
    expect(await store.listKeys(folderOf(1))).toEqual([`${folderOf(1)}note.txt`])
  })

  it('says who asked, by what, and when, and keeps that as the report', async () => {
    await archive(1)
    await archive(2)
    const report = await prune({ 'keep-last': 1 })
    expect(report).toMatchObject({
      version: 1,
      site: 'hq',
      guest,
      policy: policy({ 'keep-last': 1 }),
      gone: false,
      confirmed: true,
      dryRun: false,
      decidedAt: NOW.toISOString(),
      resumed: [],
      warnings: [],
      toRemove: 1,
      removed: 1,
    })
    expect(reports()).toHaveLength(1)
    expect(logged).toContain('retention-applied')
  })

  it('keeps no report where there is nothing to tell, nor of a dry run', async () => {
    await archive(1)
    await archive(2)
    await prune({ 'keep-last': 2 })
    await prune({ 'keep-last': 1 }, { dryRun: true })
    expect(reports()).toEqual([])
    // A warning alone is something to tell.
    await prune({ 'keep-last': 1 }, { absent: 'the list is short.' })
    expect(reports()).toHaveLength(1)
  })

  it('asks for no lease where nothing is to be removed', async () => {
    await archive(1)
    const keys = new Set(store.objects.keys())
    const wrote: string[] = []
    const writeText = store.writeText.bind(store)
    store.writeText = (key, ...rest) => {
      wrote.push(key)
      return writeText(key, ...rest)
    }
    await prune({ 'keep-last': 1 })
    expect(new Set(store.objects.keys())).toEqual(keys)
    expect(wrote).toEqual([])
  })

  it('gives its lease back: another pruning may begin at once', async () => {
    await archive(1)
    await archive(2)
    await prune({ 'keep-last': 1 }, { by: 'first' })
    await archive(3)
    expect(told(await prune({ 'keep-last': 1 }, { by: 'second' }))).toEqual(['02 removed', '03 keep'])
  })

  it('foresees what is billed early of what goes alone', async () => {
    await archive(1)
    await archive(2)
    const listVersions = bucket.listVersions.bind(bucket)
    bucket.listVersions = async function* (prefix) {
      for await (const version of listVersions(prefix)) yield { ...version, storageClass: 'STANDARD_IA' }
    }
    const { archives } = await prune({ 'keep-last': 1 }, { dryRun: true })
    expect(archives.map(({ decision, early }) => [decision, early !== undefined])).toEqual([
      ['remove', true],
      ['keep', false],
    ])
  })

  it('gives its lease back only when it has reported what it did', async () => {
    await archive(1)
    await archive(2)
    const [write, remove] = [store.writeText.bind(store), store.remove.bind(store)]
    const reported: number[] = []
    store.writeText = async (...call) => {
      // A store takes its time, in which the lease could be gone already.
      for (let turn = 0; turn < 20; turn += 1) await Promise.resolve()
      return write(...call)
    }
    store.remove = (key, onlyIf) => {
      if (key.endsWith('lease.json')) reported.push(reports().length)
      return remove(key, onlyIf)
    }
    await prune({ 'keep-last': 1 })
    expect(reported).toEqual([1])
  })

  it('has done its work though its lease can’t be given back, but for a fault of our own', async () => {
    await archive(1)
    await archive(2)
    const remove = store.remove.bind(store)
    const failing = (error: Error) => (key: string) =>
      key.endsWith('lease.json') ? Promise.reject(error) : remove(key)
    store.remove = failing(new StoreUnavailable('503'))
    expect(told(await prune({ 'keep-last': 1 }))).toEqual(['01 removed', '02 keep'])
    expect(logged).toContain('pruning-lease-left')
    await archive(3)
    store.remove = failing(new TypeError('a fault of ours'))
    await expect(prune({ 'keep-last': 1 })).rejects.toThrow('a fault of ours')
  })

  it('removes nothing while another pruning has the lease, and says so of each archive and as a whole', async () => {
    for (const day of [1, 2, 3]) await archive(day)
    await store.writeText('retention/hq/vm-100/removing/2026-11-09T02-00-00Z.json', '{}')
    let inner: Awaited<ReturnType<typeof prune>> | undefined
    const removeVersion = bucket.removeVersion.bind(bucket)
    bucket.removeVersion = async (key) => {
      bucket.removeVersion = removeVersion
      inner = await prune({ 'keep-last': 2 }, { by: 'another' })
      return removeVersion(key)
    }
    const outer = await prune({ 'keep-last': 2 })
    expect(told(outer)).toEqual(['01 removed', '02 keep', '03 keep'])
    expect(inner?.removed).toBe(0)
    const left = inner?.archives.find(({ decision }) => decision === 'remove')
    expect(left?.outcome).toBe('left')
    expect(left?.reason).toMatch(/^removed: no rule keeps it; left: /)
    expect(inner?.warnings).toEqual([
      expect.stringMatching(/isn't a record of a removal/),
      expect.stringMatching(/^Another pruning of this guest is at work \(test\)/),
    ])
    expect(inner?.resumed).toEqual([])
  })

  it('stops where it lost its lease, and leaves the rest to who has it now', async () => {
    for (const day of [1, 2, 3]) await archive(day)
    const removeVersion = bucket.removeVersion.bind(bucket)
    bucket.removeVersion = async (key) => {
      store.objects.delete('retention/hq/vm-100/lease.json')
      return removeVersion(key)
    }
    const report = await prune({ 'keep-last': 1 })
    expect(told(report)).toEqual(['01 removed', '02 left', '03 keep'])
    expect(report.archives[1]?.reason).toBe(
      'removed: no rule keeps it; left: Another pruning of this guest has taken over.',
    )
    expect(folders()).toEqual(new Set(['02', '03']))
  })

  it('looks at everything again only where something came in between, at its own end too', async () => {
    for (const day of [1, 2, 3]) await archive(day)
    const readText = store.readText.bind(store)
    let manifests = 0
    store.readText = (key) => {
      if (key.endsWith('manifest.json')) manifests += 1
      return readText(key)
    }
    await prune({ 'keep-last': 1 })
    // The first look, that under the lease, and none for what went by its own hand.
    expect(manifests).toBe(6)
  })

  /** Something that happens while the first version is removed. */
  function inBetween(act: () => Promise<unknown>): void {
    const removeVersion = bucket.removeVersion.bind(bucket)
    bucket.removeVersion = async (version) => {
      bucket.removeVersion = removeVersion
      await act()
      return removeVersion(version)
    }
  }

  it('tells archives in their order, and one that came in between at the end', async () => {
    for (const day of [1, 2, 3, 4]) await archive(day)
    inBetween(() => archive(5))
    // The first of November is a Sunday, the last day of its week.
    const report = await prune({ 'keep-weekly': 2 })
    expect(told(report)).toEqual(['01 keep', '02 removed', '03 removed', '04 left', '05 keep'])
    expect(report.archives[3]?.reason).toBe(
      'removed: keep-weekly keeps another of 2026-W45; left: This is so since this pruning began; the next one removes it.',
    )
  })

  it('tells each removal that it brought to its end, whichever look found it', async () => {
    for (const day of [2, 3, 4]) await archive(day)
    // What is left of an archive that was removed while it was read.
    await store.writeText(`${folderOf(1)}verification.json`, '{}')
    inBetween(() => store.writeText(`${folderOf(5)}verification.json`, '{}'))
    const report = await prune({ 'keep-last': 1 })
    expect(told(report)).toEqual(['02 removed', '03 removed', '04 keep'])
    expect(report.resumed).toEqual([folderOf(1), folderOf(5)])
  })

  it('looks for the locks of eight archives at a time in a dry run', async () => {
    for (let day = 1; day <= 20; day += 1) await archive(day)
    const looking: string[] = []
    let most = 0
    bucket.lockOf = async (key) => {
      looking.push(key)
      most = Math.max(most, new Set(looking.map((one) => one.slice(0, one.lastIndexOf('/')))).size)
      await new Promise((resolve) => setImmediate(resolve))
      looking.splice(looking.indexOf(key), 1)
      return undefined
    }
    await prune({ 'keep-last': 1 }, { dryRun: true })
    expect(most).toBe(8)
  })

  it('asks for the locks of no more archives than it may in a dry run, and says of how many it did not', async () => {
    for (const day of [1, 2, 3, 4]) await archive(day)
    const asked = new Set<string>()
    bucket.lockOf = async (key) => {
      asked.add(key.slice(0, key.lastIndexOf('/') + 1))
      return november
    }
    const wanted: number[] = []
    const looks = (most: number) => ({
      take: async (its: number) => {
        wanted.push(its)
        return Math.min(its, most)
      },
    })
    const some = await prune({ 'keep-last': 1 }, { dryRun: true, lockLooks: looks(2) })
    expect([...asked]).toEqual([folderOf(1), folderOf(2)])
    expect(some.archives.map(({ decision, outcome }) => outcome ?? decision)).toEqual([
      'locked',
      'locked',
      'remove',
      'keep',
    ])
    expect(some.locksNotAsked).toBe(1)
    const all = await prune({ 'keep-last': 1 }, { dryRun: true, lockLooks: looks(5) })
    expect(all).not.toHaveProperty('locksNotAsked')
    expect([asked.size, ...wanted]).toEqual([3, 3, 3])
  })

  it('tells the time that can be trusted where the platform’s clock was wrong', async () => {
    await archive(1, undefined, { writtenAt: '2026-11-01T01:00:00.000Z' })
    await archive(2)
    const { archives } = await prune({ 'keep-last': 2 })
    expect(archives.map(({ createdAt, at }) => [createdAt, at])).toEqual([
      ['2026-11-01T02:00:00.000Z', '2026-11-01T01:00:00.000Z'],
      ['2026-11-02T02:00:00.000Z', undefined],
    ])
  })

  it('does nothing to a guest that may be gone or not, and says why of each archive', async () => {
    for (const day of [1, 2]) await archive(day)
    const report = await prune({ 'keep-last': 1 }, { absent: 'the list is short.' })
    expect(told(report)).toEqual(['01 keep', '02 keep'])
    expect(report.archives.map(({ reason }) => reason)).toEqual([
      'kept: the list is short.',
      'kept: the list is short.',
    ])
    expect(report.warnings).toEqual(['Nothing was removed: the list is short.'])
    await store.writeText('retention/hq/vm-100/removing/2026-11-01T02-00-00Z.json', '{}')
    expect((await prune({ 'keep-last': 1 }, { absent: 'the list is short.' })).warnings).toEqual([
      expect.stringMatching(/isn't a record of a removal/),
      'Nothing was removed: the list is short.',
    ])
    // A guard has its own reason.
    await store.writeText(`${folderOf(1)}manifest.json`, 'no json')
    const guardedToo = await prune({ 'keep-last': 1 }, { absent: 'the list is short.' })
    expect(guardedToo.archives[0]?.reason).toMatch(/^kept, outside the count/)
  })

  describe('at an archive that is to go', () => {
    beforeEach(async () => {
      for (const day of [1, 2, 3]) await archive(day)
    })

    it('begins with half a minute left, and with less leaves it to the next run', async () => {
      remaining = () => 30_000
      expect(told(await prune({ 'keep-last': 2 }))).toEqual(['01 removed', '02 keep', '03 keep'])
      remaining = () => 29_999
      const pressed = await prune({ 'keep-last': 1 })
      expect(told(pressed)).toEqual(['02 left', '03 keep'])
      expect(pressed.archives[0]?.trouble).toBe('Time ran out; the next run goes on here.')
      // A dry run needs none of that time.
      expect(told(await prune({ 'keep-last': 1 }, { dryRun: true }))).toEqual(['02 remove', '03 keep'])
    })

    it('looks for locks before anything goes, in a dry run as well, and leaves it whole', async () => {
      bucket.locks.set(`${folderOf(1)}disk.vma.zst`, november)
      const locked = { outcome: 'locked', lock: november, reason: 'removed: no rule keeps it; locked until 2026-11-30' }
      expect((await prune({ 'keep-last': 2 }, { dryRun: true })).archives[0]).toMatchObject(locked)
      expect((await prune({ 'keep-last': 2 })).archives[0]).toMatchObject(locked)
      expect(bucket.asked).toEqual([])
      expect(folders()).toEqual(new Set(['01', '02', '03']))
    })

    it('tells of a lock that came in between', async () => {
      const lockOf = bucket.lockOf.bind(bucket)
      bucket.lockOf = async (key) => {
        const lock = await lockOf(key)
        bucket.locks.set(`${folderOf(1)}manifest.json`, { legalHold: true })
        return lock
      }
      const { archives } = await prune({ 'keep-last': 2 })
      expect(archives[0]).toMatchObject({
        outcome: 'locked',
        lock: { legalHold: true },
        reason: expect.stringMatching(/by a legal hold$/),
      })
      expect(archives[0]?.lock).toEqual({ legalHold: true })
    })

    it('says what kept it from going, and goes on with the next; but not for a fault of our own', async () => {
      const removeVersion = bucket.removeVersion.bind(bucket)
      bucket.removeVersion = (version) =>
        version.key.startsWith(folderOf(1)) ? Promise.reject(new StoreUnavailable('cut')) : removeVersion(version)
      const report = await prune({ 'keep-last': 1 })
      expect(told(report)).toEqual(['01 left', '02 removed', '03 keep'])
      expect(report.archives[0]?.trouble).toContain('cut')
      await archive(4)
      bucket.removeVersion = () => Promise.reject(new TypeError('a fault of ours'))
      await expect(prune({ 'keep-last': 1 })).rejects.toThrow('a fault of ours')
    })

    it('looks again where something came in between, and spares what is not to go any more', async () => {
      const removeVersion = bucket.removeVersion.bind(bucket)
      let done = false
      bucket.removeVersion = async (key) => {
        // While the first goes, the newest loses its manifest: the second is the last but one now.
        if (!done) await store.remove(`${folderOf(3)}manifest.json`)
        done = true
        return removeVersion(key)
      }
      const report = await prune({ 'keep-last': 1 })
      expect(told(report)).toEqual(['01 removed', '02 keep', '03 keep'])
      expect(folders()).toEqual(new Set(['02', '03']))
    })

    it('counts what goes and what stays, and what would in a dry run', async () => {
      const dry = await prune({ 'keep-last': 1 }, { dryRun: true })
      const real = await prune({ 'keep-last': 1 })
      expect(dry.effect).toEqual(real.effect)
      expect(real.archives.map(({ outcome }) => outcome)).toEqual(['removed', 'removed', undefined])
    })
  })

  const bytesOf = (day: number) =>
    [...store.objects].reduce((sum, [key, { body }]) => sum + (key.startsWith(folderOf(day)) ? body.length : 0), 0)

  it('tells what a month costs of what stays and of what goes; delete markers cost nothing', async () => {
    ports = { ...ports, prices: dear }
    for (const day of [1, 2, 3]) await archive(day)
    const listVersions = bucket.listVersions.bind(bucket)
    bucket.listVersions = async function* (prefix) {
      for await (const version of listVersions(prefix)) {
        yield version
        if (version.key !== `${folderOf(1)}disk.vma.zst`) continue
        // Of a class that bills 128 KiB at least.
        yield {
          ...version,
          versionId: 'm',
          latest: false,
          deleteMarker: true,
          sizeBytes: 0,
          storageClass: 'STANDARD_IA',
        }
      }
    }
    const { effect, archives } = await prune({ 'keep-last': 1 }, { dryRun: true })
    expect(archives[0]?.decision).toBe('remove')
    expect(archives[0]).not.toHaveProperty('early')
    const [goes, stays] = [bytesOf(1) + bytesOf(2), bytesOf(3)]
    expect(effect).toMatchObject({ savedPerMonth: goes, afterPerMonth: stays, beforePerMonth: goes + stays })
    expect(effect).toMatchObject({ earlyObjects: 0, earlyDeletionDollars: 0 })
  })

  it('counts what a removal that was cut short would still save, and afterwards what is left', async () => {
    ports = { ...ports, prices: dear }
    await archive(1)
    await archive(2)
    const removeVersion = bucket.removeVersion.bind(bucket)
    let removals = 0
    bucket.removeVersion = (key) => {
      removals += 1
      return removals > 1 ? Promise.reject(new StoreUnavailable('cut')) : removeVersion(key)
    }
    await prune({ 'keep-last': 1 })
    bucket.removeVersion = removeVersion
    const whole = bytesOf(1)
    expect((await prune({ 'keep-last': 1 }, { dryRun: true })).effect).toMatchObject({ savedPerMonth: whole })
    await store.writeText(`${folderOf(1)}note.txt`, 'theirs')
    const real = await prune({ 'keep-last': 1 })
    expect(real.resumed).toEqual([folderOf(1)])
    expect(await store.listKeys(folderOf(1))).toEqual([`${folderOf(1)}note.txt`])
    expect(real.effect).toMatchObject({ savedPerMonth: 0, afterPerMonth: bytesOf(1) + bytesOf(2) })
  })

  it('ends a removal that was cut short, tells its folder, and in a dry run only foresees it', async () => {
    for (const day of [1, 2]) await archive(day)
    const removeVersion = bucket.removeVersion.bind(bucket)
    let removals = 0
    bucket.removeVersion = (key) => {
      removals += 1
      return removals > 1 ? Promise.reject(new StoreUnavailable('cut')) : removeVersion(key)
    }
    expect(told(await prune({ 'keep-last': 1 }))).toEqual(['01 left', '02 keep'])
    bucket.removeVersion = removeVersion
    const dry = await prune({ 'keep-last': 1 }, { dryRun: true })
    expect(dry.resumed).toEqual([folderOf(1)])
    expect(told(dry)).toEqual(['02 keep'])
    expect(folders()).toEqual(new Set(['01', '02']))
    const real = await prune({ 'keep-last': 1 })
    expect(real.resumed).toEqual([folderOf(1)])
    expect(folders()).toEqual(new Set(['02']))
    expect(reports()).toHaveLength(1)
  })

  it('ends what a verification left alone', async () => {
    await archive(2)
    await store.writeText(`${folderOf(1)}verification.json`, '{}')
    expect((await prune({ 'keep-all': true })).resumed).toEqual([folderOf(1)])
    expect(folders()).toEqual(new Set(['02']))
    expect(reports()).toHaveLength(1)
    expect((await prune({ 'keep-all': true })).resumed).toEqual([])
  })

  it('warns of what a verification left alone and a lock holds', async () => {
    await archive(2)
    await store.writeText(`${folderOf(1)}verification.json`, '{}')
    bucket.locks.set(`${folderOf(1)}verification.json`, november)
    const { resumed, warnings } = await prune({ 'keep-all': true })
    expect(resumed).toEqual([])
    expect(warnings).toEqual([`What is left of ${folderOf(1)} is locked until 2026-11-30; it goes after that.`])
  })
})
