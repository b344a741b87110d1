/** Copies to another datastore, and reads from hosts by ticket. */
import { expect, it } from 'vitest'
import { seededContent } from '../../../../local/labs/ec2/disk.ts'
import type { VsphereLab } from '../../../../local/labs/vsphere/lab.ts'
import { type Client, open, returned, send } from './client.ts'

const MIB = 1024 ** 2

const idOf = ({ control }: VsphereLab, type: string, name: string): string =>
  control.entries(type).find((each) => each.name === name)?.id ?? ''

function clone(lab: VsphereLab, client: Client, name: string, more = '', on = 'staging') {
  const guest = lab.control.guest('web01')
  const location =
    `<location><datastore type="Datastore">${idOf(lab, 'Datastore', on)}</datastore>` +
    '<diskMoveType>moveAllDiskBackingsAndDisallowSharing</diskMoveType></location>'
  return client.call(
    'CloneVM_Task',
    ['VirtualMachine', guest.id],
    `<folder type="Folder">${idOf(lab, 'Folder', 'vm')}</folder><name>${name}</name><spec>${location}` +
      `<template>false</template><config><annotation>run 1</annotation></config><powerOn>false</powerOn>${more}</spec>`,
  )
}

const DATASTORES = [
  { name: 'vsanDatastore', kind: 'vsan' as const },
  { name: 'staging', kind: 'NFS' as const, capacityBytes: 64 * MIB, freeBytes: 8 * MIB },
]

it('copies a frozen disk of vSAN to a flat file that can be read', async () => {
  const { lab, client } = await open({
    datacenters: [{ name: 'DC1', datastores: DATASTORES }],
    guests: [
      {
        name: 'web01',
        datastore: 'vsanDatastore',
        tags: ['backup:gold'],
        disks: [{ capacityBytes: 2 * MIB, content: seededContent([1], 9) }],
        snapshots: [{ name: 'guestlift-1' }],
      },
    ],
  })
  const source = lab.control.guest('web01')
  const frozen = Buffer.from(lab.control.readDisk(source.id, 2000, 0, 2 * MIB))
  lab.control.write(source.id, 2000, 0, Buffer.from('later'))
  expect((await client.read('VirtualMachine', source.id, 'layoutEx')).text).not.toContain('diskExtent')
  expect((await client.file('web01/web01-flat.vmdk', { dsName: 'vsanDatastore' })).status).toBe(404)

  const snapshot = `<snapshot type="VirtualMachineSnapshot">${source.snapshots[0]?.id}</snapshot>`
  expect(await client.wait(returned(await clone(lab, client, 'guestlift-1', snapshot)))).toContain('<state>success')
  const made = lab.control.guest('guestlift-1')
  expect(made).toMatchObject({ annotation: 'run 1', powerState: 'poweredOff', snapshots: [], tags: [] })
  expect(made.instanceUuid).not.toBe(source.instanceUuid)
  const copy = await client.file('guestlift-1/guestlift-1-flat.vmdk', { dsName: 'staging' })
  expect(copy.bytes.equals(frozen)).toBe(true)

  expect(await client.wait(returned(await clone(lab, client, 'guestlift-1')))).toContain(
    `xsi:type="DuplicateName"><name>guestlift-1</name><object type="VirtualMachine">${made.id}<`,
  )
  lab.control.datastores().forEach((each) => void (each.freeBytes = each.name === 'staging' ? MIB : each.freeBytes))
  expect(await client.wait(returned(await clone(lab, client, 'guestlift-2')))).toContain('xsi:type="NoDiskSpace"')
  await client.wait(returned(await client.call('Destroy_Task', ['VirtualMachine', made.id])))
  expect(lab.control.files('staging')).toEqual([])
  expect(lab.control.guests().map(({ name }) => name)).toEqual(['web01'])
})

it('reads from a host by a ticket that is good for one request alone', async () => {
  const { lab, client } = await open({ guests: [{ name: 'web01', powerState: 'poweredOff' }] })
  const [host] = lab.hosts
  const url = `${host?.url}/folder/web01/web01-flat.vmdk?dsName=datastore1`
  const ticketFor = async (wanted: string, method = 'httpGet') => {
    const spec = `<spec xsi:type="SessionManagerHttpServiceRequestSpec"><method>${method}</method><url>${wanted.replaceAll('&', '&amp;')}</url></spec>`
    const { text } = await client.call(
      'AcquireGenericServiceTicket',
      ['SessionManager', 'SessionManager'],
      spec,
      '"urn:vim25/8.0.3.0"',
    )
    const field = (name: string): string => new RegExp(`<${name}>([^<]+)<`).exec(text)?.[1] ?? ''
    return { cookie: `vmware_cgi_ticket=${field('id')}`, host: field('hostName'), print: field('thumbprint') }
  }
  const get = (cookie: string, from = url, method = 'GET') =>
    send(from, { method, headers: { cookie, range: 'bytes=0-511' } })

  const ticket = await ticketFor(url)
  expect([`https://${ticket.host}`, ticket.print]).toEqual([host?.url, host?.fingerprint])
  expect((await get(ticket.cookie)).status).toBe(206)
  expect((await get(ticket.cookie)).status).toBe(401)
  const other = `${host?.url}/folder/web01/web01.vmx?dsName=datastore1`
  expect((await get((await ticketFor(url)).cookie, other)).status).toBe(401)
  expect((await get((await ticketFor(url)).cookie, url, 'HEAD')).status).toBe(401)
  expect((await get((await ticketFor(url, 'httpHead')).cookie, url, 'HEAD')).status).toBe(200)
  expect((await get(client.cookie)).status).toBe(401)
  expect((await ticketFor('https://elsewhere.test/folder/x')).host).toBe('')
})
