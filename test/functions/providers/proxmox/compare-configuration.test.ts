import { describe, expect, it } from 'vitest'
import { configurationComparisonSchema } from '../../../../functions/contracts/restore.ts'
import {
  descriptionIn,
  restoreNoteIn,
  withoutRestoreNote,
  withRestoreNote,
} from '../../../../functions/providers/proxmox/archived-description.ts'
import { compareConfiguration } from '../../../../functions/providers/proxmox/compare-configuration.ts'
import type { RestoredHow } from '../../../../functions/providers/capabilities/restores.ts'
import { valuesIn } from '../../../../functions/domain/identity/embedded-identity.ts'

const VM = `#shop front, 100 %25
agent: 1
boot: order=scsi0
cipassword: (left out)
cores: 2
ide2: none,media=cdrom
memory: 2048
meta: creation-qemu=10.1.2,ctime=1795369258
name: web01
net0: virtio=BC:24:11:00:02:00,bridge=vmbr0,firewall=1
scsi0: local-lvm:vm-100-disk-0,iothread=1,size=32G
scsi1: local-lvm:vm-100-disk-1,backup=0,size=8G
smbios1: uuid=11111111-2222-4333-8444-555555555555,base64=1,serial=QQ==
vmgenid: 22222222-2222-4333-8444-555555555555
#qmdump#map:scsi0:drive-scsi0:local-lvm:raw:

[before]
memory: 512
`
const CONTAINER = `arch: amd64
hostname: db01
memory: 512
mp0: local-lvm:subvol-101-disk-1,mp=/data,backup=1,size=8G
mp1: local-lvm:subvol-101-disk-2,mp=/cache,size=8G
net0: name=eth0,bridge=vmbr0,hwaddr=BC:24:11:00:00:65,ip=dhcp,type=veth
rootfs: local-lvm:subvol-101-disk-0,size=4G
unprivileged: 1
`

/** What the platform shows of the restored guest, with changes; `undefined` takes a key away. */
function shown(archive: string, changes: Record<string, string | undefined> = {}): Record<string, string> {
  const { scsi1: _leftOut, ...same } = valuesIn(archive) as Record<string, string>
  const base = { ...same, description: `${descriptionIn(archive)}\n`, digest: 'abc', ...changes }
  return Object.fromEntries(Object.entries(base).filter((entry): entry is [string, string] => entry[1] !== undefined))
}

function compared(archive: string, changes: Record<string, string | undefined>, how: RestoredHow) {
  const result = configurationComparisonSchema.parse(compareConfiguration(archive, shown(archive, changes), how))
  const keys = (of: typeof result.expected) => of.map(({ key }) => key)
  return { expected: keys(result.expected), differences: keys(result.differences) }
}

const vm: RestoredHow = { kind: 'vm' }
const container: RestoredHow = { kind: 'container' }

describe('comparing a restored configuration with the archived one', () => {
  it('finds nothing but the disk that was left out where all is the same', () => {
    expect(compared(VM, {}, vm)).toEqual({ expected: ['scsi1'], differences: [] })
    expect(compared(CONTAINER, {}, container)).toEqual({ expected: ['mp1'], differences: [] })
  })

  it.each<[string, string, Record<string, string | undefined>, RestoredHow, string]>([
    ['a volume of another name and storage', VM, { scsi0: 'fast:vm-9100-disk-0,iothread=1,size=32G' }, vm, 'scsi0'],
    ['options in another order, and a disk that was rounded up', VM, { scsi0: 'a:b,size=32772M,iothread=1' }, vm, 'scsi0'],
    ['a new generation id', VM, { vmgenid: '33333333-2222-4333-8444-555555555555' }, vm, 'vmgenid'],
    ['a note on how it was made', VM, { meta: 'creation-qemu=10.1.2,ctime=1800000000' }, vm, 'meta'],
    ['a uuid of its own', VM, { smbios1: 'uuid=99999999-2222-4333-8444-555555555555,base64=1,serial=QQ==' }, { ...vm, unique: true }, 'smbios1'],
    ['an address of its own', VM, { net0: 'virtio=BC:24:11:AA:AA:AA,bridge=vmbr0,firewall=1' }, { ...vm, unique: true }, 'net0'],
    ['another bridge that was asked for', VM, { net0: 'firewall=1,virtio=bc:24:11:00:02:00,bridge=vmbr1' }, { ...vm, bridges: { vmbr0: 'vmbr1' } }, 'net0'],
    ['an interface that was unplugged', VM, { net0: 'virtio=BC:24:11:00:02:00,bridge=vmbr0,firewall=1,link_down=1' }, { ...vm, disconnected: true }, 'net0'],
    ['the name that was asked for', VM, { name: 'web01-drill' }, { ...vm, name: 'web01-drill' }, 'name'],
    ['an unused disk', VM, { unused0: 'local-lvm:vm-100-disk-9' }, vm, 'unused0'],
    ['a password that nobody shows', VM, { cipassword: '**********' }, vm, 'cipassword'],
    ['a comment for the disk that was left out', VM, { description: 'shop front, 100 %\nscsi1: local-lvm:vm-100-disk-1\n' }, vm, 'description'],
    ['a file system without a limit', CONTAINER, { rootfs: 'ctdata:150/subvol-150-disk-0.subvol,size=0T' }, container, 'rootfs'],
    ['a hardware address of a container', CONTAINER, { net0: 'name=eth0,bridge=vmbr0,hwaddr=BC:24:11:AA:00:65,ip=dhcp,type=veth' }, { ...container, unique: true }, 'net0'],
  ])('expects %s', (_what, archive, changes, how, key) => {
    const found = compared(archive, changes, how)
    expect(found.differences).toEqual([])
    expect(found.expected).toContain(key)
  }) // biome-ignore format: one case a line

  it.each<[string, string, Record<string, string | undefined>, RestoredHow, string]>([
    ['a disk that is missing', VM, { scsi0: undefined }, vm, 'scsi0'],
    ['a smaller disk', VM, { scsi0: 'a:b,iothread=1,size=31G' }, vm, 'scsi0'],
    ['a disk of unknown size', VM, { scsi0: 'a:b,iothread=1' }, vm, 'scsi0'],
    ['a disk with another option', VM, { scsi0: 'a:b,iothread=0,size=32G' }, vm, 'scsi0'],
    ['a disk that nobody archived', VM, { scsi2: 'a:b,size=1G' }, vm, 'scsi2'],
    ['a medium in an empty drive', VM, { ide2: 'local:iso/other.iso,media=cdrom' }, vm, 'ide2'],
    ['another address that nobody asked for', VM, { net0: 'virtio=BC:24:11:AA:AA:AA,bridge=vmbr0,firewall=1' }, vm, 'net0'],
    ['another bridge than the one that was asked for', VM, { net0: 'virtio=BC:24:11:00:02:00,bridge=vmbr2,firewall=1' }, { ...vm, bridges: { vmbr0: 'vmbr1' } }, 'net0'],
    ['an interface that nobody unplugged', VM, { net0: 'virtio=BC:24:11:00:02:00,bridge=vmbr0,firewall=1,link_down=1' }, vm, 'net0'],
    ['a lost firewall', VM, { net0: 'virtio=BC:24:11:00:02:00,bridge=vmbr0' }, vm, 'net0'],
    ['a lost interface', VM, { net0: undefined }, vm, 'net0'],
    ['another uuid that nobody asked for', VM, { smbios1: 'uuid=99999999-2222-4333-8444-555555555555,base64=1,serial=QQ==' }, vm, 'smbios1'],
    ['another serial number beside a uuid of its own', VM, { smbios1: 'uuid=99999999-2222-4333-8444-555555555555' }, { ...vm, unique: true }, 'smbios1'],
    ['less memory', VM, { memory: '1024' }, vm, 'memory'],
    ['another name than the one that was asked for', VM, { name: 'web02' }, { ...vm, name: 'web03' }, 'name'],
    ['a lost generation id', VM, { vmgenid: undefined }, vm, 'vmgenid'],
    ['a key that nobody archived', VM, { protection: '1' }, vm, 'protection'],
    ['another description', VM, { description: 'mail server' }, vm, 'description'],
    ['a container that became privileged', CONTAINER, { unprivileged: undefined }, container, 'unprivileged'],
    ['a mount point elsewhere', CONTAINER, { mp0: 'a:b,mp=/srv,backup=1,size=8G' }, container, 'mp0'],
  ])('reports %s', (_what, archive, changes, how, key) => {
    expect(compared(archive, changes, how).differences).toEqual([key])
  }) // biome-ignore format: one case a line
})

describe('options of the container software', () => {
  it('are named as not compared', () => {
    const archive = `${CONTAINER}lxc.apparmor.profile: unconfined\n`
    const { expected, differences } = compareConfiguration(archive, shown(archive), container)
    expect(differences).toEqual([])
    expect(expected).toContainEqual({
      key: 'lxc.apparmor.profile',
      archived: 'unconfined',
      why: 'Whether this option came back was not compared: only root restores it.',
    })
  })
})

describe('the note of a restore', () => {
  const note = { origin: 'archives/hq/vm-100/2026-11-22T02-00-07Z', token: '0f1e2d3c4b5a6978', replaced: false }

  it('stands below what people wrote, is known again, and is no part of the description', () => {
    const noted = withRestoreNote('shop front\n', note)
    expect(noted).toBe(`shop front\n\nRestored by Guestlift from ${note.origin}.\nguestlift:${note.token}`)
    expect(restoreNoteIn(`${noted}\n`)).toEqual({ token: note.token, replaced: false })
    expect(withoutRestoreNote(noted)).toBe('shop front')
    expect(compared(VM, { description: withRestoreNote(descriptionIn(VM), note) }, vm).differences).toEqual([])
  })

  it('makes way for the next one, and tells whether a guest was replaced', () => {
    const twice = withRestoreNote(withRestoreNote('', note), { ...note, token: 'aaaaaaaaaaaaaaaa', replaced: true })
    expect(twice.match(/Restored by/g)).toHaveLength(1)
    expect(restoreNoteIn(twice)).toEqual({ token: 'aaaaaaaaaaaaaaaa', replaced: true })
  })

  it('is not seen where somebody wrote below it, or quotes it', () => {
    expect(restoreNoteIn(`${withRestoreNote('', note)}\nbut changed since`)).toBeUndefined()
    expect(restoreNoteIn('see guestlift:0f1e2d3c4b5a6978')).toBeUndefined()
  })
})
