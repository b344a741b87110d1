/** A backup against VMware's own simulator, with what a vCenter has more put before it. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Client, returned } from '../local/labs/vsphere/client.ts'
import { judged, python } from '../local/labs/vsphere/pyvmomi.ts'
import { missingForVcsim, startVcsim, type Vcsim } from './start-vcsim.ts'

if (missingForVcsim.length > 0) console.warn(`skipped: no ${missingForVcsim.join(', no ')}`)

const SNAPSHOT = '<name>guestlift-1</name><description>d</description><memory>false</memory><quiesce>true</quiesce>'
const REMOVAL = '<removeChildren>false</removeChildren><consolidate>true</consolidate>'
const FLAT = 'DC0_H0_VM0/disk1-flat.vmdk'
const where = { dcPath: 'DC0', dsName: 'LocalDS_0' }

describe.skipIf(missingForVcsim.length > 0)('vcsim behind the server that adds what it lacks', () => {
  let vcsim: Vcsim
  let client: Client
  let guest: string

  beforeAll(async () => {
    vcsim = await startVcsim({ taskAsks: 2 })
    client = new Client({ url: vcsim.url, users: [{ name: vcsim.user, password: 'pass &amp; word' }] })
    await client.login()
    const found = await client.call(
      'FindByInventoryPath',
      ['SearchIndex', 'SearchIndex'],
      '<inventoryPath>/DC0/vm/DC0_H0_VM0</inventoryPath>',
    )
    guest = returned(found)
  })

  afterAll(() => vcsim?.close())

  const create = () => client.call('CreateSnapshot_Task', ['VirtualMachine', guest], SNAPSHOT)
  const read = (...paths: string[]) => client.read('VirtualMachine', guest, ...paths)

  it('gives a quoted cookie, and wants it back as it was', async () => {
    expect(client.cookie).toMatch(/^vmware_soap_session="[^"]+"$/)
    expect((await client.file('DC0_H0_VM0/DC0_H0_VM0.vmx', where)).status).toBe(200)
    const stranger = new Client({ url: vcsim.url, users: [] })
    stranger.cookie = client.cookie.replaceAll('"', '')
    expect((await stranger.file('DC0_H0_VM0/DC0_H0_VM0.vmx', where)).status).toBe(401)
  })

  it('refuses elements in another order, an unknown element, and a version above its own', async () => {
    const wrong = '<name>x</name><quiesce>true</quiesce><memory>false</memory>'
    expect((await client.call('CreateSnapshot_Task', ['VirtualMachine', guest], wrong)).text).toContain(
      'xsi:type="InvalidRequest"',
    )
    const more = `${SNAPSHOT}<more>1</more>`
    expect((await client.call('CreateSnapshot_Task', ['VirtualMachine', guest], more)).text).toContain(
      '&quot;more&quot;',
    )
    const late = await client.call('CurrentTime', ['ServiceInstance', 'ServiceInstance'], '', '"urn:vim25/8.0.3.0"')
    expect(late.text).toContain('Unsupported version URI')
  })

  it('freezes disks into chains while a slow snapshot stands, one task at a time', async () => {
    const body = Buffer.alloc(1024 ** 2, 7)
    expect((await client.file(FLAT, { ...where, method: 'PUT', body })).status).toBe(200)
    const task = returned(await create())
    expect((await create()).text).toContain(`xsi:type="TaskInProgress"><task type="Task">${task}<`)
    const running = await client.read('Task', task, 'info')
    expect(running.text).toMatch(/<state>running<\/state>.*<progress>42<\/progress><reason/s)
    expect(running.text).not.toContain('<result')
    expect((await read('recentTask')).text).toContain(task)
    const snapshot = /<result[^>]*>([^<]+)</.exec(await client.wait(task))?.[1] ?? ''

    const { text } = await read('config.hardware.device', 'layoutEx', 'runtime.consolidationNeeded')
    expect(text).toContain('<fileName>[LocalDS_0] DC0_H0_VM0/disk1-000001.vmdk</fileName>')
    expect(text).toMatch(
      /<parent xsi:type="VirtualDiskFlatVer2BackingInfo"><fileName>\[LocalDS_0\] DC0_H0_VM0\/disk1\.vmdk</,
    )
    expect(text).toContain('<name>[LocalDS_0] DC0_H0_VM0/disk1-000001-delta.vmdk</name>')
    expect(text).toContain(`<name>[LocalDS_0] ${FLAT}</name><type>diskExtent</type><size>${body.length}</size>`)
    expect(text).toContain('<name>runtime.consolidationNeeded</name><val xsi:type="xsd:boolean">false</val>')
    const frozen = await client.read('VirtualMachineSnapshot', snapshot, 'config.hardware.device')
    expect(frozen.text).toContain('<fileName>[LocalDS_0] DC0_H0_VM0/disk1.vmdk</fileName>')
    expect((await client.file(FLAT, { ...where, range: '1024-2047' })).bytes).toEqual(body.subarray(1024, 2048))
    expect((await client.file('DC0_H0_VM0/disk1-000001-delta.vmdk', where)).status).toBe(500)

    const removal = await client.call('RemoveSnapshot_Task', ['VirtualMachineSnapshot', snapshot], REMOVAL)
    const info = await client.wait(returned(removal))
    expect(info).toContain(`<entity type="VirtualMachine">${guest}</entity>`)
    expect((await read('config.hardware.device', 'layoutEx')).text).not.toContain('000001')
    const again = await client.call('RemoveSnapshot_Task', ['VirtualMachineSnapshot', snapshot], REMOVAL)
    expect(again.text).toContain('<ManagedObjectNotFoundFault')
  })

  it('needs consolidation where a test says so, and knows how to consolidate', async () => {
    vcsim.setConsolidation(guest, { needed: true, stays: false })
    expect((await read('runtime.consolidationNeeded')).text).toContain('>true<')
    const task = returned(await client.call('ConsolidateVMDisks_Task', ['VirtualMachine', guest]))
    expect((await client.read('Task', task, 'info.state')).text).toContain('running')
    expect(await client.wait(task)).toContain('<name>ConsolidateVMDisks</name>')
    expect((await read('runtime.consolidationNeeded')).text).toContain('>false<')
  })

  it('denies rights, answers with 500 and 503, and loses answers', async () => {
    vcsim.deny('CreateSnapshot_Task', 'VirtualMachine.State.CreateSnapshot')
    expect((await create()).text).toContain(
      `xsi:type="NoPermission"><object type="VirtualMachine">${guest}</object><privilegeId>VirtualMachine.State.CreateSnapshot<`,
    )
    vcsim.deny('CreateSnapshot_Task')
    vcsim.answerPage('/folder', 500)
    expect((await client.file(FLAT, { ...where, range: '0-1' })).status).toBe(500)
    vcsim.answerPage('RetrievePropertiesEx', 503)
    expect((await read('name')).status).toBe(503)
    vcsim.loseAnswer('CreateSnapshot_Task')
    await expect(create()).rejects.toThrow(/hang up/)
    expect((await read('snapshot')).text).toContain('<name>guestlift-1</name>')
    const snapshot = /<currentSnapshot[^>]*>([^<]+)</.exec((await read('snapshot')).text)?.[1] ?? ''
    const remove = () => client.call('RemoveSnapshot_Task', ['VirtualMachineSnapshot', snapshot], REMOVAL)
    // The snapshot's own task is still running, as far as one can see.
    for (let tries = 0; tries < 2; tries += 1) expect((await remove()).text).toContain('TaskInProgress')
    const left = await remove()
    expect(left.status).toBe(200)
  })

  it('makes no second clone of a name, and destroys the first', async () => {
    const { text } = await read('parent')
    const folder = /<val[^>]*>([^<]+)</.exec(text)?.[1] ?? ''
    const clone = () =>
      client.call(
        'CloneVM_Task',
        ['VirtualMachine', guest],
        `<folder type="Folder">${folder}</folder><name>guestlift-1</name><spec><location/><template>false</template><powerOn>false</powerOn></spec>`,
      )
    // Whatever still runs on the guest ends by being looked at.
    for (let looks = 0; (await clone()).status !== 200; looks += 1) expect(looks).toBeLessThan(5)
    for (let looks = 0; looks < 2; looks += 1) expect((await clone()).text).toContain('TaskInProgress')
    expect(await client.wait(returned(await clone()))).toMatch(
      /<state>error<.*xsi:type="DuplicateName"><name>guestlift-1</s,
    )
  })

  it('registers a guest of uploaded files, into a folder that has to be there', async () => {
    const file = (name: string, body: Uint8Array) => client.file(`back/${name}`, { ...where, method: 'PUT', body })
    expect((await file('back.vmx', Buffer.from('x'))).status).toBe(404)
    const [files, made] = [['FileManager', 'FileManager'] as [string, string], '<name>[LocalDS_0] back</name>']
    const datacenter = returned(
      await client.call('FindByInventoryPath', ['SearchIndex', 'SearchIndex'], '<inventoryPath>/DC0</inventoryPath>'),
    )
    const directory = `${made}<datacenter type="Datacenter">${datacenter}</datacenter>`
    expect((await client.call('MakeDirectory', files, directory)).status).toBe(200)
    expect((await client.call('MakeDirectory', files, directory)).text).toContain('<FileAlreadyExistsFault')
    const vmx = 'displayName = "back"\nguestOS = "other-64"\nvirtualHW.version = "13"\nuuid.action = "create"\n'
    expect((await file('back.vmx', Buffer.from(vmx))).status).toBe(200)
    const places = await read('parent', 'resourcePool')
    const [folder = '', pool = ''] = [...places.text.matchAll(/<val[^>]*>([^<]+)</g)].map(([, id = '']) => id)
    const inside = `<path>[LocalDS_0] back/back.vmx</path><name>back</name><asTemplate>false</asTemplate><pool type="ResourcePool">${pool}</pool>`
    const info = await client.wait(returned(await client.call('RegisterVM_Task', ['Folder', folder], inside)))
    expect(info).toMatch(/<state>success<.*type="VirtualMachine"/s)
  })

  it.skipIf(python === undefined)('answers so that pyvmomi can read all of it', async () => {
    const seen = await judged('pyvmomi-short.py', vcsim.url, vcsim.user, vcsim.password, 'DC0_H0_VM1')
    expect(seen).toEqual({
      type: 'VirtualCenter',
      running: [['[LocalDS_0] DC0_H0_VM1/disk1-000001.vmdk', '[LocalDS_0] DC0_H0_VM1/disk1.vmdk']],
      frozen: [['[LocalDS_0] DC0_H0_VM1/disk1.vmdk', null]],
      chain: [
        ['[LocalDS_0] DC0_H0_VM1/disk1-flat.vmdk', '[LocalDS_0] DC0_H0_VM1/disk1.vmdk'],
        ['[LocalDS_0] DC0_H0_VM1/disk1-000001.vmdk', '[LocalDS_0] DC0_H0_VM1/disk1-000001-delta.vmdk'],
      ],
      removed: ['success', true],
      recent: 2,
      needed: false,
      consolidated: 'success',
      'after logout': 'vim.fault.NotAuthenticated',
    })
  })
})
