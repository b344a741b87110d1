/** Whose a backup is, and what stays of it on the node, with a whole run through the bundled functions. */
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import type { Guest } from '../../functions/contracts/nouns.ts'
import { proxmoxSiteSchema } from '../../functions/providers/proxmox/config.ts'
import { openProxmox, type ProxmoxProvider } from '../../functions/providers/proxmox/provider.ts'
import { openSite, type Site } from './harness.ts'

const MIB = 2 ** 20

let site: Site
let provider: ProxmoxProvider
beforeAll(async () => {
  site = await openSite({ guestBytes: 136 * MIB })
  provider = openProxmox('hq', proxmoxSiteSchema.parse(site.lab.site()), {
    now: () => new Date(),
    sleep: (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds)),
    log: () => undefined,
  })
})
afterAll(async () => {
  await provider.close()
  await site.close()
})
afterEach(() => {
  site.lab.faults.clear()
  site.lab.control.hook(undefined)
  site.lab.control.setTaskSpeed(1)
  site.lab.control.setSecondsPerDump(0.2)
  site.faults.plan = undefined
})

const job = { site: 'hq', guests: { vmids: [101] }, backup: { storage: 'local', compress: 'none', notes: 'mine' } }

async function find(id: string): Promise<Guest> {
  const [guest] = await provider.findGuests([id])
  if (guest === undefined) throw new Error(`no guest ${id}`)
  const { nodeOffline: _, lock: __, ...rest } = guest
  return rest
}

function taskOf(jobRef: string) {
  return site.lab.control.tasks().find(({ upid }) => upid === jobRef)
}

describe('a backup that the same account started elsewhere', () => {
  it('is neither adopted nor stopped, whatever becomes of the run that found it', async () => {
    site.lab.control.setSecondsPerDump(300)
    const foreign = await provider.start(await find('101'), { mode: 'stop', compress: 'zstd', storage: 'local' })
    const run = await site.run(job)
    expect(run.guests['101']).toMatchObject({
      outcome: 'skipped',
      verdict: 'GuestBusy',
      reason: expect.stringContaining(foreign.jobRef),
    })
    const controller = new AbortController()
    const stopped = await site.run(job, {
      interrupt: controller.signal,
      onState: (state) => {
        if (state === 'Start vzdump') controller.abort()
      },
    })
    expect(stopped.report?.outcome).not.toBe('succeeded')
    expect(taskOf(foreign.jobRef)?.running).toBe(true)
    site.lab.control.setTaskSpeed(Number.POSITIVE_INFINITY)
    expect((await site.lab.control.endOfTask(foreign.jobRef))?.lines.at(-1)).toBe('TASK OK')
  })
})

describe('what stays on the node', () => {
  const leaving = { ...job, deleteSource: true }

  it('is nothing of a run that was stopped while it copied: the archive was to leave anyway', async () => {
    const before = site.lab.control.archives().length
    const controller = new AbortController()
    const { guests } = await site.run(leaving, { interrupt: controller.signal, onPart: () => controller.abort() })
    expect(guests['101']).toMatchObject({ outcome: 'failed', verdict: 'RunInterrupted' })
    expect(guests['101']?.reason).toMatch(
      /being copied.*Its archive local:backup\/vzdump-lxc-101-\S+ was removed from node/,
    )
    expect(site.lab.control.archives()).toHaveLength(before)
  })

  it('is named with its command where a hook failed after the archive was whole, and removed if it was to leave', async () => {
    const volids = () => site.lab.control.archives().map(({ file }) => `local:backup/${file}`)
    site.lab.control.hook({ path: '/usr/local/sbin/hook', echo: true, exitCodes: { 'backup-end': 1 } })
    const { guests } = await site.run(job)
    expect(guests['101']).toMatchObject({ outcome: 'failed', verdict: 'backup-failed' })
    const [, volid = ''] = /pvesm free '(local:backup\/[^']+)'/.exec(guests['101']?.reason ?? '') ?? []
    expect(volids()).toContain(volid)
    const before = volids()
    const again = await site.run(leaving)
    expect(again.guests['101']?.reason).toMatch(/Its archive local:backup\/\S+ was removed from node/)
    expect(volids()).toEqual(before)
  })

  it('is named where a worker was killed', async () => {
    site.lab.faults.onBackup(101, { kind: 'killed' })
    const { guests } = await site.run(job)
    expect(guests['101']?.reason).toMatch(/may have left \/\S+vzdump-lxc-101-\S+\.dat on node \w+\. .*rm '/)
    site.lab.control.lockGuest(101)
  })

  it('is a lock, told with the way to take it off although the guest is archived', async () => {
    const { guests } = await site.run(job, {
      onState: (state) => {
        if (state === 'Locate archive of vzdump') site.lab.control.lockGuest(101, 'backup')
      },
    })
    expect(guests['101']).toMatchObject({
      outcome: 'succeeded',
      verdict: 'archived-with-warnings',
      reason: expect.stringContaining('run "pct unlock 101" on node'),
    })
    site.lab.control.lockGuest(101)
  })
})
