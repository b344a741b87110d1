import { describe, expect, it } from 'vitest'
import {
  chosenDisks,
  disksOf,
  hasGuestState,
  refusals,
  remarksOf,
} from '../../../../functions/providers/azure/disks.ts'
import { gradeOf, type Reached } from '../../../../functions/providers/azure/grade.ts'
import { grants } from '../../../../functions/providers/azure/rights.ts'
import { type Disk, diskSchema, machineSchema } from '../../../../functions/providers/azure/schemas.ts'

const id = (name: string) => `/subscriptions/s/resourceGroups/rg/providers/Microsoft.Compute/disks/${name}`

function machine(more: { osDisk?: object; dataDisks?: object[]; properties?: object } = {}) {
  return machineSchema.parse({
    id: '/subscriptions/s/resourceGroups/RG/providers/Microsoft.Compute/virtualMachines/web1',
    name: 'web1',
    location: 'westeurope',
    properties: {
      vmId: '22222222-2222-2222-2222-222222222222',
      storageProfile: {
        osDisk: { name: 'web1_OsDisk', diskSizeGB: 30, managedDisk: { id: id('web1_OsDisk') }, ...more.osDisk },
        dataDisks: more.dataDisks ?? [
          { lun: 1, name: 'web1_logs', managedDisk: { id: id('web1_logs') } },
          { lun: 0, name: 'web1_data', managedDisk: { id: id('web1_data') } },
        ],
      },
      ...more.properties,
    },
  })
}

const disk = (name: string, properties: object = {}): Disk => diskSchema.parse({ id: id(name), name, properties })
const plain = new Map([
  ['os', disk('web1_OsDisk')],
  ['0', disk('web1_data')],
  ['1', disk('web1_logs')],
])
const wishes = { freeze: 'restore-point', consistency: 'application-or-crash' } as const

describe('the disks of a machine', () => {
  it('are the one of its system, then those of data by their places', () => {
    expect(disksOf(machine()).map(({ slot, name }) => [slot, name])).toEqual([
      ['os', 'web1_OsDisk'],
      ['0', 'web1_data'],
      ['1', 'web1_logs'],
    ])
  })

  it.each(['web1_data', 'WEB1_DATA', '0', 'lun0'])('are left out by %s', (name) => {
    const { meant, skipped } = chosenDisks(disksOf(machine()), [name], 'Site az')
    expect([meant.length, skipped.map((one) => one.name)]).toEqual([2, ['web1_data']])
  })

  it('are refused by a name that none of them has, with those that it has', () => {
    expect(() => chosenDisks(disksOf(machine()), ['scratch'], 'Site az, guest x')).toThrow(
      'Site az, guest x: there is no disk scratch to skip. It has web1_OsDisk (os), web1_data (LUN 0), web1_logs (LUN 1).',
    )
  })
})

describe('what stands against a backup', () => {
  const against = (of: ReturnType<typeof machine>, disks: ReadonlyMap<string, Disk> = plain, its: object = {}) =>
    refusals(disksOf(of), disks, { ...wishes, ...its }).join(' ')
  const withData = (properties: object) => new Map([...plain, ['0', disk('web1_data', properties)]])

  it('is nothing for plain managed disks', () => {
    expect(against(machine())).toBe('')
  })

  it('is an ephemeral, an unmanaged or an unseen disk', () => {
    expect(against(machine({ osDisk: { diffDiskSettings: { option: 'Local' } } }))).toMatch(/web1_OsDisk is ephemeral/)
    const vhd = { vhd: { uri: 'https://a.blob.core.windows.net/vhds/x.vhd' }, managedDisk: null }
    expect(against(machine({ osDisk: vhd }))).toMatch(/web1_OsDisk is unmanaged/)
    expect(against(machine(), new Map())).toMatch(/role needs Microsoft.Compute\/disks\/read/)
    expect(refusals([], plain, wishes)).toEqual(['It has no disk to archive.'])
  })

  it('is a shared disk, one that may not be exported, or one that no crash-consistent point holds; snapshots can', () => {
    const cases: [object, object, RegExp][] = [
      [{ maxShares: 2 }, {}, /web1_data is shared/],
      [{ networkAccessPolicy: 'DenyAll' }, {}, /may not be exported \(DenyAll\)/],
      [{ publicNetworkAccess: 'Disabled' }, {}, /may not be exported/],
    ]
    for (const [properties, its, text] of cases) {
      expect(against(machine(), withData(properties), its)).toMatch(text)
      expect(against(machine(), withData(properties), { freeze: 'snapshots' })).toBe('')
    }
    const ultra = machine({
      dataDisks: [
        { lun: 0, name: 'web1_data', managedDisk: { id: id('web1_data'), storageAccountType: 'UltraSSD_LRS' } },
      ],
    })
    expect(against(ultra, plain, { consistency: 'crash' })).toMatch(/Ultra or Premium SSD v2/)
    expect(against(ultra)).toBe('')
  })

  it('is a disk that is read with tokens of Entra alone', () => {
    expect(against(machine(), withData({ dataAccessAuthMode: 'AzureActiveDirectory' }))).toMatch(/dataAccessAuthMode/)
  })
})

describe('what to know of an archive', () => {
  it('is that Azure Disk Encryption leaves ciphertext, by either of its two places', () => {
    const collection = { encryptionSettingsCollection: { enabled: true } }
    expect(remarksOf(machine(), new Map([['os', disk('x', collection)]]))).toHaveLength(1)
    expect(remarksOf(machine({ osDisk: { encryptionSettings: { enabled: true } } }), plain)).toHaveLength(1)
    expect(remarksOf(machine(), plain)).toEqual([])
  })

  it('is whether the machine has a state beside its disks', () => {
    expect(hasGuestState(machine({ properties: { securityProfile: { securityType: 'TrustedLaunch' } } }))).toBe(true)
    expect(hasGuestState(machine({ properties: { securityProfile: { securityType: 'Standard' } } }))).toBe(false)
    expect(hasGuestState(machine())).toBe(false)
  })
})

describe('the grade', () => {
  const reached: Reached = {
    freeze: 'restore-point',
    off: false,
    wanted: 'application-or-crash',
    mode: 'ApplicationConsistent',
    because: undefined,
    disks: 2,
    skipped: [],
    guestState: false,
  }

  it.each([
    [{}, 'application'],
    [{ mode: 'FileSystemConsistent' }, 'file-system'],
    [{ mode: 'CrashConsistent' }, 'crash'],
    [{ mode: undefined }, undefined],
    [{ mode: 'Better' }, undefined],
    [{ off: true, mode: 'CrashConsistent' }, 'application'],
    [{ freeze: 'snapshots', disks: 1 }, 'crash'],
    [{ freeze: 'snapshots', disks: 2 }, undefined],
  ] as const)('of %j is %s', (more, consistency) => {
    expect(gradeOf({ ...reached, ...more }).consistency).toBe(consistency)
  })

  it('expects more where the guest was asked and could not answer, and says why', () => {
    const lesser = gradeOf({ ...reached, mode: 'CrashConsistent', because: 'VSS timed out.' })
    expect(lesser.expected).toBe('application')
    expect(lesser.reason).toMatch(/failed \(VSS timed out\)\.$/)
    expect(gradeOf({ ...reached, mode: 'CrashConsistent', wanted: 'crash' }).expected).toBeUndefined()
  })

  it('names disks that the job left out as chosen, and a virtual TPM as not chosen', () => {
    const skipped = disksOf(machine()).slice(1, 2)
    const { gaps } = gradeOf({ ...reached, skipped, guestState: true })
    expect(gaps.map(({ name, what, chosen }) => [name, what, chosen])).toEqual([
      ['disks', 'the disk web1_data (LUN 0)', true],
      ['configuration', 'the guest state of trusted launch, as its virtual TPM', undefined],
    ])
  })
})

describe('actions of a role', () => {
  const action = 'Microsoft.Compute/snapshots/write'

  it.each([
    [['*'], [], true],
    [['microsoft.compute/SNAPSHOTS/write'], [], true],
    [['Microsoft.Compute/*/write'], [], true],
    [['Microsoft.Compute/snapshots/read'], [], false],
    [['Microsoft.Compute/snapshots'], [], false],
    [['*'], ['Microsoft.Compute/snapshots/*'], false],
    [[], [], false],
  ])('%j without %j', (actions, notActions, expected) => {
    expect(grants({ actions, notActions }, action)).toBe(expected)
  })
})
