import { afterEach, describe, expect, it } from 'vitest'
import { judge } from '../../../../functions/domain/backup/verdict.ts'
import type { Gathered } from '../../../../functions/providers/provider.ts'
import { openVsphere } from '../../../../functions/providers/vsphere/provider.ts'
import { openDatastoreRoute } from '../../../../functions/readers/datastore/datastore.ts'
import { seededContent } from '../../../../local/labs/ec2/disk.ts'
import type { GuestSpec } from '../../../../local/labs/vsphere/world/specs.ts'
import { MIB, options, SITE, type VsphereBed, vsphereBed, WEB } from './bed.ts'

const TOKEN = '0f1e2d3c4b5a6978'
const deps = { now: () => new Date(), sleep: async () => undefined, log: () => undefined }
const beds: VsphereBed[] = []
afterEach(async () => {
  await Promise.all(beds.splice(0).map((bed) => bed.close()))
})

async function bedWith(
  guest: Partial<GuestSpec> = {},
  siteFields: Record<string, unknown> = {},
  more: Parameters<typeof vsphereBed>[0] = {},
): Promise<VsphereBed> {
  const disks = [{ capacityBytes: 4 * MIB, content: seededContent([0, 3], 1) }]
  const guests = [{ name: 'web01', id: WEB, toolsRunning: true, disks, ...guest }]
  const bed = await vsphereBed({ guests, ...more }, siteFields)
  beds.push(bed)
  return bed
}

/** Starts, looks until it has ended, and gathers. */
async function backUp(bed: VsphereBed, given: Record<string, unknown> = {}): Promise<Gathered & { jobRef: string }> {
  const guest = await bed.guest()
  const { jobRef } = await bed.provider.start(guest, options(given), TOKEN)
  await bed.ended(jobRef)
  return { ...(await bed.provider.gather(jobRef, guest, 'local')), jobRef }
}

const verdictOf = (bed: VsphereBed, { evidence }: Gathered) => judge(evidence, bed.provider.judgeJob)

describe('quiescing a guest of vSphere', () => {
  const fault = { type: 'FilesystemQuiesceFault', message: 'An error occurred while quiescing the virtual machine.' }

  it('is recorded by what the platform says of the snapshot, not by what was asked for', async () => {
    const quiet = await backUp(await bedWith())
    expect(quiet.evidence.grade).toMatchObject({ consistency: 'file-system' })
    const without = await bedWith({ toolsRunning: false })
    const gathered = await backUp(without)
    expect(gathered.evidence.grade).toMatchObject({ consistency: 'crash', expected: 'file-system' })
    const off = await backUp(await bedWith({ powerState: 'poweredOff' }))
    expect(off.evidence.grade).toMatchObject({ consistency: 'application' })
  })

  it('is tried a second time, and then left out where the job prefers an archive', async () => {
    const bed = await bedWith()
    bed.lab.control.settings.quiesceFault = { type: fault.type, leavesSnapshot: false }
    const guest = await bed.guest()
    const { jobRef } = await bed.provider.start(guest, options(), TOKEN)
    await bed.provider.check(jobRef)
    await bed.provider.check(jobRef)
    expect(bed.lab.control.calls('CreateSnapshot_Task')).toBe(1)
    bed.lab.control.setClockSkew(31_000)
    await bed.provider.check(jobRef)
    await bed.ended(jobRef)
    expect(bed.lab.control.calls('CreateSnapshot_Task')).toBe(3)
    const gathered = await bed.provider.gather(jobRef, guest, 'local')
    expect(verdictOf(bed, gathered).good).toBe(true)
    expect(gathered.evidence.grade).toMatchObject({ consistency: 'crash' })
  })

  it('that a job requires fails the guest, and nothing stays', async () => {
    const bed = await bedWith()
    bed.lab.control.settings.quiesceFault = { type: fault.type, leavesSnapshot: false }
    const guest = await bed.guest()
    const { jobRef } = await bed.provider.start(guest, options({ own: { vsphere: { quiesce: 'require' } } }), TOKEN)
    await bed.provider.check(jobRef)
    bed.lab.control.setClockSkew(31_000)
    await bed.ended(jobRef)
    const gathered = await bed.provider.gather(jobRef, guest, 'local')
    expect(verdictOf(bed, gathered)).toMatchObject({
      name: 'backup-failed',
      reason: expect.stringContaining('FilesystemQuiesceFault'),
    })
    await bed.released({ guest, jobRef, sources: [] })
    expect(bed.lab.control.snapshots()).toEqual([])
  })

  it('that a job requires and the platform left out without a word is a failure', async () => {
    const bed = await bedWith({ toolsRunning: false })
    const gathered = await backUp(bed, { own: { vsphere: { quiesce: 'require' } } })
    expect(verdictOf(bed, gathered)).toMatchObject({
      good: false,
      reason: expect.stringContaining('VMware Tools may not run in it'),
    })
  })

  it('that failed and left a half-made snapshot is cleaned up before the next try', async () => {
    const bed = await bedWith()
    bed.lab.control.holdTasks()
    const guest = await bed.guest()
    const { jobRef } = await bed.provider.start(guest, options(), TOKEN)
    const [task] = bed.lab.control.tasks(WEB)
    bed.lab.control.failTask(task?.id ?? '', fault, true)
    bed.lab.control.finishTasks()
    expect(bed.lab.control.snapshots()).toHaveLength(1)
    await bed.provider.check(jobRef)
    await bed.provider.check(jobRef)
    expect(bed.lab.control.snapshots()).toEqual([])
    bed.lab.control.setClockSkew(31_000)
    await bed.ended(jobRef)
    expect(verdictOf(bed, await bed.provider.gather(jobRef, guest, 'local')).good).toBe(true)
  })
})

describe('snapshots of vSphere', () => {
  it('freeze what the guest had, whatever it writes on', async () => {
    const bed = await bedWith()
    const before = Buffer.from(bed.lab.control.readDisk(WEB, 2000, 0, 4 * MIB))
    const gathered = await backUp(bed)
    bed.lab.control.write(WEB, 2000, 0, Buffer.alloc(4096, 9))
    const [source] = gathered.evidence.sources ?? []
    if (source === undefined) throw new Error('no source')
    const reader = await openDatastoreRoute(SITE, bed.site).open(source.artifact.location)
    const read = Buffer.alloc(4 * MIB)
    await reader.read(0, read)
    await reader.close()
    expect(read.equals(before)).toBe(true)
    expect(source.artifact).toMatchObject({ fileName: 'web01.raw.zst', encoding: 'raw-disk', sizeBytes: 4 * MIB })
    expect(bed.lab.control.sessions()).toBe(1)
  })

  it('leave out the disks that the job skips, and say so', async () => {
    const disks = [
      { capacityBytes: 4 * MIB, content: seededContent([0], 1) },
      { capacityBytes: 4 * MIB, mode: 'independent_persistent' as const },
    ]
    const bed = await bedWith({ disks })
    const guest = await bed.guest()
    await expect(bed.provider.start(guest, options(), TOKEN)).rejects.toThrow(/Disk 'Hard disk 2' is independent/)
    await expect(bed.provider.start(guest, options({ skipDisks: ['Hard disk 7'] }), TOKEN)).rejects.toThrow(
      'there is no disk Hard disk 7 to skip',
    )
    expect(bed.lab.control.snapshots()).toEqual([])
    const gathered = await backUp(bed, { skipDisks: ['Hard disk 2'] })
    expect(gathered.evidence.sources).toHaveLength(1)
    expect(gathered.evidence.grade?.gaps).toMatchObject([{ name: 'disks', chosen: true }])
  })

  it('are not made on a datastore that is nearly full, nor where the platform works on the guest', async () => {
    const full = await bedWith(
      {},
      {},
      {
        datacenters: [
          { name: 'DC1', datastores: [{ name: 'datastore1', capacityBytes: 1000 * MIB, freeBytes: 50 * MIB }] },
        ],
      },
    )
    await expect(full.provider.start(await full.guest(), options(), TOKEN)).rejects.toMatchObject({
      name: 'StorageUnusable',
      message: expect.stringContaining('5.0 % free'),
    })
    const bed = await bedWith()
    bed.lab.control.holdTasks()
    const guest = await bed.guest()
    await bed.provider.start(guest, options(), TOKEN)
    await expect(bed.provider.start(guest, options(), 'another1')).rejects.toMatchObject({ name: 'GuestBusy' })
  })

  it.each([
    ['suspended', { powerState: 'suspended' as const }, 'SourceUnreadable', /It is suspended/],
    ['disconnected', { connectionState: 'disconnected' as const }, 'NodeOffline', /It is disconnected/],
    ['fault tolerant', { faultTolerance: true }, 'SourceUnreadable', /Fault Tolerance/],
    ['encrypted', { keyId: 'k1' }, 'SourceUnreadable', /encrypted by the platform/],
    ['with a virtual TPM', { vtpm: true }, 'SourceUnreadable', /virtual TPM/],
    ['in need of consolidation', { consolidationNeeded: true }, 'SourceUnreadable', /needs consolidation/],
    ['on a shared bus', { sharedBus: 'virtualSharing' as const }, 'SourceUnreadable', /shared with other guests/],
  ])('are not made of a guest that is %s, with the sentence that says why', async (_, guest, name, message) => {
    const bed = await bedWith(guest)
    await expect(bed.provider.start(await bed.guest(), options(), TOKEN)).rejects.toMatchObject({
      name,
      message: expect.stringMatching(message),
    })
    expect(bed.lab.control.calls('CreateSnapshot_Task')).toBe(0)
    const details = await bed.provider.describeGuest(await bed.guest(), { options: options(), state: 'running' })
    expect(details.notes.join(' ')).toMatch(message)
  })

  it('of guests with raw devices and shared disks are refused by the disk', async () => {
    const capacityBytes = 4 * MIB
    for (const [disk, message] of [
      [{ capacityBytes, rdm: 'physicalMode' as const }, /raw device in physical mode/],
      [{ capacityBytes, rdm: 'virtualMode' as const }, /only mode clone can read it/],
      [{ capacityBytes, multiWriter: true }, /shared with other guests/],
      [{ capacityBytes, keyId: 'k2' }, /Disk 'Hard disk 1' is encrypted/],
    ] as const) {
      const bed = await bedWith({ disks: [disk] })
      await expect(bed.provider.start(await bed.guest(), options(), TOKEN)).rejects.toThrow(message)
    }
  })

  it('are not needed for a template, whose files are at rest', async () => {
    const bed = await bedWith({ template: true, powerState: 'poweredOff' })
    const gathered = await backUp(bed)
    expect(verdictOf(bed, gathered).good).toBe(true)
    expect(bed.lab.control.calls('CreateSnapshot_Task')).toBe(0)
    const [source] = gathered.evidence.sources ?? []
    expect(source?.artifact.location).toMatchObject({ heldBy: { kind: 'template' } })
  })

  it('keep the files without which disks are no guest', async () => {
    const bed = await bedWith({ firmware: 'efi' })
    const { sideFiles, evidence } = await backUp(bed)
    expect(evidence.warnings).toEqual([])
    const names = sideFiles.map(({ name }) => name)
    expect(names).toEqual(
      expect.arrayContaining([
        'guest.json',
        'side/web01.vmx',
        'side/web01.vmx.running',
        'side/web01.nvram',
        'side/web01.vmdk',
      ]),
    )
    const vmx = sideFiles.find(({ name }) => name === 'side/web01.vmx')
    const text = vmx !== undefined && 'text' in vmx ? vmx.text : ''
    // As it ran, it pointed at the delta that is gone after the backup.
    expect(text).toContain('fileName = "web01.vmdk"')
    expect(text).not.toContain('-000001.vmdk')
    expect(text).toContain('uuid.action = "keep"')
    const descriptor = sideFiles.find(({ name }) => name === 'side/web01.vmdk')
    expect(descriptor !== undefined && 'text' in descriptor ? descriptor.text : '').toContain(
      `RW ${(4 * MIB) / 512} VMFS "web01-flat.vmdk"`,
    )
  })
})

describe('turns of vSphere', () => {
  it('are those of the datastore where the guest lies, as many as the site lets stand there', async () => {
    const bed = await bedWith({}, { snapshot: { perDatastore: 3 } })
    expect(await bed.provider.turnOf?.(await bed.guest())).toEqual({
      place: 'datastore1',
      most: 3,
      full: '3 guests of datastore datastore1 have a snapshot of ours, as many as `snapshot.perDatastore` lets at a time.',
    })
  })
})

describe('clones of vSphere', () => {
  const staging = { datastore: 'nfs-staging', folder: '/DC1/vm/guestlift', resourcePool: '/DC1/host/esx1/Resources' }
  const vsan = {
    datacenters: [
      {
        name: 'DC1',
        datastores: [
          { name: 'vsanDatastore', kind: 'vsan' as const },
          { name: 'nfs-staging', kind: 'NFS' as const },
        ],
        hosts: [{ name: 'esx1' }],
        guestFolders: ['guestlift'],
      },
    ],
  }

  it('are asked for where no file is served, as on vSAN', async () => {
    const bed = await bedWith({ datastore: 'vsanDatastore' }, {}, vsan)
    await expect(bed.provider.start(await bed.guest(), options(), TOKEN)).rejects.toThrow(/Name a `staging` datastore/)
  })

  it('are read in place of the guest, whose snapshot goes at once, and are destroyed', async () => {
    const bed = await bedWith({ datastore: 'vsanDatastore' }, { staging }, vsan)
    const before = Buffer.from(bed.lab.control.readDisk(WEB, 2000, 0, 4 * MIB))
    const gathered = await backUp(bed)
    expect(verdictOf(bed, gathered)).toMatchObject({ good: true })
    expect(gathered.evidence.grade).toMatchObject({ consistency: 'file-system' })
    expect(bed.lab.control.snapshots()).toEqual([])
    const [source] = gathered.evidence.sources ?? []
    if (source === undefined) throw new Error('no source')
    expect(source.artifact.location).toMatchObject({ datastore: 'nfs-staging', heldBy: { kind: 'clone' } })
    const reader = await openDatastoreRoute(SITE, bed.site).open(source.artifact.location)
    const read = Buffer.alloc(4 * MIB)
    await reader.read(0, read)
    await reader.close()
    expect(read.equals(before)).toBe(true)
    const guest = await bed.guest()
    const jobs = await bed.provider.findJobs(guest, new Date(0))
    expect(jobs).toMatchObject([{ jobRef: gathered.jobRef, running: false }])
    const [stray] = await bed.provider.findStrays(new Date(Date.now() + 3_600_000))
    expect(stray?.what).toContain(`clone guestlift-${TOKEN}`)
    await bed.released({ guest, jobRef: gathered.jobRef, sources: [] })
    expect(bed.lab.control.guests().map(({ name }) => name)).toEqual(['web01'])
  })

  it('are not taken for gone where their folder is not to be seen', async () => {
    const elsewhere = { ...staging, folder: '/DC1/vm/renamed' }
    const bed = await bedWith({ datastore: 'vsanDatastore' }, { staging: elsewhere }, vsan)
    const guest = await bed.guest()
    const jobRef = `${WEB}/${TOKEN}/clone/prefer/auto/none/2026-01-01T00:00:00.000Z`
    await expect(bed.provider.release({ guest, jobRef, sources: [] }, false)).rejects.toMatchObject({
      name: 'InvalidSite',
      message: expect.stringContaining('`staging` names the folder /DC1/vm/renamed'),
    })
  })

  it.each([
    ['somebody started it', { powerState: 'poweredOn' as const }, 'PlatformTaskFailed'],
    ['somebody made it a template', { template: true }, 'PlatformTaskFailed'],
    // Then nothing shows that there was a clone at all.
    ['somebody gave it another name', { name: 'production' }, undefined],
    ['somebody wrote another note', { annotation: 'mine now' }, undefined],
  ])('are never destroyed when %s', async (_, change, name) => {
    const bed = await bedWith({ datastore: 'vsanDatastore' }, { staging }, vsan)
    const { jobRef } = await backUp(bed)
    bed.lab.control.setGuest(bed.lab.control.guest(`guestlift-${TOKEN}`).id, change)
    const made = { guest: await bed.guest(), jobRef, sources: [] }
    const outcome = await bed.released(made).catch((error: unknown) => (error instanceof Error ? error.name : error))
    expect([outcome, bed.lab.control.calls('Destroy_Task')]).toEqual([name, 0])
  })

  it('that the platform could not make fail the guest, and leave neither clone nor snapshot', async () => {
    const bed = await bedWith({ datastore: 'vsanDatastore' }, { staging }, vsan)
    const guest = await bed.guest()
    const { jobRef } = await bed.provider.start(guest, options(), TOKEN)
    while (bed.lab.control.calls('CloneVM_Task') === 0) {
      bed.lab.control.settings.heldTasks = bed.lab.control.snapshots().length > 0
      await bed.provider.check(jobRef)
    }
    const cloning = bed.lab.control.tasks(WEB).at(-1)
    bed.lab.control.failTask(cloning?.id ?? '', { type: 'NoDiskSpace', message: 'There is no more space.' })
    bed.lab.control.finishTasks()
    await bed.ended(jobRef)
    const gathered = await bed.provider.gather(jobRef, guest, 'local')
    expect(verdictOf(bed, gathered)).toMatchObject({ good: false, reason: expect.stringContaining('NoDiskSpace') })
    await bed.released({ guest, jobRef, sources: [] })
    expect(bed.lab.control.snapshots()).toEqual([])
  })
})

describe('releasing backups of vSphere', () => {
  it('waits for a removal however long it takes, and begins no second one', async () => {
    const bed = await bedWith()
    const { jobRef } = await backUp(bed)
    const guest = await bed.guest()
    bed.lab.control.holdTasks()
    const made = { guest, jobRef, sources: [] }
    for (let looks = 0; looks < 3; looks += 1) {
      expect(await bed.provider.release(made, false)).toMatchObject({
        released: false,
        reason: expect.stringContaining('is being removed'),
      })
    }
    expect(bed.lab.control.calls('RemoveSnapshot_Task')).toBe(1)
    bed.lab.control.finishTasks()
    await bed.released(made)
    expect(bed.lab.control.snapshots()).toEqual([])
  })

  it('says in capital letters when files of a removed snapshot stay', async () => {
    const bed = await bedWith()
    const { jobRef } = await backUp(bed)
    bed.lab.control.settings.keepConsolidationNeeded = true
    await expect(bed.released({ guest: await bed.guest(), jobRef, sources: [] })).rejects.toMatchObject({
      name: 'PlatformTaskFailed',
      message: expect.stringContaining('CONSOLIDATION NEEDED'),
    })
    expect(bed.lab.control.calls('ConsolidateVMDisks_Task')).toBeGreaterThan(0)
  })

  it('touches no snapshot of anybody else, also one below ours', async () => {
    const bed = await bedWith({ snapshots: [{ name: 'before the upgrade' }] })
    const { jobRef } = await backUp(bed)
    await bed.released({ guest: await bed.guest(), jobRef, sources: [] })
    expect(bed.lab.control.snapshots().map(({ name }) => name)).toEqual(['before the upgrade'])
  })

  it('finds what is older than a copy may take, and not only what is two weeks old', async () => {
    const bed = await bedWith({}, { snapshot: { maxHours: 5 } })
    const twoWeeks = new Date(Date.now() - 14 * 86_400_000)
    await backUp(bed)
    expect(await bed.provider.findStrays(twoWeeks)).toEqual([])
    bed.lab.control.setClockSkew(0)
    const [snapshot] = bed.lab.control.snapshots()
    if (snapshot !== undefined) snapshot.createdAt = new Date(Date.now() - 6 * 3_600_000)
    expect(await bed.provider.findStrays(twoWeeks)).toHaveLength(1)
  })

  it('takes a snapshot whose time can not be read for as old as its backup, and for no older', async () => {
    const bed = await bedWith()
    await backUp(bed)
    bed.lab.control.mangleAnswer(
      'RetrievePropertiesEx',
      (body) => body.replaceAll(/<createTime>[^<]*</g, '<createTime>soon<'),
      9,
    )
    expect(await bed.provider.findStrays(new Date(Date.now() - 60_000))).toEqual([])
    bed.lab.control.mangleAnswer(
      'RetrievePropertiesEx',
      (body) => body.replaceAll(/<createTime>[^<]*</g, '<createTime>soon<'),
      9,
    )
    expect(await bed.provider.findStrays(new Date(Date.now() + 60_000))).toHaveLength(1)
  })

  it('finds strays by name and mark, and only those of this site', async () => {
    const bed = await bedWith({
      snapshots: [
        { name: 'guestlift-abc', description: 'somebody wrote this by hand' },
        {
          name: 'mine',
          description: `[guestlift site=${SITE} job=${WEB}/abc/direct/prefer/auto/none/2026-01-01T00:00:00.000Z]`,
        },
        {
          name: 'guestlift-def',
          description: `[guestlift site=other job=${WEB}/def/direct/prefer/auto/none/2026-01-01T00:00:00.000Z]`,
        },
        {
          name: 'guestlift-fed',
          description: `[guestlift site=${SITE} job=${WEB}/fed/direct/prefer/auto/none/2026-01-01T00:00:00.000Z]`,
        },
      ],
    })
    const strays = await bed.provider.findStrays(new Date(Date.now() + 60_000))
    expect(strays.map(({ made }) => made.token)).toEqual(['fed'])
    const here = openVsphere(SITE, bed.site, { ...deps, home: 'archives/' })
    expect(await here.findStrays(new Date(Date.now() + 60_000))).toEqual([])
    await here.close()
    for (const { made } of strays) await bed.released(made)
    expect(bed.lab.control.snapshots().map(({ name }) => name)).toEqual(['guestlift-abc', 'mine', 'guestlift-def'])
  })
})
