/** Guests of vSphere come back: as the platform shows them, and beside what is nobody's to touch. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { MIB, WEB } from './bed.ts'
import { never, type RestoreBed, restoreBed, TOKEN } from './restore-bed.ts'

let bed: RestoreBed
beforeEach(async () => {
  bed = await restoreBed()
})
afterEach(() => bed.close())

const FOLDER = `web01-${TOKEN}`
const COPY_FOLDER = `web01-restored-${TOKEN}`
const copied = { guest: { unique: true } }
const filesOf = (folder = FOLDER) => bed.lab.control.files('datastore1').filter((path) => path.startsWith(`${folder}/`))
const namesOf = async (target?: Parameters<RestoreBed['intended']>[0]) =>
  (await bed.restores.checkTarget(bed.intended(target))).findings.map(({ level, name }) => `${level} ${name}`)

describe('the first look at where a guest of vSphere comes back', () => {
  it('finds nothing against it once the guest is gone, and names a file for each disk', async () => {
    bed.lab.control.removeGuest(WEB)
    const { findings, disks } = await bed.restores.checkTarget(bed.intended())
    expect(findings).toEqual([])
    expect(disks).toMatchObject([
      { fileName: 'web01.raw.zst', target: { datastore: 'datastore1', path: `${FOLDER}/web01-flat.vmdk` } },
      { fileName: 'web01_1.raw.zst', target: { path: `${FOLDER}/web01_1-flat.vmdk`, sizeBytes: 4 * MIB } },
    ])
  })

  it('refuses an identity and a name that are taken, but for a copy of another name', async () => {
    expect(await namesOf()).toEqual(['refusal id-in-use', 'refusal id-in-use'])
    expect(await namesOf(copied)).toEqual([])
    expect(await namesOf({ ...copied, name: 'web01' })).toEqual(['refusal id-in-use'])
  })

  it('refuses places that are not there, in one sentence each', async () => {
    bed.lab.control.removeGuest(WEB)
    const places = { unique: false, folder: '/DC1/vm/Nowhere', resourcePool: '/DC1/host/Nowhere/Resources' }
    expect(await namesOf({ guest: places, node: 'nowhere' })).toEqual([
      'refusal place-unfit',
      'refusal place-unfit',
      'refusal node-unknown',
    ])
    expect(await namesOf({ guest: { unique: false, datastore: 'nowhere' } })).toEqual(['refusal place-unfit'])
  })

  it('refuses a datastore with too little space', async () => {
    const { archive, ...intended } = bed.intended(copied)
    const disks = [{ fileName: 'web01.raw.zst', sizeBytes: 2 ** 50 }]
    const { findings } = await bed.restores.checkTarget({ ...intended, archive: { ...archive, disks } })
    expect(findings).toMatchObject([{ name: 'no-space', message: expect.stringContaining('1024.0 TiB') }])
  })
})

describe('a guest of vSphere that is made of its disks', () => {
  it('is the one that was lost, unplugged and off, and its disks hold what they held', async () => {
    bed.lab.control.removeGuest(WEB)
    const brought = await bed.brought(bed.intended())
    expect(await bed.restores.stateOf(brought)).toEqual({ state: 'whole' })
    const { ready, made } = await bed.restores.make(brought)
    expect({ ready, made }).toEqual({ ready: true, made: [{ what: 'guest', ref: WEB }] })
    const guest = bed.lab.control.guest(WEB)
    expect(guest).toMatchObject({ name: 'web01', powerState: 'poweredOff', firmware: 'efi', question: false })
    expect(guest.missing).toBeUndefined()
    expect(guest.nics.some(({ startConnected }) => startConnected)).toBe(false)
    for (const [at, disk] of bed.disks.entries()) {
      expect(Buffer.from(bed.lab.control.readDisk(WEB, 2000 + at, 0, disk.length)).equals(disk)).toBe(true)
    }
    const { differences, expected } = await bed.restores.compare(brought, made)
    expect(differences).toEqual([])
    expect(expected.map(({ key }) => key)).toEqual(['network'])
  })

  it('counts as otherwise than archived when it came up plugged in', async () => {
    const brought = await bed.brought(bed.intended(copied))
    const { made } = await bed.restores.make(brought)
    const [{ ref } = { ref: '' }] = made
    for (const nic of bed.lab.control.guest(ref).nics) nic.startConnected = true
    const { differences } = await bed.restores.compare(brought, made)
    expect(differences).toMatchObject([{ key: 'network', made: expect.stringMatching(/^connected: /) }])
  })

  it('has an identity of its own where a copy was asked for', async () => {
    const brought = await bed.brought(bed.intended(copied))
    const { made } = await bed.restores.make(brought)
    const [{ ref } = { ref: '' }] = made
    expect(ref).not.toBe(WEB)
    const copy = bed.lab.control.guest(ref)
    expect(copy.name).toBe('web01-restored')
    expect(copy.uuid).not.toBe(bed.lab.control.guest(WEB).uuid)
    const { differences, expected } = await bed.restores.compare(brought, made)
    expect(differences).toEqual([])
    expect(expected.map(({ key }) => key)).toEqual(expect.arrayContaining(['name', 'instanceUuid', 'network']))
  })

  it('is registered once, though the answer is lost and it is asked for again', async () => {
    bed.lab.control.removeGuest(WEB)
    const brought = await bed.brought(bed.intended())
    bed.lab.control.loseAnswer('RegisterVM_Task')
    let made = await bed.restores.make(brought)
    for (let looks = 0; !made.ready && looks < 9; looks += 1) made = await bed.restores.make(brought)
    expect(made).toMatchObject({ ready: true, made: [{ ref: WEB }] })
    expect(bed.lab.control.calls('RegisterVM_Task')).toBe(1)
  })

  it.each([
    { type: 'NoPermission', error: 'PrivilegeMissing' },
    { type: 'NoDiskSpace', error: 'StorageUnusable' },
    { type: 'DuplicateName', error: 'RestoreRefused' },
  ])('fails in words when the platform answers $type', async ({ type, error }) => {
    bed.lab.control.removeGuest(WEB)
    const brought = await bed.brought(bed.intended())
    bed.lab.control.refuse('RegisterVM_Task', { type })
    await expect(bed.restores.make(brought)).rejects.toMatchObject({ name: error })
  })

  it('is not made of disks that somebody took away', async () => {
    bed.lab.control.removeGuest(WEB)
    const brought = await bed.brought(bed.intended())
    bed.lab.control.setFile('datastore1', `${FOLDER}/web01-flat.vmdk`, { sizeBytes: 5 })
    expect(await bed.restores.stateOf(brought)).toMatchObject({ state: 'missing' })
  })
})

describe('files of a restore that never became a guest', () => {
  it('are removed with their folder, and that twice', async () => {
    const before = bed.lab.control.files('datastore1')
    const { disks } = await bed.brought(bed.intended(copied))
    expect(filesOf(COPY_FOLDER)).toHaveLength(2)
    expect(await bed.restores.removeMade(disks, TOKEN, 'guest')).toEqual({ whole: false, left: [] })
    expect(bed.lab.control.files('datastore1')).toEqual(before)
    expect(await bed.restores.removeMade(disks, TOKEN, 'guest')).toEqual({ whole: false, left: [] })
  })

  it('stay where a guest was registered of them, though nobody wrote that down', async () => {
    bed.lab.control.removeGuest(WEB)
    const brought = await bed.brought(bed.intended())
    await bed.restores.make(brought)
    expect(await bed.restores.removeMade(brought.disks, TOKEN, 'guest')).toEqual({ whole: true, left: [] })
    expect(filesOf()).toContain(`${FOLDER}/web01.vmx`)
  })

  it('are left alone, and named, where somebody put a file of his own beside them', async () => {
    const { disks } = await bed.brought(bed.intended(copied))
    const [first] = disks
    if (first?.target.type !== 'datastore-disk') throw new Error('no disk')
    const target = { ...first.target, path: `${COPY_FOLDER}/accounts.xlsx`, sizeBytes: 4 }
    const content = async function* () {
      yield Buffer.from('mine')
    }
    await bed.writer.put({ ...first, token: TOKEN, target }, content, never)
    const { left } = await bed.restores.removeMade(disks, TOKEN, 'guest')
    expect(left[0]?.what).toContain('accounts.xlsx')
    expect(filesOf(COPY_FOLDER)).toHaveLength(3)
  })

  it('are left alone, and named, where a guest somewhere else uses one of them', async () => {
    const { disks } = await bed.brought(bed.intended(copied))
    const disk = bed.lab.control.guest(WEB).disks[0]
    if (disk === undefined) throw new Error('no disk')
    Object.assign(disk.top, { descriptor: `${COPY_FOLDER}/web01.vmdk`, extent: `${COPY_FOLDER}/web01-flat.vmdk` })
    const { left } = await bed.restores.removeMade(disks, TOKEN, 'guest')
    expect(left[0]?.what).toContain('guest web01 uses a file in it')
    expect(filesOf(COPY_FOLDER)).toHaveLength(2)
  })

  it('are never a folder whose name lacks the token of the restore, whatever a record says', async () => {
    const { disks } = await bed.brought(bed.intended(copied))
    const forged = disks.map((disk) =>
      disk.target.type === 'datastore-disk' ? { ...disk, target: { ...disk.target, folder: 'web01' } } : disk,
    )
    const before = bed.lab.control.files('datastore1')
    const { left } = await bed.restores.removeMade(forged, TOKEN, 'guest')
    expect(left).toHaveLength(1)
    expect(bed.lab.control.files('datastore1')).toEqual(before)
    expect(bed.lab.control.calls('DeleteDatastoreFile_Task')).toBe(0)
  })
})
