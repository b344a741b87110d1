/** Restores through the provider, over real sockets against the lab, as the account that may restore. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { backupOptionsSchema } from '../../../../functions/contracts/backup-options.ts'
import { GuestliftError } from '../../../../functions/contracts/errors.ts'
import type { GuestKind } from '../../../../functions/contracts/nouns.ts'
import { restoreFindingSchema } from '../../../../functions/contracts/restore.ts'
import { compareConfiguration } from '../../../../functions/providers/proxmox/compare-configuration.ts'
import type { IntendedRestore } from '../../../../functions/providers/capabilities/restores.ts'
import { proxmoxSiteSchema } from '../../../../functions/providers/proxmox/config.ts'
import { openProxmox, type ProxmoxProvider } from '../../../../functions/providers/proxmox/provider.ts'
import { readArchiveConfig } from '../../../../local/labs/proxmox/archive-config.ts'
import { type Lab, startLab } from '../../../../local/labs/proxmox/lab.ts'
import { evidenceOf } from '../gathered.ts'
import { describeRestores } from '../restore-conformance.ts'

const MIB = 1024 ** 2
const TOKEN = '0f1e2d3c4b5a6978'
const since = new Date(0)

let directory: string
let lab: Lab
let provider: ProxmoxProvider
/** What was archived of each kind. */
const archived = new Map<GuestKind, { intended: IntendedRestore; artifactRef: string }>()
let acl: Parameters<Parameters<Lab['control']['changeAcl']>[0]>[0] = []
/** An id that no test has used. */
let id = 9000

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'guestlift-restores-'))
  lab = await startLab({
    directory,
    nodes: [{ name: 'pve1' }, { name: 'pve2', online: false }],
    guests: [
      { vmid: 100, kind: 'qemu', name: 'web01', diskBytes: MIB, options: { agent: '1', description: 'shop' } },
      { vmid: 101, kind: 'lxc', name: 'db01', dataBytes: MIB, options: { unprivileged: '1' } },
      { vmid: 102, kind: 'qemu', name: 'other', status: 'stopped', diskBytes: MIB },
    ],
    secondsPerDump: 0,
    unauthorizedDelaySeconds: 0,
  })
  const deps = {
    now: () => new Date(),
    sleep: (milliseconds: number) => new Promise<void>((resolve) => setTimeout(resolve, milliseconds / 20)),
    log: () => undefined,
  }
  const site = proxmoxSiteSchema.parse(lab.site({ restores: true }))
  if (site.restore === undefined) throw new Error('the lab has no account that restores')
  const drillCommands = { boot: ['/bin/boot', '--check'], broken: ['/bin/broken'] }
  const restore = { ...site.restore, drillCommands }
  provider = openProxmox('lab', { ...site, auth: site.restore.auth, restore }, deps)
  const backup = openProxmox('lab', proxmoxSiteSchema.parse(lab.site()), deps)
  for (const guest of await backup.findGuests(['100', '101'])) {
    const { jobRef } = await backup.start(guest, backupOptionsSchema.parse({ storage: 'nas' }))
    await lab.control.endOfTask(jobRef)
    const { listed } = await evidenceOf(backup, jobRef, guest, 'nas')
    const file = lab.control.archives().find((one) => one.file === listed?.fileName)
    archived.set(guest.kind, {
      artifactRef: listed?.artifactRef ?? '',
      intended: {
        archive: {
          guest,
          fileName: listed?.fileName ?? '',
          sizeBytes: listed?.sizeBytes ?? 0,
          configuration: await readArchiveConfig(file?.path ?? ''),
          platformVersion: '9.2.11',
          origin: `archives/lab/${guest.kind}-${guest.id}`,
        },
        target: { id: '9000', node: 'pve1', storage: 'local-lvm' },
        deliveryStorage: 'nas',
      },
    })
  }
  await backup.close()
  lab.control.changeAcl((all) => {
    acl = all
    return all
  })
})
beforeEach(() => {
  id += 10
})
afterAll(async () => {
  await provider.close()
  await lab.close()
  rmSync(directory, { recursive: true, force: true })
})

function of(kind: GuestKind, target: Partial<IntendedRestore['target']> = {}) {
  const found = archived.get(kind)
  if (found === undefined) throw new Error(`no ${kind} was archived`)
  const { intended, artifactRef } = found
  return { artifactRef, intended: { ...intended, target: { ...intended.target, id: String(id), ...target } } }
}

async function restored(kind: GuestKind, target: Partial<IntendedRestore['target']> = {}) {
  const { intended, artifactRef } = of(kind, target)
  const job = await provider.restores.create(intended, artifactRef, TOKEN)
  await lab.control.endOfTask(job.jobRef)
  expect(await provider.restores.ending(job.jobRef)).toEqual({ ending: 'ok', exitStatus: 'OK', warnings: [] })
  const made = await provider.restores.describeMade({ ...intended.target, kind })
  return { intended, artifactRef, jobRef: job.jobRef, made, proof: { jobRef: job.jobRef, token: TOKEN, artifactRef } }
}

function protect(vmid: number): void {
  const options = lab.guests.find((guest) => guest.vmid === vmid)?.options
  lab.control.guest(vmid, { options: { ...options, protection: '1' } })
}

const requestsOf = (method: string, end: string) =>
  lab.faults.requests.filter((one) => one.method === method && one.path.endsWith(end)).length

describe('checking a target', () => {
  const findings = async (kind: GuestKind, target: Partial<IntendedRestore['target']> = {}, more = {}) => {
    const { intended } = of(kind, target)
    const report = await provider.restores.checkTarget({ ...intended, ...more })
    for (const one of report.findings) expect(restoreFindingSchema.parse(one)).toEqual(one)
    return report.findings.map(({ name }) => name)
  }

  it('finds nothing against one that is fit', async () => {
    expect(await findings('vm')).toEqual([])
    expect(await findings('container')).toEqual([])
    expect(await provider.restores.missingPrivileges(of('vm').intended)).toEqual([])
  })

  it.each<[string, Partial<IntendedRestore['target']>, string[]]>([
    ['an id that is taken', { id: '102' }, ['id-in-use']],
    ['a guest that runs', { id: '100', replace: true }, ['guest-running']],
    ['a guest of the other kind', { id: '101', replace: true }, ['guest-of-other-kind']],
    ['a node that is not there', { node: 'pve9' }, ['node-unknown']],
    ['a node that is silent', { node: 'pve2' }, ['node-offline']],
    ['a storage without images', { storage: 'nas' }, ['storage-content']],
    ['a storage that is not there', { storage: 'nosuch' }, ['storage-not-shown']],
    ['a bridge that is not there', { bridges: { vmbr0: 'vmbr7' } }, ['bridge-missing']],
  ])('finds %s', async (_what, target, names) => {
    expect(await findings('vm', target)).toEqual(names)
  })

  it('shows the guest that has the id, and that it is protected or locked', async () => {
    lab.control.guest(102, { options: { protection: '1' } })
    lab.control.lockGuest(102, 'backup')
    const { intended } = of('vm', { id: '102', replace: true })
    const { findings: found, present } = await provider.restores.checkTarget(intended)
    expect(found.map(({ name }) => name)).toEqual(['guest-protected', 'guest-locked'])
    expect(found[0]?.message).toBe(
      'Site lab: vm 102 (other) on node pve1 is protected. Take its protection off to replace it.',
    )
    expect(present).toMatchObject({ id: '102', name: 'other' })
    lab.control.guest(102, { options: {} })
    lab.control.lockGuest(102)
    expect(await findings('vm', { id: '102', replace: true })).toEqual([])
  })

  it('finds an id that a hidden guest has, which no list shows', async () => {
    lab.control.hideGuests([102])
    expect(await findings('vm', { id: '102' })).toContain('guest-hidden')
    lab.control.hideGuests([])
  })

  it('finds another cluster, a full storage, and rights that are missing by name', async () => {
    expect(await findings('vm', {}, { clusterId: 'sha256:other' })).toEqual(['cluster-changed'])
    expect(await findings('vm', {}, { clusterId: await provider.clusterId() })).toEqual([])
    lab.control.fillStorage('nas', 10)
    expect(await findings('vm')).toEqual(['no-space'])
    lab.control.fillStorage('nas', 100 * 1024 ** 3)
    lab.control.changeAcl(() => acl.filter(({ path, who }) => !path.startsWith('/sdn') || !who.startsWith('restore')))
    const { findings: found } = await provider.restores.checkTarget(of('vm').intended)
    expect(found.map(({ message }) => message)).toEqual([
      'Site lab: restore@pve!guestlift lacks SDN.Use on /sdn/zones/localnetwork/vmbr0. Grant it, to the token itself if it is privilege-separated.',
    ])
    lab.control.changeAcl(() => acl)
  })

  it('asks questions only', async () => {
    const before = lab.faults.requests.length
    await findings('vm', { id: '102', replace: true })
    expect(lab.faults.requests.slice(before).filter(({ method }) => method !== 'GET')).toEqual([])
  })
})

describe('the place of an archive', () => {
  it.each([
    ['vzdump-qemu-100-2026_11_22-02_00_07.vma.zst', true],
    ['vzdump-qemu-100-2026_11_22-02_00_07.vma.gz', true],
    ['vzdump-lxc-101-2026_11_22-02_00_07.tar.lzo', true],
    ['vzdump-qemu-100-2026_11_22-02_00_07.vma', false],
    ['vzdump-lxc-101-2026_11_22-02_00_07.tar', false],
  ])('says of %s whether a restore finds a wrong byte in it: %s', async (fileName, provesItself) => {
    const { intended } = of('vm')
    const place = await provider.restores.placeFor({ ...intended, archive: { ...intended.archive, fileName } }, TOKEN)
    expect(place.provesItself).toBe(provesItself)
  })
})

describe('restoring', () => {
  it.each(['vm', 'container'] as const)('a %s: it compares equal, and says where it came from', async (kind) => {
    const { intended, made } = await restored(kind)
    expect(
      compareConfiguration(intended.archive.configuration ?? '', made.configuration, { kind }).differences,
    ).toEqual([])
    expect(made.configuration['description']).toContain(`Restored by Guestlift from ${intended.archive.origin}.`)
    expect(made.guest).toMatchObject({ id: String(id), kind, name: intended.archive.guest.name })
    expect(made.disks.filter(({ included }) => included)).toHaveLength(1)
  })

  it('a copy with addresses, a name and a bridge of its own, which the comparison expects', async () => {
    lab.control.changeAcl(() => acl)
    const target = { unique: true, name: 'web01-copy', bridges: { vmbr0: 'vmbr0' } }
    const { intended, made } = await restored('vm', target)
    const how = { kind: 'vm', ...target } as const
    const { differences, expected } = compareConfiguration(
      intended.archive.configuration ?? '',
      made.configuration,
      how,
    )
    expect(differences).toEqual([])
    expect(expected.map(({ key }) => key)).toEqual(expect.arrayContaining(['name', 'net0', 'smbios1']))
    const plain = compareConfiguration(intended.archive.configuration ?? '', made.configuration, { kind: 'vm' })
    expect(plain.differences.map(({ key }) => key)).toEqual(['name', 'net0', 'smbios1'])
  })

  it('follows the task, and finds it again by archive and id alone', async () => {
    lab.control.setSecondsPerDump(10)
    lab.control.setTaskSpeed(0)
    const { intended, artifactRef } = of('vm')
    const { jobRef, clock } = await provider.restores.create(intended, artifactRef, TOKEN)
    expect(clock?.uncertaintySeconds).toBeLessThan(60)
    expect((await provider.check(jobRef)).running).toBe(true)
    expect((await provider.restores.ending(jobRef)).ending).toBe('running')
    expect((await provider.restores.find(intended, artifactRef, since)).ours).toMatchObject([{ jobRef, running: true }])
    expect(
      await provider.restores.find(intended, 'nas:backup/vzdump-qemu-100-2001_01_01-00_00_00.vma.zst', since),
    ).toEqual({ ours: [], undecided: [] })
    lab.control.setTaskSpeed(Number.POSITIVE_INFINITY)
    await lab.control.endOfTask(jobRef)
    lab.control.setTaskSpeed(1)
    lab.control.setSecondsPerDump(0)
    expect((await provider.restores.find(intended, artifactRef, since)).ours).toMatchObject([
      { jobRef, running: false },
    ])
    const later = new Date(Date.now() + 86_400_000)
    expect(await provider.restores.find(intended, artifactRef, later)).toEqual({ ours: [], undecided: [] })
  })

  it('is asked for once when the answer is lost, and then found', async () => {
    const { intended, artifactRef } = of('vm')
    lab.faults.onHttp({ method: 'POST', path: /\/qemu$/, action: { kind: 'reset-after' } })
    const before = requestsOf('POST', '/qemu')
    await expect(provider.restores.create(intended, artifactRef, TOKEN)).rejects.toMatchObject({
      name: 'RestoreStartUnclear',
      message: expect.stringContaining('may have been started') as unknown,
    })
    expect(requestsOf('POST', '/qemu')).toBe(before + 1)
    const { ours } = await provider.restores.find(intended, artifactRef, since)
    expect(ours).toHaveLength(1)
    await lab.control.endOfTask(ours[0]?.jobRef ?? '')
    await expect(provider.restores.create(intended, artifactRef, TOKEN)).rejects.toMatchObject({ name: 'GuestIdInUse' })
  })

  it('takes no web page for a task', async () => {
    const { intended, artifactRef } = of('vm')
    lab.faults.onHttp({ method: 'POST', path: /\/qemu$/, action: { kind: 'rewrite', rewrite: () => 'OK' } })
    await expect(provider.restores.create(intended, artifactRef, TOKEN)).rejects.toMatchObject({
      name: 'RestoreStartUnclear',
    })
  })

  it('says what to do about a file that is gone', async () => {
    const { intended } = of('container')
    const gone = 'nas:backup/vzdump-lxc-101-2001_01_01-00_00_00.tar.zst'
    const { jobRef } = await provider.restores.create(intended, gone, TOKEN)
    await lab.control.endOfTask(jobRef)
    expect(await provider.restores.ending(jobRef)).toMatchObject({
      ending: 'errors',
      exitStatus: expect.stringMatching(/^unable to restore CT \d+ - volume '.*' does not exist$/) as unknown,
      advice: "The archive's file is gone from the storage: deliver it again.",
    })
    await expect(provider.restores.describeMade({ ...intended.target, kind: 'container' })).rejects.toMatchObject({
      name: 'GuestNotFound',
    })
  })

  it('says of a task that vanished that nothing is known of it', async () => {
    const { jobRef } = await restored('vm')
    lab.control.forgetTask(jobRef)
    expect((await provider.restores.ending(jobRef)).ending).toBe('unknown')
  })
})

describe('a guest that was restored', () => {
  it('is unplugged, proved by its configuration, which the comparison expects', async () => {
    const { intended, made } = await restored('vm')
    await provider.restores.disconnect(made.guest)
    await provider.restores.disconnect(made.guest)
    expect(requestsOf('PUT', `/qemu/${id}/config`)).toBe(1)
    const { configuration } = await provider.restores.describeMade({ ...intended.target, kind: 'vm' })
    expect(configuration['net0']).toMatch(/,link_down=1$/)
    const how = { kind: 'vm', disconnected: true } as const
    expect(compareConfiguration(intended.archive.configuration ?? '', configuration, how).differences).toEqual([])
  })

  it('is not called unplugged where the order had no effect', async () => {
    const { made } = await restored('container')
    lab.faults.onHttp({ method: 'PUT', path: /\/config$/, action: { kind: 'reset-before' } })
    await expect(provider.restores.disconnect(made.guest)).rejects.toMatchObject({ name: 'PlatformTaskFailed' })
  })

  it.each<[GuestKind, string]>([
    ['vm', 'reset-after'],
    ['container', 'reset-after'],
    ['vm', 'reset-before'],
  ])('becomes a template, a %s, and is never asked for twice, where the answer is lost (%s)', async (kind, fate) => {
    const { made } = await restored(kind)
    const before = requestsOf('POST', '/template')
    lab.faults.onHttp({ method: 'POST', path: /\/template$/, action: { kind: fate as 'reset-after' | 'reset-before' } })
    const first = await provider.restores.makeTemplate(made.guest).then(
      () => 'made',
      (error: unknown) => (error instanceof GuestliftError ? error.group : error),
    )
    // What never arrived isn't known to have arrived: the next call asks once more.
    expect(first).toBe(fate === 'reset-before' ? 'retry' : 'made')
    await provider.restores.makeTemplate(made.guest)
    expect(requestsOf('POST', '/template')).toBe(before + (fate === 'reset-before' ? 2 : 1))
    expect(lab.guests.find(({ vmid }) => vmid === id)).toMatchObject({ template: true })
  })

  it('runs a command in a guest by its name in the site file, and tells what it ended with', async () => {
    const { made } = await restored('vm')
    expect(provider.restores.commands).toEqual(['boot', 'broken'])
    lab.control.guest(id, { status: 'running', exits: { '/bin/broken': 3 }, options: { agent: '1' } })
    expect(await provider.restores.runCommand(made.guest, 'boot', 10)).toBe(0)
    expect(await provider.restores.runCommand(made.guest, 'broken', 10)).toBe(3)
    expect(lab.guests.find(({ vmid }) => vmid === id)?.commands).toEqual(['/bin/boot', '/bin/broken'])
    lab.control.guest(id, { status: 'stopped' })
    await expect(provider.restores.runCommand(made.guest, 'boot', 10)).rejects.toThrow(/is not running/)
  })

  it('is no template while it runs, and the platform says why', async () => {
    const { made } = await restored('vm')
    lab.control.guest(id, { status: 'running' })
    await expect(provider.restores.makeTemplate(made.guest)).rejects.toThrow(
      /convert a VM to template if VM is running/,
    )
    lab.control.guest(id, { status: 'stopped' })
  })

  it('answers by its agent once it runs, and not before; one without an agent is not asked', async () => {
    const { made } = await restored('vm')
    expect(await provider.restores.agentAnswers(made.guest)).toBe(false)
    await provider.power.order(made.guest, 'start', { timeoutSeconds: 20 })
    expect(await provider.restores.agentAnswers(made.guest)).toBe(true)
    lab.control.guest(id, { agentAnswers: false })
    expect(await provider.restores.agentAnswers(made.guest)).toBe(false)
    const [other] = await provider.findGuests(['102'])
    if (other === undefined) throw new Error('no guest 102')
    expect(await provider.restores.agentAnswers(other)).toBeUndefined()
  })
})

describe('removing what a restore made', () => {
  it.each(['vm', 'container'] as const)(
    'removes a %s that bears its mark, and counts what is gone as removed',
    async (kind) => {
      const { made, proof } = await restored(kind)
      expect(await provider.restores.removeMade(made.guest, proof)).toEqual({ removed: true })
      expect(await provider.findGuests([String(id)])).toEqual([])
      expect(await provider.restores.removeMade(made.guest, proof)).toEqual({ removed: true })
    },
  )

  it('removes the empty VM that a failed restore left', async () => {
    const { intended } = of('vm')
    const artifactRef = 'nas:backup/vzdump-qemu-100-2001_01_01-00_00_00.vma.zst'
    const { jobRef } = await provider.restores.create(intended, artifactRef, TOKEN)
    await lab.control.endOfTask(jobRef)
    // Its log names but the file that is missing: of any other archive it shows nothing.
    const guest = { id: String(id), kind: 'vm', name: '', node: 'pve1' } as const
    const remove = (ref: string) => provider.restores.removeMade(guest, { jobRef, token: TOKEN, artifactRef: ref })
    expect(await remove(artifactRef.replace('2001', '2002'))).toMatchObject({ removed: false })
    expect(await remove(artifactRef)).toEqual({ removed: true })
    lab.control.fillStorage('local-lvm', 100)
    id += 1
    const again = of('vm')
    const full = await provider.restores.create(again.intended, again.artifactRef, TOKEN)
    await lab.control.endOfTask(full.jobRef)
    lab.control.fillStorage('local-lvm', 100 * 1024 ** 3)
    expect(await provider.restores.ending(full.jobRef)).toMatchObject({
      ending: 'errors',
      advice: expect.stringContaining('full') as unknown,
    })
    const proof = { jobRef: full.jobRef, token: TOKEN, artifactRef: again.artifactRef }
    expect(await provider.restores.removeMade({ ...guest, id: String(id) }, proof)).toEqual({ removed: true })
  })

  it('leaves alone a guest that somebody made under the id since, and says how to remove it', async () => {
    const { made, proof } = await restored('vm')
    lab.control.removeGuest(id)
    lab.control.addGuest({ vmid: id, kind: 'qemu', name: 'precious', status: 'stopped' })
    expect(await provider.restores.removeMade(made.guest, proof)).toEqual({
      removed: false,
      reason: `Site lab, node pve1, guest ${id}: the guest was left alone, since it doesn't bear the restore's mark, and it is no empty leftover.`,
      removeWith: `qm destroy ${id}`,
    })
    expect(lab.guests.some(({ vmid }) => vmid === id)).toBe(true)
  })

  it.each<[string, (guest: string) => void, string]>([
    ['runs', (guest) => void lab.control.guest(Number(guest), { status: 'running' }), 'qm stop'],
    ['is locked', (guest) => lab.control.lockGuest(Number(guest), 'backup'), 'qm unlock'],
    ['is protected', (guest) => protect(Number(guest)), 'qm set'],
  ])('leaves alone one that %s', async (_what, change, command) => {
    const { made, proof } = await restored('vm')
    change(made.guest.id)
    const kept = await provider.restores.removeMade(made.guest, proof)
    expect(kept).toMatchObject({ removed: false, removeWith: expect.stringContaining(command) as unknown })
    expect(requestsOf('DELETE', `/qemu/${id}`)).toBe(0)
  })

  it.each([
    ['backup', true],
    ['create', undefined],
  ])('says whether the lock %s ends by itself, so that a later try removes the guest', async (lock, passing) => {
    const { made, proof } = await restored('vm')
    lab.control.lockGuest(id, lock)
    const kept = await provider.restores.removeMade(made.guest, proof)
    expect('passing' in kept ? kept.passing : undefined).toBe(passing)
    lab.control.lockGuest(id)
    expect(await provider.restores.removeMade(made.guest, proof)).toEqual({ removed: true })
  })

  it.each<[string, (proof: { jobRef: string; token: string; artifactRef: string }) => object]>([
    ['of another token', (proof) => ({ ...proof, token: 'aaaaaaaaaaaaaaaa' })],
    ['of another archive', (proof) => ({ ...proof, artifactRef: `${proof.artifactRef}x` })],
    [
      'that another account started',
      (proof) => ({ ...proof, jobRef: proof.jobRef.replace('restore@pve!guestlift', 'root@pam') }),
    ],
    ['that is a backup', (proof) => ({ ...proof, jobRef: proof.jobRef.replace(':qmrestore:', ':vzdump:') })],
  ])('takes no proof %s', async (_what, change) => {
    const { made, proof } = await restored('vm')
    expect(await provider.restores.removeMade(made.guest, { ...proof, ...change(proof) })).toMatchObject({
      removed: false,
    })
  })

  it('never removes a guest that took the place of another', async () => {
    const { made, proof } = await restored('vm')
    expect(made.guest.id).toBe(String(id))
    const { intended, artifactRef } = of('vm', { replace: true })
    const { jobRef } = await provider.restores.create(intended, artifactRef, TOKEN)
    await lab.control.endOfTask(jobRef)
    expect(await provider.restores.removeMade(made.guest, { ...proof, jobRef })).toMatchObject({
      removed: false,
      reason: expect.stringContaining('replaced a guest') as unknown,
    })
  })
})

describe.each(['vm', 'container'] as const)('the conformance suite over a %s', (kind) => {
  describeRestores(`Proxmox VE, of a ${kind}`, async () => {
    id += 10
    return { provider, ...of(kind, { id: String(id) }), takenId: '102', close: () => Promise.resolve() }
  })
})
