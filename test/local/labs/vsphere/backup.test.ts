/** The flow of a backup by reading frozen files: freeze, read, release. */
import { expect, it } from 'vitest'
import { seededContent } from '../../../../local/labs/ec2/disk.ts'
import { open, returned } from './client.ts'

const MIB = 1024 ** 2
const SNAPSHOT = '<name>guestlift-1</name><description>run 1</description><memory>false</memory><quiesce>true</quiesce>'

it('serves the frozen base of a running guest only while a snapshot lies over it', async () => {
  const content = seededContent([0, 3, 7], 1)
  const { lab, client } = await open({ guests: [{ name: 'web01', disks: [{ capacityBytes: 8 * MIB, content }] }] })
  const { id } = lab.control.guest('web01')
  expect((await client.file('web01/web01-flat.vmdk', { range: '0-511' })).status).toBe(500)

  const made = await client.call('CreateSnapshot_Task', ['VirtualMachine', id], SNAPSHOT)
  const info = await client.wait(returned(made))
  const snapshot =
    /<result type="VirtualMachineSnapshot" xsi:type="ManagedObjectReference">([^<]+)</.exec(info)?.[1] ?? ''
  expect(lab.control.snapshots().map(({ name, quiesced }) => [name, quiesced])).toEqual([['guestlift-1', true]])

  lab.control.write(id, 2000, 0, Buffer.alloc(4096, 7))
  const frozen = await client.file('web01/web01-flat.vmdk', { range: '0-4095' })
  expect(frozen.status).toBe(206)
  expect(frozen.headers['content-range']).toBe(`bytes 0-4095/${8 * MIB}`)
  expect(frozen.bytes.equals(Buffer.from(content.read(0).subarray(0, 4096)))).toBe(true)
  expect((await client.file('web01/web01-000001-sesparse.vmdk')).status).toBe(500)
  expect((await client.file('web01/web01-000001.vmdk')).text).toContain('parentFileNameHint="web01.vmdk"')

  const removed = await client.call(
    'RemoveSnapshot_Task',
    ['VirtualMachineSnapshot', snapshot],
    '<removeChildren>false</removeChildren><consolidate>true</consolidate>',
  )
  await client.wait(returned(removed))
  expect(lab.control.snapshots()).toEqual([])
  expect(lab.control.files('datastore1')).not.toContain('web01/web01-000001.vmdk')
  expect([...lab.control.readDisk(id, 2000, 4094, 2)]).toEqual([7, 7])
  const again = await client.call(
    'RemoveSnapshot_Task',
    ['VirtualMachineSnapshot', snapshot],
    '<removeChildren>false</removeChildren>',
  )
  expect([again.status, again.text]).toEqual([500, expect.stringContaining('<ManagedObjectNotFoundFault')])
})
