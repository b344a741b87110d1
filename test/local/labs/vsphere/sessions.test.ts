/** Sessions, rights and names: who may come in, for how long, and see what. */
import { expect, it } from 'vitest'
import { open, returned, send } from './client.ts'

const MINUTE = 60_000

it('ends a session after half an hour without a call', async () => {
  let now = Date.parse('2026-12-01T00:00:00Z')
  const { lab, client } = await open({ clock: () => new Date(now), guests: [{ name: 'web01' }] })
  const { id } = lab.control.guest('web01')
  const root = '<container type="Folder">group-d1</container><type>VirtualMachine</type><recursive>true</recursive>'
  const view = returned(await client.call('CreateContainerView', ['ViewManager', 'ViewManager'], root))
  now += 29 * MINUTE
  expect((await client.read('VirtualMachine', id, 'name')).text).toContain('web01')
  now += 31 * MINUTE
  const { status, text } = await client.read('VirtualMachine', id, 'name', 'config.instanceUuid')
  expect(status).toBe(200)
  expect(text.match(/<missingSet>/g)).toHaveLength(2)
  expect(text).toContain('xsi:type="NotAuthenticated"')
  const snapshot = '<name>x</name><memory>false</memory><quiesce>false</quiesce>'
  expect((await client.call('CreateSnapshot_Task', ['VirtualMachine', id], snapshot)).text).toContain(
    '<NotAuthenticatedFault',
  )
  expect((await client.read('ContainerView', view, 'view')).text).toContain('<ManagedObjectNotFoundFault')
  expect((await client.file('web01/web01.vmx')).status).toBe(401)
})

it('wants the cookie as it gave it, in quotes', async () => {
  const { client } = await open({ guests: [{ name: 'web01' }] })
  expect(client.cookie).toMatch(/^vmware_soap_session="[0-9a-f]{40}"$/)
  expect((await client.file('web01/web01.vmx')).status).toBe(200)
  client.cookie = client.cookie.replaceAll('"', '')
  expect((await client.file('web01/web01.vmx')).status).toBe(401)
})

it('locks an account after five wrong passwords, and says the same', async () => {
  const { lab, client } = await open()
  for (let tries = 0; tries < 5; tries += 1)
    expect((await client.login(0, 'wrong')).text).toContain('<InvalidLoginFault')
  const right = await client.login()
  expect([right.status, right.text]).toEqual([500, expect.stringContaining('<InvalidLoginFault')])
  expect(lab.control.sessions()).toBe(1)
})

it('has a limit of sessions, and those of Basic count', async () => {
  const { lab, client } = await open({ guests: [{ name: 'web01' }], settings: { mostSessions: 2 } })
  const [user] = lab.users
  const authorization = `Basic ${Buffer.from(`${user?.name}:${user?.password}`).toString('base64')}`
  const url = `${lab.url}/folder/web01/web01.vmx?dcPath=DC1&dsName=datastore1`
  expect((await send(url, { headers: { authorization } })).status).toBe(200)
  expect(lab.control.sessions()).toBe(2)
  expect((await send(url, { headers: { authorization } })).status).toBe(503)
  expect((await client.login()).status).toBe(503)
})

it('shows and does for each account what its nearest permission allows', async () => {
  const { lab, client } = await open({
    users: [
      {
        name: 'reader',
        password: 'secret',
        permissions: [
          { on: '/', privileges: ['VirtualMachine.State.CreateSnapshot', 'Datastore.FileManagement'] },
          { on: '/DC1/vm/Web', privileges: [] },
          { on: '/DC1/datastore/private', privileges: [] },
        ],
      },
    ],
    datacenters: [{ name: 'DC1', datastores: [{ name: 'datastore1' }, { name: 'private' }] }],
    guests: [{ name: 'web01', folder: 'Web' }, { name: 'db01' }, { name: 'own', datastore: 'private' }],
  })
  const create = (name: string) =>
    client.call(
      'CreateSnapshot_Task',
      ['VirtualMachine', lab.control.guest(name).id],
      '<name>x</name><memory>false</memory><quiesce>false</quiesce>',
    )
  expect((await create('db01')).status).toBe(200)
  const denied = await create('web01')
  expect(denied.status).toBe(500)
  expect(denied.text).toContain(
    `<NoPermissionFault xmlns="urn:vim25" xsi:type="NoPermission"><object type="VirtualMachine">${lab.control.guest('web01').id}</object><privilegeId>VirtualMachine.State.CreateSnapshot</privilegeId>`,
  )
  expect((await client.file('db01/db01.vmx')).status).toBe(200)
  expect((await client.file('own/own.vmx', { dsName: 'private' })).status).toBe(403)
})

it('hides what an account has no permission on', async () => {
  const { lab, client } = await open({
    users: [{ name: 'u', password: 'p', permissions: [{ on: '/DC1/vm/Web', privileges: [] }] }],
    guests: [{ name: 'web01', folder: 'Web' }, { name: 'db01' }],
  })
  const root = '<container type="Folder">group-d1</container><type>VirtualMachine</type><recursive>true</recursive>'
  const view = returned(await client.call('CreateContainerView', ['ViewManager', 'ViewManager'], root))
  const { text } = await client.read('ContainerView', view, 'view')
  expect(text).toContain(lab.control.guest('web01').id)
  expect(text).not.toContain(`>${lab.control.guest('db01').id}<`)
  const hidden = await client.read('VirtualMachine', lab.control.guest('db01').id, 'name', 'config.uuid')
  expect(hidden.text).toContain('<privilegeId>System.View</privilegeId>')
  expect(hidden.text).toContain('<privilegeId>System.Read</privilegeId>')
})

it('keeps datacenters, datastores and names apart, quoted once or twice', async () => {
  const { lab, client } = await open({
    datacenters: [
      { name: 'DC/1 & Co', folders: ['North America', '100 %'], datastores: [{ name: 'ds [€] a&b' }] },
      { name: 'DC2', datastores: [{ name: 'ds2' }] },
    ],
    guests: [{ name: 'web/01' }, { name: 'other', datacenter: 'DC2' }],
  })
  const dcPath = 'North America/100 %25/DC%2f1 & Co'
  const [datacenter] = lab.control.entries('Datacenter')
  expect(datacenter?.name).toBe('DC%2f1 & Co')
  const dsName = 'ds [€] a&b'
  const path = 'web_01/web_01.vmx'
  expect((await client.file(path, { dcPath, dsName })).text).toContain('displayName = "web%2f01"')
  expect(
    (await client.file(path, { dcPath: encodeURIComponent(dcPath), dsName: encodeURIComponent(dsName) })).status,
  ).toBe(404)
  expect((await client.file(path, { dcPath: 'DC%2f1 & Co', dsName })).status).toBe(404)
  expect((await client.file(path, { dcPath: 'DC2', dsName: 'ds2' })).status).toBe(404)
  expect((await client.file('other/other.vmx', { dcPath, dsName })).status).toBe(404)
  expect((await client.file('other/other.vmx', { dcPath: 'DC2', dsName })).status).toBe(404)

  lab.control.settings.quoting = 'twice'
  expect((await client.file(path, { dcPath, dsName })).status).toBe(404)
  expect(
    (await client.file(path, { dcPath: encodeURIComponent(dcPath), dsName: encodeURIComponent(dsName) })).status,
  ).toBe(200)
  expect((await client.file('other/other.vmx', { dcPath: 'DC2', dsName: 'ds2' })).status).toBe(200)
})
