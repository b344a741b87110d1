import { describe, expect, it } from 'vitest'
import { disksOf } from '../../../../functions/providers/proxmox/guest-disks.ts'

const GIB = 2 ** 30

const told = (kind: 'vm' | 'container', config: Record<string, string>) =>
  Object.fromEntries(disksOf(kind, config).map(({ key, included, reason }) => [key, included ? 'in' : reason]))

describe("a VM's disks", () => {
  it('are in its backup unless their backup option is off; CD drives never are', () => {
    const config = {
      scsi0: 'local-lvm:vm-100-disk-0,size=32G',
      scsi1: 'local-lvm:vm-100-disk-1,backup=0,size=1T',
      scsi2: 'local-lvm:vm-100-disk-2,backup=no,size=1T',
      virtio15: 'file=nas:100/vm-100-disk-3.qcow2,backup=1,iothread=1,size=528K',
      sata5: '/dev/disk/by-id/ata-X,size=2000G',
      ide0: 'nas:iso/debian.iso,media=cdrom,size=600M',
      ide1: 'none,media=cdrom',
      ide2: 'local-lvm:vm-100-cloudinit,media=cdrom,size=4M',
      tpmstate0: 'local-lvm:vm-100-disk-4,size=4M,version=v2.0',
      unused0: 'local-lvm:vm-100-disk-9',
      boot: 'order=scsi0',
      scsihw: 'virtio-scsi-pci',
      net0: 'virtio=BC:24:11:00:00:01,bridge=vmbr0',
      scsi31: 'local-lvm:vm-100-disk-8,size=1G',
      virtiofs0: 'shared,cache=auto',
    }
    expect(told('vm', config)).toEqual({
      ide0: 'a CD drive',
      ide1: 'a CD drive',
      ide2: 'a CD drive',
      sata5: 'in',
      scsi0: 'in',
      scsi1: 'its backup option is off',
      scsi2: 'its backup option is off',
      tpmstate0: 'in',
      unused0: 'not attached to the guest',
      virtio15: 'in',
    })
    const byKey = new Map(disksOf('vm', config).map((disk) => [disk.key, disk]))
    expect(byKey.get('scsi0')).toMatchObject({ volume: 'local-lvm:vm-100-disk-0', sizeBytes: 32 * GIB })
    expect(byKey.get('virtio15')).toMatchObject({ volume: 'nas:100/vm-100-disk-3.qcow2', sizeBytes: 528 * 1024 })
    expect(byKey.get('unused0')).not.toHaveProperty('sizeBytes')
  })

  it.each([
    [{}, 'an EFI disk without OVMF'],
    [{ bios: 'seabios' }, 'an EFI disk without OVMF'],
    [{ bios: 'ovmf' }, 'in'],
  ])('an EFI disk with %j: %s', (more, says) => {
    expect(told('vm', { efidisk0: 'local-lvm:vm-100-disk-1,efitype=4m,size=4M', ...more })).toEqual({ efidisk0: says })
  })

  it('are in the order in which people count them', () => {
    const config = { scsi10: 's:a', scsi2: 's:b', ide0: 's:c' }
    expect(disksOf('vm', config).map(({ key }) => key)).toEqual(['ide0', 'scsi2', 'scsi10'])
  })
})

describe("a container's mount points", () => {
  it('are in its backup only where their option is on; directories and devices of the node never are', () => {
    const config = {
      rootfs: 'local-lvm:subvol-101-disk-0,size=8G',
      mp0: 'local-lvm:subvol-101-disk-1,mp=/data,backup=1,size=1.5T',
      mp1: 'local-lvm:subvol-101-disk-2,mp=/cache,size=10G',
      mp2: '/mnt/bulk,mp=/bulk,backup=1',
      mp3: '/dev/sdb1,mp=/disk,backup=1',
      mp255: 'volume=nas:101/vm-101-disk-0.raw,mp=/x,backup=0,size=1G',
      mp256: 'nas:x,mp=/y,backup=1',
      unused1: 'local-lvm:subvol-101-disk-7',
      hostname: 'db',
    }
    expect(told('container', config)).toEqual({
      mp0: 'in',
      mp1: "its backup option isn't on",
      mp2: 'a directory of the node',
      mp3: 'a device of the node',
      mp255: "its backup option isn't on",
      rootfs: 'in',
      unused1: 'not attached to the guest',
    })
    expect(disksOf('container', config).find(({ key }) => key === 'mp0')?.sizeBytes).toBe(1.5 * 1024 * GIB)
    expect(disksOf('container', config).find(({ key }) => key === 'mp255')?.volume).toBe('nas:101/vm-101-disk-0.raw')
  })

  it('of a file system without a limit have no known size, rather than none at all', () => {
    expect(disksOf('container', { rootfs: 'ctdata:150/subvol-150-disk-0.subvol,size=0T' })[0]).not.toHaveProperty(
      'sizeBytes',
    )
  })

  it.each(['size=', 'size=x', 'size=-1G', 'size=1e9G', 'size=99999999999999T', ''])(
    'survive a strange size (%s)',
    (size) => {
      expect(disksOf('container', { rootfs: `s:v,${size}` })).toEqual([
        { key: 'rootfs', volume: 's:v', included: true, reason: 'the root file system' },
      ])
    },
  )
})
