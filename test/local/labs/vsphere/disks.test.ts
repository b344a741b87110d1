/** Disks and their chains, read by qemu-img, which somebody else wrote. */
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import { seededContent } from '../../../../local/labs/ec2/disk.ts'
import { open, returned } from './client.ts'

const MIB = 1024 ** 2
const hasQemu = spawnSync('qemu-img', ['--version']).status === 0
if (!hasQemu) console.warn('skipped: no qemu-img')

const qemu = (...words: string[]): string => {
  const { status, stdout, stderr } = spawnSync('qemu-img', words, { encoding: 'utf8' })
  expect([status, stderr]).toEqual([0, ''])
  return stdout
}

it.skipIf(!hasQemu).each([
  ['sesparse', 6],
  ['delta', 5],
] as const)('has chains of %s files that qemu-img opens', async (form, vmfs) => {
  const capacityBytes = 9 * MIB + 512
  const { lab, client } = await open({
    datacenters: [{ name: 'DC1', datastores: [{ name: 'datastore1', vmfs }] }],
    guests: [
      {
        name: 'db01',
        disks: [{ capacityBytes, content: seededContent([0, 1, 6, 17], 2) }],
        snapshots: [{ name: 'before the update' }],
      },
    ],
  })
  const { id } = lab.control.guest('db01')
  const write = (offset: number, length: number, value: number): void =>
    lab.control.write(id, 2000, offset, Buffer.alloc(length, value))
  write(3 * MIB - 7, 20, 0x41)
  await client.call(
    'CreateSnapshot_Task',
    ['VirtualMachine', id],
    '<name>x</name><memory>false</memory><quiesce>false</quiesce>',
  )
  lab.control.finishTasks()
  write(0, 512, 0x42)
  write(capacityBytes - 512, 512, 0x43)
  const whole = Buffer.from(lab.control.readDisk(id, 2000, 0, capacityBytes))
  await client.wait(returned(await client.call('PowerOffVM_Task', ['VirtualMachine', id])))

  const folder = mkdtempSync(join(tmpdir(), 'vslab-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  const files = lab.control.files('datastore1').filter((path) => path.endsWith('.vmdk'))
  expect(files.map((path) => basename(path))).toEqual([
    `db01-000001-${form}.vmdk`,
    'db01-000001.vmdk',
    `db01-000002-${form}.vmdk`,
    'db01-000002.vmdk',
    'db01-flat.vmdk',
    'db01.vmdk',
  ])
  for (const path of files) writeFileSync(join(folder, basename(path)), (await client.file(path)).bytes)
  const raw = join(folder, 'raw')
  qemu('convert', '-f', 'vmdk', '-O', 'raw', join(folder, 'db01-000002.vmdk'), raw)
  expect(readFileSync(raw).equals(whole)).toBe(true)
  // What was frozen before anything was written is the base alone.
  qemu('convert', '-f', 'vmdk', '-O', 'raw', join(folder, 'db01.vmdk'), raw)
  expect(readFileSync(raw).equals(readFileSync(join(folder, 'db01-flat.vmdk')))).toBe(true)
})

it('merges what was written when a snapshot in the middle is removed', async () => {
  const { lab, client } = await open({
    guests: [
      {
        name: 'db01',
        disks: [{ capacityBytes: 2 * MIB }],
        snapshots: [{ name: 'one' }, { name: 'two' }, { name: 'three' }],
      },
    ],
  })
  const { id } = lab.control.guest('db01')
  lab.control.write(id, 2000, 100, Buffer.from('written'))
  const [, two] = lab.control.snapshots()
  const removal = '<removeChildren>false</removeChildren><consolidate>true</consolidate>'
  const removed = await client.call('RemoveSnapshot_Task', ['VirtualMachineSnapshot', two?.id ?? ''], removal)
  expect(await client.wait(returned(removed))).toContain('<state>success')
  expect(lab.control.snapshots().map(({ name, parent }) => [name, parent?.name])).toEqual([
    ['one', undefined],
    ['three', 'one'],
  ])
  expect(lab.control.files('datastore1').filter((path) => /-\d{6}\.vmdk/.test(path))).toEqual([
    'db01/db01-000001.vmdk',
    'db01/db01-000003.vmdk',
  ])
  expect(Buffer.from(lab.control.readDisk(id, 2000, 100, 7)).toString()).toBe('written')
  const { text } = await client.read('VirtualMachine', id, 'layoutEx.disk', 'snapshot')
  expect(text.match(/<chain>/g)).toHaveLength(3)
})
