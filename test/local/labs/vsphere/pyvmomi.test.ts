/** The lab, judged by pyvmomi, which VMware wrote: what it can't read is wrong. */
import { expect, it, onTestFinished } from 'vitest'
import { startVsphereLab } from '../../../../local/labs/vsphere/lab.ts'
import { judged, python } from './pyvmomi.ts'

if (python === undefined) console.warn('skipped: no pyvmomi')

it.skipIf(python === undefined).each(['6.5', '8.0.3.0'])(
  'takes pyvmomi through a backup with the API of %s',
  async (apiVersion) => {
    const lab = await startVsphereLab({
      apiVersion,
      users: [{ name: 'judge@vsphere.local', password: 'pass & word' }],
      settings: { taskAsks: 2 },
      guests: [
        { name: 'web01', folder: 'Web', disks: [{ capacityBytes: 2 * 1024 ** 2 }, { capacityBytes: 1024 ** 2 }] },
        { name: 'a & b <c> €/x', powerState: 'poweredOff' },
      ],
    })
    onTestFinished(() => lab.close())
    const [user] = lab.users
    const seen = await judged('pyvmomi-judge.py', lab.url, user?.name ?? '', user?.password ?? '')
    expect(seen).toEqual({
      'wrong login': 'vim.fault.InvalidLogin',
      about: ['VirtualCenter', apiVersion],
      clock: new Date().toISOString().slice(0, 10),
      guests: ['a & b <c> €%2fx', 'web01'],
      uuid: true,
      path: true,
      disks: [
        ['Hard disk 1', 2 * 1024 ** 2, '[datastore1] web01/web01.vmdk'],
        ['Hard disk 2', 1024 ** 2, '[datastore1] web01/web01_1.vmdk'],
      ],
      states: ['queued', 'running', 'success'],
      tree: ['guestlift-1', 'run 1', true, true],
      chains: [
        [
          ['diskDescriptor', 'diskExtent'],
          ['diskDescriptor', 'diskExtent'],
        ],
        [
          ['diskDescriptor', 'diskExtent'],
          ['diskDescriptor', 'diskExtent'],
        ],
      ],
      frozen: ['[datastore1] web01/web01.vmdk', '[datastore1] web01/web01_1.vmdk'],
      held: 1,
      granted: [
        ['Datastore.Browse', true],
        ['No.Such', false],
      ],
      clone: ['guestlift-1-web01', 'poweredOff', true],
      'clone again': ['error', 'vim.fault.DuplicateName'],
      removed: 'success',
      left: [true, false],
      'removed again': 'vmodl.fault.ManagedObjectNotFound',
      consolidated: 'success',
      files: [
        ['vim.host.DatastoreBrowser.VmDiskInfo', 'guestlift-1-web01-flat.vmdk', 2 * 1024 ** 2],
        ['vim.host.DatastoreBrowser.VmDiskInfo', 'guestlift-1-web01.vmdk', expect.any(Number)],
        ['vim.host.DatastoreBrowser.VmDiskInfo', 'guestlift-1-web01_1-flat.vmdk', 1024 ** 2],
        ['vim.host.DatastoreBrowser.VmDiskInfo', 'guestlift-1-web01_1.vmdk', expect.any(Number)],
      ],
      on: 'success',
      'destroyed on': ['error', 'vim.fault.InvalidPowerState'],
      destroyed: 'success',
      'destroyed again': 'vmodl.fault.ManagedObjectNotFound',
      ticket: [200, true],
      'ticket again': 401,
      'after logout': 'vim.fault.NotAuthenticated',
    })
    expect(lab.control.sessions()).toBe(0)
    expect(lab.control.snapshots()).toEqual([])
  },
)

it.skipIf(python === undefined)('takes pyvmomi through a snapshot on a host that stands alone', async () => {
  const lab = await startVsphereLab({ kind: 'host', apiVersion: '6.7', guests: [{ name: 'web01' }] })
  onTestFinished(() => lab.close())
  const [user] = lab.users
  expect(await judged('pyvmomi-short.py', lab.url, user?.name ?? '', user?.password ?? '', 'web01')).toEqual({
    type: 'HostAgent',
    running: [['[datastore1] web01/web01-000001.vmdk', '[datastore1] web01/web01.vmdk']],
    frozen: [['[datastore1] web01/web01.vmdk', null]],
    chain: [
      ['[datastore1] web01/web01.vmdk', '[datastore1] web01/web01-flat.vmdk'],
      ['[datastore1] web01/web01-000001.vmdk', '[datastore1] web01/web01-000001-sesparse.vmdk'],
    ],
    removed: ['success', true],
    recent: 2,
    needed: false,
    consolidated: 'success',
    'after logout': 'vim.fault.NotAuthenticated',
  })
})
