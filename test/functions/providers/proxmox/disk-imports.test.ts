import { describe, expect, it } from 'vitest'
import { fetchEndingOf } from '../../../../functions/providers/proxmox/disk-imports.ts'
import { importForm, leftOutOfImport } from '../../../../functions/providers/proxmox/import-form.ts'
import type { IntendedRestore } from '../../../../functions/providers/capabilities/restores.ts'

const URL = 'https://archives.s3.amazonaws.com/unpacked/x.qcow2?X-Amz-Credential=AKIA&X-Amz-Signature=5ec7e7'

describe('how a fetch ended', () => {
  it.each([
    [
      'an expired address',
      ['HTTP request sent, awaiting response... 403 Forbidden', '2026-11-30 11:00:00 ERROR 403: Forbidden.'],
      true,
      /S3 refused the address/,
    ],
    ['a full disk', ["Cannot write to '/mnt/x' (No space left on device)."], false, /storage is full/],
    [
      'a node without a way out',
      ['Connecting to 192.0.2.1:443... failed: Connection refused.'],
      true,
      /can't reach S3/,
    ],
    ['other bytes', ["checksum mismatch: got 'aa' != expect 'bb'"], true, /didn't get what was sent/],
    ['an unknown authority', ["ERROR: cannot verify s3's certificate, issued by 'CN=x':"], false, /doesn't trust/],
    ['a name that is taken', ["refusing to override existing file '/mnt/x'"], false, /Another file/],
  ])('is told for %s, with what to do, and never with what opens the object', (_what, lines, again, advice) => {
    const error = `download failed: command '/usr/bin/wget --progress=dot:giga -O /mnt/x ${URL}' failed: exit code 8`
    const ended = fetchEndingOf({ running: false, exitStatus: error }, [
      `downloading ${URL} to /mnt/x`,
      ...lines,
      `TASK ERROR: ${error}`,
    ])
    expect(ended).toMatchObject({ ending: 'failed', again, advice: expect.stringMatching(advice) as unknown })
    expect(JSON.stringify(ended)).not.toMatch(/X-Amz|5ec7e7|AKIA/)
  })

  it('is success only where the task says so', () => {
    expect(fetchEndingOf({ running: false, exitStatus: 'OK' }, ['TASK OK'])).toMatchObject({ ending: 'fetched' })
    expect(fetchEndingOf({ running: false, exitStatus: 'unexpected status' }, [])).toMatchObject({ ending: 'failed' })
    expect(fetchEndingOf({ running: false }, [])).toMatchObject({ ending: 'failed' })
  })
})

const configuration = [
  '#my notes',
  'args: -device x',
  'boot: order=scsi0',
  'cipassword: (left out)',
  'digest: abc',
  'efidisk0: local-lvm:vm-100-disk-1,efitype=4m,size=4M',
  'hostpci0: 0000:01:00.0',
  'ide0: local-lvm:vm-100-cloudinit,media=cdrom',
  'ide2: local:iso/debian.iso,media=cdrom,size=600M',
  'memory: 2048',
  'meta: creation-qemu=9.0.0,ctime=1700000000',
  'name: web',
  'net0: virtio=BC:24:11:00:00:01,bridge=vmbr0,firewall=1',
  'scsi0: local-lvm:vm-100-disk-0,discard=on,size=32G,format=raw',
  'scsi1: local-lvm:vm-100-disk-2,backup=0,size=8G',
  'serial0: socket',
  'smbios1: uuid=7c0e2b6a-0000-4000-8000-000000000100',
  'unused0: local-lvm:vm-100-disk-9',
  'usb0: host=1234:5678',
  'vmgenid: 7c0e2b6a-0000-4000-8000-000000000101',
  '#qmdump#map:efidisk0:drive-efidisk0:local-lvm:raw:',
  '#qmdump#map:scsi0:drive-scsi0:local-lvm:raw:',
  '',
].join('\n')

const intended = (target: Partial<IntendedRestore['target']> = {}): IntendedRestore => ({
  archive: {
    guest: { id: '100', kind: 'vm', name: 'web' },
    fileName: 'a.vma',
    sizeBytes: 1,
    configuration,
    origin: 's3://b/f/',
  },
  target: { id: '9100', node: 'pve1', ...target },
  deliveryStorage: 'disks',
  imports: [
    { disk: 'scsi0', ref: 'disks:import/guestlift-t-scsi0.qcow2' },
    { disk: 'efidisk0', ref: 'disks:import/guestlift-t-efidisk0.qcow2' },
  ],
})

describe('the call that makes a VM of fetched disks', () => {
  it('gives the archived configuration, with each disk imported, and leaves out what it must not bring', () => {
    expect(importForm(intended(), '0f1e2d3c4b5a6978')).toEqual({
      vmid: '9100',
      name: 'web',
      description: expect.stringMatching(
        /^my notes\n\nRestored by Guestlift from s3:\/\/b\/f\/\.\nguestlift:0f1e2d3c4b5a6978$/,
      ) as unknown,
      boot: 'order=scsi0',
      efidisk0: 'local-lvm:0,import-from=disks:import/guestlift-t-efidisk0.qcow2,efitype=4m',
      ide0: 'local-lvm:cloudinit,media=cdrom',
      ide2: 'none,media=cdrom',
      memory: '2048',
      net0: 'virtio=BC:24:11:00:00:01,bridge=vmbr0,firewall=1',
      scsi0: 'local-lvm:0,import-from=disks:import/guestlift-t-scsi0.qcow2,discard=on',
      serial0: 'socket',
      smbios1: 'uuid=7c0e2b6a-0000-4000-8000-000000000100',
    })
    expect(leftOutOfImport(configuration)).toEqual(['args', 'cipassword', 'hostpci0', 'usb0'])
  })

  it('gives a guest of its own another uuid and no hardware address, on other storages and bridges', () => {
    const form = importForm(
      intended({ unique: true, storage: 'ceph', bridges: { vmbr0: 'vmbr9' }, name: 'copy' }),
      'abcdefgh',
    )
    expect(form).toMatchObject({
      name: 'copy',
      net0: 'virtio,bridge=vmbr9,firewall=1',
      scsi0: 'ceph:0,import-from=disks:import/guestlift-t-scsi0.qcow2,discard=on',
      smbios1: expect.stringMatching(/^uuid=[\da-f]{8}-[\da-f]{4}-4[\da-f]{3}-8[\da-f]{3}-[\da-f]{12}$/) as unknown,
    })
    expect(form['smbios1']).not.toContain('7c0e2b6a')
  })
})
