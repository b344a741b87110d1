/** A restore: folder, uploads, registration, start; and what becomes of wrong files. */
import { expect, it } from 'vitest'
import type { VsphereLab } from '../../../../local/labs/vsphere/lab.ts'
import { seededContent } from '../../../../local/labs/ec2/disk.ts'
import { type Client, open, returned } from './client.ts'

const MIB = 1024 ** 2
const FILES = ['FileManager', 'FileManager'] as [string, string]

function vmx(lines: readonly string[] = []): Buffer {
  return Buffer.from(
    [
      '.encoding = "UTF-8"',
      'config.version = "8"',
      'virtualHW.version = "19"',
      'displayName = "back |22again|22"',
      'guestOS = "debian12-64"',
      'firmware = "efi"',
      'memSize = "2048"',
      'scsi0.present = "TRUE"',
      'scsi0:0.present = "TRUE"',
      'scsi0:0.fileName = "disk.vmdk"',
      'ethernet0.present = "TRUE"',
      'ethernet0.networkName = "VM Network"',
      'ethernet0.startConnected = "FALSE"',
      ...lines,
      '',
    ].join('\n'),
  )
}

const descriptor = (sectors: number): Buffer =>
  Buffer.from(
    `# Disk DescriptorFile\nversion=1\nCID=b035a9e9\nparentCID=ffffffff\ncreateType="vmfs"\n\nRW ${sectors} VMFS "disk-flat.vmdk"\n`,
  )

async function uploaded(client: Client, files: Record<string, Uint8Array>): Promise<void> {
  const made = await client.call(
    'MakeDirectory',
    FILES,
    '<name>[datastore1] back</name><datacenter type="Datacenter">datacenter-9</datacenter><createParentDirectories>true</createParentDirectories>',
  )
  expect(made.status).toBe(200)
  for (const [name, body] of Object.entries(files))
    expect((await client.file(`back/${name}`, { method: 'PUT', body })).status).toBe(201)
}

async function registered({ control }: VsphereLab, client: Client): Promise<string> {
  const [pool] = control.entries('ResourcePool')
  const [folder] = control.entries('Folder').filter(({ name }) => name === 'vm')
  const got = await client.call(
    'RegisterVM_Task',
    ['Folder', folder?.id ?? ''],
    `<path>[datastore1] back/back.vmx</path><name>back</name><asTemplate>false</asTemplate><pool type="ResourcePool">${pool?.id}</pool>`,
  )
  return client.wait(returned(got))
}

it('registers a guest of uploaded files, which starts and has the bytes', async () => {
  const bytes = Buffer.concat([Buffer.from(seededContent([0], 5).read(0)), Buffer.alloc(MIB, 3)])
  const { lab, client } = await open()
  await uploaded(client, {
    'disk-flat.vmdk': bytes,
    'disk.vmdk': descriptor(bytes.length / 512),
    'back.nvram': Buffer.from('nvram'),
    'back.vmx': vmx(['uuid.action = "keep"', 'uuid.bios = "56 4d 00 01 02 03 04 05-06 07 08 09 0a 0b 0c 0d"']),
  })
  expect(await registered(lab, client)).toContain('<state>success')
  const guest = lab.control.guest('back')
  expect(guest).toMatchObject({ uuid: '564d0001-0203-0405-0607-08090a0b0c0d', firmware: 'efi', memoryMb: 2048 })
  expect(guest.nics).toMatchObject([{ networkName: 'VM Network', startConnected: false, connected: false }])
  const { text } = await client.read('VirtualMachine', guest.id, 'config.hardware.device', 'layoutEx')
  expect(text).toContain(`<capacityInBytes>${bytes.length}</capacityInBytes>`)
  expect(text).toContain('[datastore1] back/disk-flat.vmdk')

  const started = await client.call('PowerOnVM_Task', ['VirtualMachine', guest.id])
  expect(await client.wait(returned(started))).toContain('<state>success')
  expect(Buffer.from(lab.control.readDisk(guest.id, 2000, 0, bytes.length)).equals(bytes)).toBe(true)
  expect(await registered(lab, client)).toContain('xsi:type="AlreadyExists"')
  const inUse = await client.call(
    'DeleteDatastoreFile_Task',
    FILES,
    '<name>[datastore1] back</name><datacenter type="Datacenter">datacenter-9</datacenter>',
  )
  expect(await client.wait(returned(inUse))).toContain('xsi:type="FileLocked"')
  expect((await client.file('back/disk-flat.vmdk', { method: 'PUT', body: bytes })).status).toBe(500)
})

it('registers a guest whose disk is missing or wrong, and does not start it', async () => {
  const { lab, client } = await open()
  await uploaded(client, {
    'disk-flat.vmdk': Buffer.alloc(MIB),
    'disk.vmdk': descriptor(4096),
    'back.vmx': vmx(['uuid.action = "create"']),
  })
  expect(await registered(lab, client)).toContain('<state>success')
  const started = await client.call('PowerOnVM_Task', ['VirtualMachine', lab.control.guest('back').id])
  expect(await client.wait(returned(started))).toContain('xsi:type="GenericVmConfigFault"')
})

it('waits for an answer at the first start of a guest that was moved or copied', async () => {
  const { lab, client } = await open()
  const files = { 'disk-flat.vmdk': Buffer.alloc(MIB), 'disk.vmdk': descriptor(2048) }
  const moved = ['uuid.bios = "56 4d 00 01 02 03 04 05-06 07 08 09 0a 0b 0c 0d"']
  await uploaded(client, { ...files, 'back.vmx': vmx(moved) })
  await registered(lab, client)
  const { id } = lab.control.guest('back')
  const task = returned(await client.call('PowerOnVM_Task', ['VirtualMachine', id]))
  await expect(client.wait(task)).rejects.toThrow('never ends')
  expect((await client.read('VirtualMachine', id, 'runtime.question')).text).toContain('msg.uuid.altered')
})

it('takes uploads only into a folder that is there, and says so twice', async () => {
  const { client } = await open()
  expect((await client.file('nowhere/x.vmx', { method: 'PUT', body: vmx() })).status).toBe(404)
  await uploaded(client, { 'x.vmx': vmx() })
  expect((await client.file('back/x.vmx', { method: 'PUT', body: vmx() })).status).toBe(200)
  const inside = '<name>[datastore1] back</name><datacenter type="Datacenter">datacenter-9</datacenter>'
  expect((await client.call('MakeDirectory', FILES, inside)).text).toContain('<FileAlreadyExistsFault')
  const below = '<name>[datastore1] a/b/c</name><datacenter type="Datacenter">datacenter-9</datacenter>'
  expect((await client.call('MakeDirectory', FILES, below)).text).toContain('<FileNotFoundFault')
  const nowhere = '<name>[other] back</name><datacenter type="Datacenter">datacenter-9</datacenter>'
  expect((await client.call('MakeDirectory', FILES, nowhere)).text).toContain('<InvalidDatastorePathFault')
})

it.each([5, 6] as const)('registers a chain of files that VMFS %s froze, and reads it as one disk', async (vmfs) => {
  const { lab, client } = await open({
    datacenters: [{ name: 'DC1', datastores: [{ name: 'datastore1', vmfs }] }],
    guests: [
      {
        name: 'db01',
        disks: [{ capacityBytes: 3 * MIB, content: seededContent([0, 4], 2) }],
        snapshots: [{ name: 'old' }],
      },
    ],
  })
  const { id } = lab.control.guest('db01')
  lab.control.write(id, 2000, MIB - 3, Buffer.from('over the edge of a block'))
  const frozen = Buffer.from(lab.control.readDisk(id, 2000, 0, 3 * MIB))
  const inside = '<name>guestlift-1</name><memory>false</memory><quiesce>false</quiesce>'
  await client.wait(returned(await client.call('CreateSnapshot_Task', ['VirtualMachine', id], inside)))
  lab.control.write(id, 2000, 0, Buffer.from('later'))

  const names = lab.control.files('datastore1').filter((path) => /\/db01(-000001.*|-flat)?\.vmdk$/.test(path))
  expect(names).toHaveLength(4)
  const files: Record<string, Uint8Array> = {}
  for (const path of names) files[path.replace('db01/', '')] = (await client.file(path)).bytes
  const text = vmx(['uuid.action = "create"']).toString().replace('"disk.vmdk"', '"db01-000001.vmdk"')
  await uploaded(client, { ...files, 'back.vmx': Buffer.from(text) })
  expect(await registered(lab, client)).toContain('<state>success')
  const back = lab.control.guest('back')
  expect(await client.wait(returned(await client.call('PowerOnVM_Task', ['VirtualMachine', back.id])))).toContain(
    'success',
  )
  expect(Buffer.from(lab.control.readDisk(back.id, 2000, 0, 3 * MIB)).equals(frozen)).toBe(true)
})

it('takes a guest out of the inventory and in again as what it was', async () => {
  const { lab, client } = await open({ guests: [{ name: 'back', powerState: 'poweredOff', annotation: 'a "note"' }] })
  const before = lab.control.guest('back')
  expect((await client.call('UnregisterVM', ['VirtualMachine', before.id])).status).toBe(200)
  expect(lab.control.guests()).toEqual([])
  expect(await registered(lab, client)).toContain('<state>success')
  const { id, instanceUuid, uuid, annotation, question } = lab.control.guest('back')
  expect(id).not.toBe(before.id)
  expect({ instanceUuid, uuid, annotation, question }).toEqual({
    instanceUuid: before.instanceUuid,
    uuid: before.uuid,
    annotation: 'a "note"',
    question: false,
  })
})
