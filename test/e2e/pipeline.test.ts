/** A run over several guests of several nodes: each node dumps one at a time and is kept busy, while archives are moved. */
import { setTimeout as delay } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { guestProgressSchema } from '../../functions/contracts/progress.ts'
import { dumpQueueSchema } from '../../functions/domain/backup/dump-queue.ts'
import { manifestSchema } from '../../functions/contracts/manifest.ts'
import { openSite, type Site } from './harness.ts'

/** Long enough for several looks at a dump. */
const LONG_DUMP_SECONDS = 6
/** How long a part's answer waits for the node's next dump to begin, on a busy machine too. */
const PATIENCE_MILLISECONDS = 20_000

let site: Site
beforeAll(async () => {
  site = await openSite()
  site.lab.control.migrateGuest(102, 'pve2')
})
afterAll(() => site.close())

const dumps = () => site.lab.control.tasks().filter(({ type }) => type === 'vzdump')
const waitedForLock = () => dumps().filter(({ lines }) => lines.some((line) => line.includes('global lock')))
const queue = async () => dumpQueueSchema.parse(JSON.parse(await site.text('dumps/hq.json')))

describe('four guests on two nodes', () => {
  it('are dumped one at a time on each node, and an archive is moved while the next is dumped', async () => {
    site.lab.control.setSecondsPerDump(LONG_DUMP_SECONDS)
    const running = () => dumps().filter((task) => task.running)
    let mostOnSite = 0
    /** Archives that were on their way while their node dumped another guest. */
    const movedWhileDumping = new Set<string>()
    const neighbours: Record<string, string> = { 100: '101', 101: '100', 102: '103', 103: '102' }
    // S3 holds its answer back: whether dumps and transfers overlap is then a matter of the queue, not of the machine's speed.
    site.faults.onDone = async ({ operation, key = '' }) => {
      const [, guest = ''] = /\/(?:vm|container)-(\d+)\//.exec(key) ?? []
      const next = neighbours[guest]
      if (operation !== 'UploadPart' || next === undefined) return
      const wasDumped = () => dumps().some(({ id, running: still }) => id === next && !still)
      const deadline = Date.now() + PATIENCE_MILLISECONDS
      while (Date.now() < deadline && !wasDumped()) {
        if (running().some(({ id }) => id === next)) {
          movedWhileDumping.add(guest)
          if (movedWhileDumping.size === 2) site.lab.control.setSecondsPerDump(0.2)
          return
        }
        await delay(50)
      }
    }
    const states: string[] = []
    const { report, guests } = await site.run(
      {
        site: 'hq',
        guests: { vmids: [100, 101, 102, 103] },
        backup: { storage: 'nas' },
        limits: { mibPerSecond: 0.5 },
      },
      {
        onState: (state, guest) => {
          if (guest !== undefined) states.push(`${guest} ${state}`)
          // The first dump is over: the next goes on until the first archive has been seen on its way.
          if (state === 'Locate archive of vzdump' && movedWhileDumping.size < 2)
            site.lab.control.setSecondsPerDump(PATIENCE_MILLISECONDS / 1000)
          mostOnSite = Math.max(mostOnSite, running().length)
          const nodes = running().map(({ node }) => node)
          expect(new Set(nodes).size).toBe(nodes.length)
        },
      },
    )
    site.lab.control.setSecondsPerDump(0.2)
    expect(report?.outcome).toBe('succeeded')
    expect(Object.keys(guests)).toEqual(['100', '101', '102', '103'])
    expect(dumps()).toHaveLength(4)
    // Not one of them met another at the node's own lock.
    expect(waitedForLock()).toEqual([])
    expect(mostOnSite).toBe(2)
    site.faults.onDone = undefined
    // The first of each node.
    expect(movedWhileDumping.size).toBe(2)
    expect(states.filter((state) => state.endsWith(' Wait for a turn of vzdump')).length).toBeGreaterThanOrEqual(2)
    expect(await queue()).toMatchObject({ turns: [], waiters: [], staged: [] })
  })

  it('leave behind how far they were, for a dashboard', async () => {
    const keys = await site.keys('runs/')
    const kept = keys.filter((key) => key.includes('/progress/'))
    expect(kept.map((key) => key.slice(key.lastIndexOf('/') + 1))).toEqual([
      '100.json',
      '101.json',
      '102.json',
      '103.json',
    ])
    for (const key of kept) {
      const progress = guestProgressSchema.parse(JSON.parse(await site.text(key)))
      expect(progress).toMatchObject({ stage: 'copying', site: 'hq' })
      expect(progress.totalBytes).toBeGreaterThan(0)
    }
  })
})

describe('archives that leave the storage', () => {
  it('never lie there in larger number than the job allows, and the storage is chosen and told', async () => {
    const before = site.lab.control.archives().length
    site.lab.control.fillStorage('local', 1024 ** 3)
    let most = 0
    const { report, guests } = await site.run(
      {
        site: 'hq',
        guests: { vmids: [100, 101, 102, 103] },
        backup: { storage: 'auto' },
        deleteSource: true,
        staging: { maxArchives: 1 },
      },
      {
        onState: () => {
          most = Math.max(most, site.lab.control.archives().length - before)
        },
      },
    )
    expect(report?.outcome).toBe('succeeded')
    expect(most).toBe(1)
    expect(site.lab.control.archives()).toHaveLength(before)
    const manifest = manifestSchema.parse(JSON.parse(await site.text(guests['103']?.manifestKey ?? '')))
    expect(manifest.backup.storage).toBe('nas')
    // The tar's own total, which packing made smaller.
    expect(manifest.evidence.contentBytes).toBeGreaterThan(manifest.artifacts[0]?.sizeBytes ?? Infinity)
    expect(waitedForLock()).toEqual([])
    expect(await queue()).toMatchObject({ turns: [], waiters: [], staged: [] })
  })
})

describe('a dump that cannot fit', () => {
  it('is not begun, and says what it needs and what there is', async () => {
    site.lab.control.fillStorage('nas', 1000)
    const started = dumps().length
    const { guests } = await site.run({ site: 'hq', guests: { vmids: [100] }, backup: { storage: 'nas' } })
    expect(guests['100']).toMatchObject({ outcome: 'failed', verdict: 'StorageUnusable' })
    expect(guests['100']?.reason).toMatch(/Storage nas has 1000 B free for it, and its archive took .* last time/)
    expect(dumps()).toHaveLength(started)
  })
})

describe('options of a backup', () => {
  it('reach the platform: both kinds of guest, a list, and what each kind has a use for', async () => {
    site.lab.control.fillStorage('nas', 1024 ** 4)
    const backup = {
      storage: 'nas',
      zstdThreads: 2,
      lockWaitMinutes: 5,
      stopWaitMinutes: 3,
      fleecing: { storage: 'local' },
      excludePaths: ['/var/cache', '*.tmp'],
      protected: true,
    }
    const { guests } = await site.run({ site: 'hq', guests: { vmids: [100, 101] }, backup })
    expect(guests).toMatchObject({ 100: { outcome: 'succeeded' }, 101: { outcome: 'succeeded' } })
    const commands = ['100', '101'].map((id) => {
      const lines = dumps().flatMap((task) => (task.id === id ? task.lines : []))
      // Of all its dumps, this run's is the only one with threads.
      return lines.find((line) => /starting new backup job.*--zstd/.test(line)) ?? ''
    })
    expect(commands[0]).toMatch(/--fleecing '?enabled=1,storage=local/)
    expect(commands[0]).not.toMatch(/exclude-path/)
    expect(commands[1]).not.toMatch(/fleecing/)
    expect(commands[1]).toMatch(/exclude-path.*\/var\/cache/)
    expect(commands[1]).toMatch(/\*\.tmp/)
    for (const command of commands) {
      expect(command).toMatch(/--zstd 2\b/)
      expect(command).toMatch(/--lockwait 5\b/)
      expect(command).toMatch(/--protected 1\b/)
      expect(command).toMatch(/--remove 0\b/)
    }
  })

  it('that need more rights fail the run before anything begins, by name', async () => {
    const started = dumps().length
    const backup = { storage: 'nas', bwlimitKiBps: 10_000, pruneSource: { 'keep-last': 2 } }
    const { result } = await site.run({ site: 'hq', guests: { vmids: [100] }, backup })
    expect(result).toMatchObject({ status: 'FAILED', error: 'PrivilegeMissing' })
    const said = JSON.stringify(result)
    expect(said).toContain('Sys.Modify on / (backup.bwlimitKiBps)')
    expect(said).toContain('Datastore.Allocate on /storage/nas (backup.pruneSource)')
    expect(dumps()).toHaveLength(started)
  })
})
