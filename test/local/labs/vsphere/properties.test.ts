/** What the lab shows of guests: in the schema's order, and unset where the schema knows more. */
import { expect, it } from 'vitest'
import { fieldsOf } from '../../../../local/labs/vsphere/properties/known.ts'
import { type Element, parseXml } from '../../../../local/labs/vsphere/wire/xml.ts'
import { open, returned } from './client.ts'

/** Types that fields have by the schema, where an answer doesn't say it. */
const DECLARED: Readonly<Record<string, string>> = {
  'VirtualMachine config/hardware': 'VirtualHardware',
  'VirtualMachine config/files': 'VirtualMachineFileInfo',
  'VirtualMachine summary/config': 'VirtualMachineConfigSummary',
  'VirtualMachine summary/storage': 'VirtualMachineStorageSummary',
  'VirtualMachine summary/runtime': 'VirtualMachineRuntimeInfo',
  'VirtualMachine snapshot/rootSnapshotList': 'VirtualMachineSnapshotTree',
  'VirtualMachine layoutEx/file': 'VirtualMachineFileLayoutExFileInfo',
  'VirtualMachine layoutEx/disk': 'VirtualMachineFileLayoutExDiskLayout',
  'HostSystem summary/config': 'HostConfigSummary',
  'HostSystem summary/runtime': 'HostRuntimeInfo',
  'VirtualMachine layoutEx/snapshot': 'VirtualMachineFileLayoutExSnapshotLayout',
}

/** Fields that stand in another order than the schema's, or that it doesn't have. */
function wrong(element: Element, path: string): string[] {
  const type = element.declaredType ?? DECLARED[path]
  const fields = type === undefined ? undefined : fieldsOf(type)
  const names = [...new Set(element.children.map(({ name }) => name))]
  const inOrder = fields?.filter((name) => names.includes(name))
  const here = inOrder === undefined || inOrder.join() === names.join() ? [] : [`${type}: ${names.join(' ')}`]
  return [...here, ...element.children.flatMap((child) => wrong(child, `${path}/${child.name}`))]
}

it('shows all of a guest in the order of the schema', async () => {
  const { lab, client } = await open({
    guests: [
      {
        name: 'web01',
        vtpm: true,
        faultTolerance: true,
        disks: [
          { capacityBytes: 4096, keyId: 'key' },
          { capacityBytes: 4096, rdm: 'virtualMode' },
        ],
        snapshots: [{ name: 'one' }, { name: 'two' }],
      },
    ],
  })
  const { id } = lab.control.guest('web01')
  await client.wait(returned(await client.call('PowerOffVM_Task', ['VirtualMachine', id])))
  const all = async (type: string, each: string): Promise<string> => {
    const spec = `<specSet><propSet><type>${type}</type><all>true</all></propSet><objectSet><obj type="${type}">${each}</obj></objectSet></specSet><options/>`
    return (await client.call('RetrievePropertiesEx', ['PropertyCollector', 'propertyCollector'], spec)).text
  }
  const objects = [
    ['VirtualMachine', id],
    ['VirtualMachineSnapshot', lab.control.snapshots()[0]?.id ?? ''],
    ['Task', lab.control.tasks()[0]?.id ?? ''],
    ...['Datastore', 'HostSystem', 'Network', 'Folder'].map((type) => [type, lab.control.entries(type)[0]?.id ?? '']),
  ] as const
  for (const [type = '', each = ''] of objects) {
    const answer = parseXml(await all(type, each))
      .child('Body')
      ?.child('RetrievePropertiesExResponse')
      ?.child('returnval')
    const sets = answer?.child('objects')?.all('propSet') ?? []
    expect([type, sets.length > 0]).toEqual([type, true])
    for (const set of sets) {
      const val = set.child('val')
      const found =
        val === undefined ? ['no value'] : wrong(val, `${type.replace('Snapshot', '')} ${set.textOf('name')}`)
      expect([type, set.textOf('name'), found]).toEqual([type, set.textOf('name'), []])
    }
  }
})

it('knows what is not set from what does not exist', async () => {
  const { lab, client } = await open({ guests: [{ name: 'web01' }] })
  const { id } = lab.control.guest('web01')
  const { text } = await client.read(
    'VirtualMachine',
    id,
    'config.cpuAllocation',
    'config.bootOptions.efiSecureBootEnabled',
    'guestHeartbeatStatus',
    'snapshot.currentSnapshot',
    'config.nonsense',
    'nonsense',
  )
  expect(
    [...text.matchAll(/<path>([^<]+)<\/path>.*?xsi:type="(\w+)"/g)].map(([, path, fault]) => [path, fault]),
  ).toEqual([
    ['config.nonsense', 'InvalidProperty'],
    ['nonsense', 'InvalidProperty'],
  ])
  expect(text).not.toContain('<propSet>')
})
