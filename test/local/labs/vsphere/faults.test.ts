/** What a test lets go wrong: tasks, answers, disks, files. */
import { expect, it } from 'vitest'
import { ref, structure } from '../../../../local/labs/vsphere/wire/values.ts'
import { type Client, open, returned } from './client.ts'

const create = (client: Client, id: string, name = 'guestlift-1') =>
  client.call(
    'CreateSnapshot_Task',
    ['VirtualMachine', id],
    `<name>${name}</name><description>d</description><memory>false</memory><quiesce>true</quiesce>`,
  )

it('does what was asked when the answer is lost, and nothing when the request is', async () => {
  const { lab, client } = await open({ guests: [{ name: 'web01' }] })
  const { id } = lab.control.guest('web01')
  lab.control.dropRequest('CreateSnapshot_Task')
  await expect(create(client, id)).rejects.toThrow(/hang up|aborted|ECONNRESET/)
  expect(lab.control.tasks()).toHaveLength(0)
  lab.control.loseAnswer('CreateSnapshot_Task')
  await expect(create(client, id)).rejects.toThrow(/hang up|aborted|ECONNRESET/)
  // Whoever looks at the guest sees its task go on.
  for (let looks = 0; looks < 3; looks += 1) await client.read('VirtualMachine', id, 'snapshot')
  expect(lab.control.snapshots().map(({ name }) => name)).toEqual(['guestlift-1'])
  lab.control.cutAnswer('RetrievePropertiesEx')
  await expect(client.read('VirtualMachine', id, 'layoutEx')).rejects.toThrow(/hang up|aborted|ECONNRESET/)
  lab.control.answerPage('RetrievePropertiesEx')
  expect(await client.read('VirtualMachine', id, 'name')).toMatchObject({
    status: 200,
    text: expect.stringContaining('<html>') as string,
  })
  lab.control.answerPage('/folder/web01', 503, 2)
  expect((await client.file('web01/web01.vmx')).status).toBe(503)
  expect(lab.control.calls('CreateSnapshot_Task')).toBe(2)
})

it('holds, finishes and fails tasks, and does one at a time for a guest', async () => {
  const { lab, client } = await open({ guests: [{ name: 'web01' }] })
  const { id } = lab.control.guest('web01')
  lab.control.holdTasks()
  const task = returned(await create(client, id))
  for (let looks = 0; looks < 4; looks += 1)
    expect((await client.read('Task', task, 'info')).text).toMatch(/<state>running<\/state>.*<progress>\d+</)
  expect((await create(client, id, 'second')).text).toContain(`xsi:type="TaskInProgress"><task type="Task">${task}<`)
  expect((await client.read('VirtualMachine', id, 'recentTask')).text).toContain(task)
  lab.control.finishTasks(task)
  expect((await client.read('Task', task, 'info.state')).text).toContain('success')
  expect((await client.read('VirtualMachine', id, 'recentTask')).text).toContain(task)

  const next = returned(await create(client, id, 'second'))
  const inner = structure('LocalizedMethodFault', { fault: { ...structure('FileFault', {}), named: true } })
  lab.control.failTask(next, { type: 'FilesystemQuiesceFault', message: 'no answer', fields: { fault: inner } }, true)
  const { text } = await client.read('Task', next, 'info')
  expect(text).toContain('<state>error</state>')
  expect(text).toContain('xsi:type="FilesystemQuiesceFault"')
  expect(lab.control.snapshots().map(({ name }) => name)).toEqual(['guestlift-1', 'second'])
})

it('forgets a finished task after ten minutes', async () => {
  let now = Date.parse('2026-12-01T00:00:00Z')
  const { lab, client } = await open({ clock: () => new Date(now), guests: [{ name: 'web01' }] })
  const task = returned(await create(client, lab.control.guest('web01').id))
  await client.wait(task)
  now += 9 * 60_000
  expect((await client.read('Task', task, 'info.state')).status).toBe(200)
  now += 60_000
  expect((await client.read('Task', task, 'info.state')).text).toContain('<ManagedObjectNotFoundFault')
})

it('fails to quiesce with or without a snapshot that stays, and never quiesces without Tools', async () => {
  const { lab, client } = await open({ guests: [{ name: 'web01' }, { name: 'dumb', toolsRunning: false }] })
  const { settings } = lab.control
  settings.quiesceFault = { type: 'ApplicationQuiesceFault', leavesSnapshot: false }
  const { id } = lab.control.guest('web01')
  expect(await client.wait(returned(await create(client, id)))).toContain('xsi:type="ApplicationQuiesceFault"')
  expect(lab.control.snapshots()).toEqual([])
  settings.quiesceFault = { type: 'ApplicationQuiesceFault', leavesSnapshot: true }
  expect(await client.wait(returned(await create(client, id)))).toContain('<state>error')
  expect(lab.control.snapshots()).toHaveLength(1)
  await client.wait(returned(await create(client, lab.control.guest('dumb').id)))
  expect(lab.control.snapshots().map(({ quiesced }) => quiesced)).toEqual([false, false])
})

it('leaves files behind until they are consolidated', async () => {
  const { lab, client } = await open({ guests: [{ name: 'web01' }] })
  const { id } = lab.control.guest('web01')
  await client.wait(returned(await create(client, id)))
  lab.control.settings.keepConsolidationNeeded = true
  const [snapshot] = lab.control.snapshots()
  const inside = '<removeChildren>false</removeChildren><consolidate>true</consolidate>'
  await client.wait(
    returned(await client.call('RemoveSnapshot_Task', ['VirtualMachineSnapshot', snapshot?.id ?? ''], inside)),
  )
  const needed = async () =>
    (await client.read('VirtualMachine', id, 'runtime.consolidationNeeded')).text.includes('>true<')
  expect(await needed()).toBe(true)
  expect(lab.control.files('datastore1')).toContain('web01/web01-000001.vmdk')
  const consolidate = async () =>
    client.wait(returned(await client.call('ConsolidateVMDisks_Task', ['VirtualMachine', id])))
  await consolidate()
  expect(await needed()).toBe(true)
  lab.control.settings.keepConsolidationNeeded = false
  await consolidate()
  expect(await needed()).toBe(false)
  expect(lab.control.files('datastore1')).not.toContain('web01/web01-000001.vmdk')
})

it('refuses what can not be frozen', async () => {
  const disk = { capacityBytes: 1024 ** 2 }
  const { lab, client } = await open({
    guests: [
      { name: 'shared', disks: [{ ...disk, multiWriter: true }] },
      { name: 'template', template: true },
      { name: 'away', connectionState: 'disconnected' },
      { name: 'mixed', disks: [disk, { ...disk, mode: 'independent_persistent' }, { ...disk, rdm: 'physicalMode' }] },
    ],
  })
  const id = (name: string): string => lab.control.guest(name).id
  const text = await client.wait(returned(await create(client, id('shared'))))
  expect(text).toContain('xsi:type="SnapshotIncompatibleDeviceInVm"')
  expect((await create(client, id('template'))).text).toContain('<InvalidStateFault')
  expect((await create(client, id('away'))).text).toContain('<InvalidStateFault')
  await client.wait(returned(await create(client, id('mixed'))))
  expect([...(lab.control.snapshots('mixed')[0]?.links.keys() ?? [])]).toEqual([2000])
  lab.control.setGuest('mixed', { powerState: 'poweredOff' })
  expect((await client.file('mixed/mixed_2-rdmp.vmdk')).status).toBe(500)
  for (const datastore of lab.control.datastores()) datastore.freeBytes = 1024
  expect(await client.wait(returned(await create(client, id('mixed'))))).toContain('xsi:type="NoDiskSpace"')
})

it('has guests that are as far away as their host', async () => {
  const hosts = [{ name: 'esx1' }, { name: 'esx2', connectionState: 'notResponding' as const }]
  const { lab, client } = await open({
    datacenters: [{ name: 'DC1', hosts }],
    guests: [{ name: 'near' }, { name: 'far', host: 'esx2' }],
  })
  expect((await create(client, lab.control.guest('near').id)).status).toBe(200)
  expect((await create(client, lab.control.guest('far').id)).text).toContain('<InvalidStateFault')
  expect((await client.read('VirtualMachine', lab.control.guest('far').id, 'runtime.connectionState')).text).toContain(
    'disconnected',
  )
})

it('lets files, ranges and certificates be wrong', async () => {
  const { lab, client } = await open({
    guests: [{ name: 'web01', powerState: 'poweredOff', disks: [{ capacityBytes: 4096 }] }],
  })
  const path = 'web01/web01-flat.vmdk'
  const range = { range: '0-511' }
  lab.control.answerWhole(`/folder/${path}`)
  expect(await client.file(path, range)).toMatchObject({ status: 200, headers: { 'content-length': '4096' } })
  lab.control.wrongContentRange('/folder')
  expect((await client.file(path, range)).headers['content-range']).toBe('bytes 512-1023/4096')
  lab.control.setFile('datastore1', path, { sizeBytes: 8192, modifiedAt: new Date('2026-01-02T03:04:05Z') })
  expect((await client.file(path, { method: 'HEAD' })).headers).toMatchObject({
    'content-length': '8192',
    'last-modified': 'Fri, 02 Jan 2026 03:04:05 GMT',
  })
  expect((await client.file(path, { range: '9000-9001' })).headers['content-range']).toBe('bytes */8192')
  expect(lab.control.bytesRead.get(path)).toBe(4096 + 512)
  lab.control.mangleAnswer('CurrentTime', (body) => body.slice(0, 30))
  expect((await client.call('CurrentTime', ['ServiceInstance', 'ServiceInstance'])).text).toHaveLength(30)
  lab.control.refuse('CurrentTime', { type: 'HostNotConnected', fields: { host: ref('HostSystem', 'host-1') } })
  expect((await client.call('CurrentTime', ['ServiceInstance', 'ServiceInstance'])).text).toContain(
    '<HostNotConnectedFault',
  )
  expect(lab.control.changeCertificate()).not.toBe(lab.fingerprint)
  expect((await client.file('web01/web01.vmx')).status).toBe(200)
})

it('pages what it has for those who ask for little', async () => {
  const { lab, client } = await open({ guests: ['a', 'b', 'c'].map((name) => ({ name })) })
  const root = '<container type="Folder">group-d1</container><type>VirtualMachine</type><recursive>true</recursive>'
  const view = returned(await client.call('CreateContainerView', ['ViewManager', 'ViewManager'], root))
  const collector: [string, string] = ['PropertyCollector', 'propertyCollector']
  const spec = `<specSet><propSet><type>VirtualMachine</type><pathSet>name</pathSet></propSet><objectSet><obj type="ContainerView">${view}</obj><skip>true</skip><selectSet xsi:type="TraversalSpec"><name>view</name><type>ContainerView</type><path>view</path><skip>false</skip></selectSet></objectSet></specSet><options><maxObjects>2</maxObjects></options>`
  const first = await client.call('RetrievePropertiesEx', collector, spec)
  const token = /<token>([^<]+)</.exec(first.text)?.[1] ?? ''
  expect(first.text.match(/<objects>/g)).toHaveLength(2)
  const second = await client.call('ContinueRetrievePropertiesEx', collector, `<token>${token}</token>`)
  expect(second.text).toContain('xsi:type="xsd:string">c<')
  expect(second.text).not.toContain('<token>')
  expect((await client.call('ContinueRetrievePropertiesEx', collector, `<token>${token}</token>`)).status).toBe(500)
  expect(lab.control.calls('ContinueRetrievePropertiesEx')).toBe(2)
})
