/** What is known of a restore before and after it, without a site: needs, rights, storages, the call, the tasks. */
import { describe, expect, it } from 'vitest'
import type { IntendedRestore } from '../../../../functions/providers/capabilities/restores.ts'
import type { StorageRecord } from '../../../../functions/providers/capabilities/storages.ts'
import { archiveFindings, versionFindings } from '../../../../functions/providers/proxmox/restore-findings.ts'
import { restoreForm } from '../../../../functions/providers/proxmox/restore-form.ts'
import { needsOf } from '../../../../functions/providers/proxmox/restore-needs.ts'
import { missingForRestore } from '../../../../functions/providers/proxmox/restore-privileges.ts'
import { storageFindings } from '../../../../functions/providers/proxmox/restore-storages.ts'
import { restoreEnding, restoresArchive } from '../../../../functions/providers/proxmox/restore-tasks.ts'
import { latestProgress } from '../../../../functions/providers/proxmox/task-log.ts'

const GIB = 1024 ** 3
const TOKEN = '0f1e2d3c4b5a6978'
const VM = `#shop
hostpci0: 0000:01:00.0
hostpci1: mapping=gpu
net0: virtio=BC:24:11:00:02:00,bridge=vmbr5,tag=20
net1: model=e1000,macaddr=BC:24:11:00:02:01,bridge=vmbr0
scsi0: fast:vm-100-disk-0,size=32G
scsi1: slow:vm-100-disk-1,backup=0,size=8G
ide2: local:iso/x.iso,media=cdrom,size=1G
#qmdump#map:scsi0:drive-scsi0:fast:raw:
`
const CONTAINER = `hostname: db01
lxc.apparmor.profile: unconfined
mp0: /mnt/media,mp=/media
mp1: fast:subvol-101-disk-1,mp=/cache,size=8G
net0: name=eth0,bridge=vmbr0,hwaddr=BC:24:11:00:00:65,ip=dhcp,type=veth
rootfs: fast:subvol-101-disk-0,size=4G
`

function intended(kind: 'vm' | 'container', target: Partial<IntendedRestore['target']> = {}): IntendedRestore {
  const isVm = kind === 'vm'
  return {
    archive: {
      guest: { id: isVm ? '100' : '101', kind, name: 'it' },
      fileName: `vzdump-${isVm ? 'qemu-100' : 'lxc-101'}-2026_11_22-17_36_35.${isVm ? 'vma' : 'tar'}.zst`,
      sizeBytes: GIB,
      configuration: isVm ? VM : CONTAINER,
      platformVersion: '9.2.11',
      origin: 'archives/hq/it',
    },
    target: { id: '9100', node: 'pve1', ...target },
    deliveryStorage: 'nas',
  }
}

const everything = (...paths: string[]) =>
  Object.fromEntries(
    paths.map((path) => [
      path,
      Object.fromEntries(
        ['VM.Allocate', 'VM.Audit', 'VM.Backup', 'VM.Config.Options', 'VM.Config.Network', 'VM.PowerMgmt', 'Datastore.AllocateSpace', 'Datastore.Audit', 'SDN.Use', 'Mapping.Use', 'Sys.Modify'].map((name) => [name, 1]),
      ), // biome-ignore format: one list
    ]),
  )

describe('what an archive asks of a site', () => {
  it('of a VM: disks that have data, bridges as they will be, devices', () => {
    const needs = needsOf(intended('vm', { bridges: { vmbr5: 'vmbr1' } }))
    expect(needs).toEqual({
      disks: [{ key: 'scsi0', storage: 'fast', sizeBytes: 32 * GIB }],
      leftOut: ['scsi1'],
      bridges: [
        { key: 'net0', bridge: 'vmbr1', tag: '20' },
        { key: 'net1', bridge: 'vmbr0' },
      ],
      privileged: false,
      bindMounts: [],
      hostDevices: ['hostpci0'],
      mappings: ['/mapping/pci/gpu'],
      hookScript: false,
      customOptions: false,
    })
  })

  it('of a container: it goes to "local" unless told, and mount points without backup come back empty', () => {
    const needs = needsOf(intended('container'))
    expect(needs?.disks.map(({ key, storage }) => [key, storage])).toEqual([
      ['mp1', 'local'],
      ['rootfs', 'local'],
    ])
    expect(needs).toMatchObject({ leftOut: ['mp1'], bindMounts: ['mp0'], privileged: true, customOptions: true })
    expect(needsOf(intended('container', { storage: 'fast' }))?.disks[0]?.storage).toBe('fast')
  })

  it.each([
    ['vm', ['host-device', 'disk-left-out']],
    ['container', ['bind-mount', 'custom-options', 'disk-left-out']],
  ] as const)('of a %s as findings: %s', (kind, names) => {
    const one = intended(kind)
    const findings = archiveFindings(one, needsOf(one), 'Site hq')
    expect(findings.map(({ name }) => name)).toEqual(names)
    for (const { message } of findings) expect(message).toMatch(/^Site hq.*\.$/)
  })

  it.each([
    ['vzdump-lxc-100-2026_11_22-17_36_35.tar.zst', 'of the other kind'],
    ['vm/100/2026-11-22T17:36:35Z', 'of a backup server'],
    ['disk.raw.zst', 'of a disk'],
  ])('refuses %s, an archive %s', (fileName) => {
    const one = intended('vm')
    const found = archiveFindings({ ...one, archive: { ...one.archive, fileName } }, undefined, 'Site hq')
    expect(found.map(({ name }) => name)).toEqual(['archive-unfit', 'configuration-unknown'])
  })

  it.each([
    ['9.2.11', undefined],
    ['9.2.1', undefined],
    ['10.0.0', undefined],
    ['9.1.9', 'platform-older'],
    ['8.4-1', 'platform-older'],
  ])('a site of version %s, and an archive of 9.2: %s', (version, name) => {
    expect(versionFindings(intended('vm'), version, 'Site hq')[0]?.name).toBe(name)
  })
})

describe('rights for a restore', () => {
  const lacked = (permissions: ReturnType<typeof everything>, one: IntendedRestore, version = '9.2.11') =>
    missingForRestore(permissions, one, needsOf(one), version).map(({ privilege, path }) => `${privilege} ${path}`)

  it('are named with their paths where an account has none', () => {
    expect(lacked({}, intended('vm', { start: true, bridges: { vmbr5: 'vmbr1' } }))).toEqual([
      'VM.Allocate /vms/9100',
      'VM.Audit /vms/9100',
      'VM.Config.Options /vms/9100',
      'VM.Config.Network /vms/9100',
      'VM.PowerMgmt /vms/9100',
      'Datastore.AllocateSpace /storage/fast',
      'Datastore.Audit /storage/fast',
      'Datastore.AllocateSpace /storage/nas',
      'VM.Backup /vms/100',
      'Datastore.Audit /storage/nas',
      'Mapping.Use /mapping/pci/gpu',
      'SDN.Use /sdn/zones/localnetwork/vmbr1/20',
      'SDN.Use /sdn/zones/localnetwork/vmbr0',
    ])
  })

  it('suffice at the top of the tree, in a pool, by Datastore.Allocate, and without bridges before version 8', () => {
    expect(lacked(everything('/'), intended('vm'))).toEqual([])
    const pooled = everything('/pool/drills', '/storage', '/sdn', '/mapping', '/vms/100')
    expect(lacked(pooled, intended('vm', { pool: 'drills' }))).toEqual([])
    expect(lacked(pooled, intended('vm'))).toContain('VM.Allocate /vms/9100')
    const { '/sdn': _without, ...older } = pooled
    expect(lacked(older, intended('vm', { pool: 'drills' }), '7.4-16')).toEqual([])
  })

  it('take Sys.Modify for a privileged container, and none of a guest that is replaced but VM.Backup', () => {
    expect(lacked(everything('/vms', '/storage', '/sdn'), intended('container'))).toEqual(['Sys.Modify /'])
    const { 'VM.Allocate': _one, ...backup } = everything('/vms')['/vms'] ?? {}
    const permissions = { ...everything('/storage', '/sdn', '/mapping'), '/vms': backup }
    expect(lacked(permissions, intended('vm', { replace: true }))).toEqual([])
    expect(lacked(permissions, intended('vm'))).toEqual(['VM.Allocate /vms/9100'])
    expect(lacked(permissions, intended('vm', { replace: true, template: true }))).toEqual(['VM.Allocate /vms/9100'])
  })
})

describe('storages for a restore', () => {
  const record = (storage: string, more: Partial<StorageRecord>): StorageRecord => ({
    storage,
    node: 'pve1',
    type: 'dir',
    content: [],
    takesBackups: false,
    enabled: true,
    active: true,
    shared: false,
    totalBytes: 1000 * GIB,
    freeBytes: 100 * GIB,
    ...more,
  })
  const nas = record('nas', { content: ['backup'], takesBackups: true, backupsAreFiles: true })
  const fast = record('fast', { type: 'lvmthin', content: ['images'] })
  const names = (storages: StorageRecord[], one = intended('vm')) =>
    storageFindings(one, needsOf(one), { at: 'Site hq, node pve1', account: 'restore@pve', storages }).map(
      ({ name, level }) => `${level} ${name}`,
    )

  it('are fine where both take what they get', () => {
    expect(names([nas, fast])).toEqual([])
  })

  it.each<[string, StorageRecord[], string]>([
    ['the file has no room', [{ ...nas, freeBytes: GIB - 1 }, fast], 'refusal no-space'],
    ['the file finds no backups', [{ ...nas, takesBackups: false }, fast], 'refusal storage-content'],
    ['the file finds a backup server', [{ ...nas, backupsAreFiles: false }, fast], 'refusal storage-content'],
    ['the delivery is offline', [{ ...nas, active: false }, fast], 'refusal storage-unusable'],
    ['the target is not shown', [nas], 'refusal storage-not-shown'],
    ['the target takes no images', [nas, { ...fast, content: ['rootdir'] }], 'refusal storage-content'],
    ['the target is disabled', [nas, { ...fast, enabled: false }], 'refusal storage-unusable'],
    ['the target may grow too full', [nas, { ...fast, freeBytes: 31 * GIB }], 'warning space-tight'],
    ['a thick target has no room', [nas, { ...fast, type: 'lvm', freeBytes: 31 * GIB }], 'refusal no-space'],
  ])('are told where %s', (_what, storages, said) => {
    expect(names(storages)).toEqual([said])
  })

  it('hold file and disks where both go to one', () => {
    const one = intended('vm', { storage: 'nas' })
    const both = { ...nas, content: ['backup', 'images'], freeBytes: 3 * GIB }
    const held = (contentBytes: number) => ({ ...one, archive: { ...one.archive, contentBytes } })
    expect(names([both], held(GIB))).toEqual(['warning space-tight'])
    expect(names([both], held(2.5 * GIB))).toEqual(['refusal no-space'])
  })
})

describe('the call for a restore', () => {
  it('notes where the guest came from, and moves interfaces to other bridges', () => {
    const form = restoreForm(
      intended('vm', { bridges: { vmbr5: 'vmbr1' }, name: 'it2', pool: 'p' }),
      'nas:backup/x',
      TOKEN,
    )
    expect(form).toEqual({
      vmid: '9100',
      archive: 'nas:backup/x',
      pool: 'p',
      name: 'it2',
      description: `shop\n\nRestored by Guestlift from archives/hq/it.\nguestlift:${TOKEN}`,
      net0: 'virtio=BC:24:11:00:02:00,bridge=vmbr1,tag=20',
    })
  })

  it('gives a unique guest no address of the archived one', () => {
    const bridges = { vmbr5: 'vmbr1', vmbr0: 'vmbr2' }
    expect(restoreForm(intended('vm', { bridges, unique: true }), 'x', TOKEN)).toMatchObject({
      unique: '1',
      net0: 'virtio,bridge=vmbr1,tag=20',
      net1: 'model=e1000,bridge=vmbr2',
    })
    const form = restoreForm(intended('container', { bridges, unique: true, name: 'db2', storage: 'fast' }), 'x', TOKEN)
    expect(form).toMatchObject({
      ostemplate: 'x',
      restore: '1',
      hostname: 'db2',
      storage: 'fast',
      net0: 'name=eth0,bridge=vmbr2,ip=dhcp,type=veth',
    })
  })

  it('leaves a description as it is that leaves no room, or that is not known', () => {
    const one = intended('vm')
    const long = { ...one, archive: { ...one.archive, configuration: `#${'x'.repeat(8180)}\n` } }
    expect(restoreForm(long, 'x', TOKEN)).not.toHaveProperty('description')
    const { configuration: _unknown, ...archive } = one.archive
    expect(restoreForm({ ...one, archive }, 'x', TOKEN)).toEqual({ vmid: '9100', archive: 'x' })
  })
})

describe('the task of a restore', () => {
  const ref = 'nas:backup/vzdump-qemu-100-2026_11_22-17_36_35.vma.zst'
  const head = (path: string) => [
    `restore vma archive: zstd -q -d -c ${path} | vma extract -v -r /var/tmp/v.fifo - /var/tmp/v`,
  ]

  it.each<[string, string[], string, boolean | undefined]>([
    ['its path', head('/mnt/pve/nas/dump/vzdump-qemu-100-2026_11_22-17_36_35.vma.zst'), ref, true],
    ['the path of another', head('/mnt/pve/nas/dump/vzdump-qemu-100-2026_11_22-17_36_36.vma.zst'), ref, false],
    ['a path that only ends like it', head('/x/other-vzdump-qemu-100-2026_11_22-17_36_35.vma.zst'), ref, false],
    ['its address', [`recovering backed-up configuration from '${ref}'`], ref, true],
    ['the address on another storage', [`recovering backed-up configuration from 'x${ref}'`], ref, false],
    ['nothing yet', [], ref, undefined],
  ])('is of an archive by %s', (_what, lines, artifactRef, is) => {
    expect(restoresArchive(lines, artifactRef)).toBe(is)
  })

  it.each([
    ['OK', ['TASK OK'], 'ok'],
    ['WARNINGS: 1', ['WARN: it', 'TASK WARNINGS: 1'], 'warnings'],
    ['unexpected status', ['TASK OK'], 'ok'],
    ['OK', ['TASK ERROR: no'], 'errors'],
    ['interrupted by signal', ['TASK ERROR: interrupted by signal'], 'interrupted'],
    ['unexpected status', ['progress 10% (read 1 bytes, duration 1 sec)'], 'unknown'],
    ['no such task', [], 'unknown'],
  ] as const)('that ends in "%s" after %j is %s', (exitStatus, lines, ending) => {
    const upid = { node: 'pve1', pid: 1, processStart: 1, startTime: 1, type: 'qmrestore', id: '9100', user: 'r@pve' }
    expect(restoreEnding({ running: false, exitStatus }, lines, upid).ending).toBe(ending)
  })

  it('shows how far it is', () => {
    expect(latestProgress(['progress 12% (read 4127195136 bytes, duration 31 sec)', 'x'])).toEqual({
      progressPercent: 12,
      doneBytes: 4_127_195_136,
    })
  })
})
