import { describe, expect, it } from 'vitest'
import {
  matchDrives,
  nameIn,
  shownConfiguration,
} from '../../../../functions/archive-formats/proxmox/guest-configuration.ts'

const device = (name: string) => ({ name, sizeBytes: 1, clustersFound: 1, clustersExpected: 1, storedBytes: 1 })
const map = (drive: string, name: string) => `#qmdump#map:${drive}:${name}:local:raw:\n`

describe('drives and devices', () => {
  it('belong together by the lines that the platform adds for a restore', () => {
    const text = `scsi0: local:disk\n${map('scsi0', 'drive-scsi0')}${map('ide2', 'drive-ide2')}`
    expect(matchDrives(text, [device('drive-ide2'), device('drive-scsi0')])).toEqual({ findings: [], notes: [] })
    expect(matchDrives(text, [device('drive-scsi0'), device('drive-tpmstate0')])).toEqual({
      findings: [
        {
          code: 'drive-without-data',
          message: "The configuration's drive ide2 has its data in drive-ide2, which the archive lacks.",
        },
      ],
      notes: ["No drive of the configuration uses the archive's drive-tpmstate0: a restore passes over it."],
    })
  })

  it('have no part in what a line says that isn’t quite one of these', () => {
    expect(matchDrives(` ${map('scsi0', 'drive-scsi0')}`, [])).toEqual({ findings: [], notes: [] })
    expect(matchDrives('#qmdump#map:scsi0\n', [])).toEqual({ findings: [], notes: [] })
    expect(matchDrives('', [])).toEqual({ findings: [], notes: [] })
  })

  it('are not looked for where a device holds the state of a running guest', () => {
    expect(matchDrives('', [device('vmstate')])).toEqual({ findings: [], notes: [] })
  })
})

describe('the name of a guest in its configuration', () => {
  it.each([
    ['vm', 'cores: 1\nname: web1\n', 'web1'],
    ['vm', 'name:\t web1', 'web1'],
    ['vm', 'hostname: db1\n', undefined],
    ['vm', 'description: a\n name: web1\n', undefined],
    ['vm', 'name:\nweb1\n', undefined],
    ['vm', 'cores: 1\n[snapshot]\nname: old\n', undefined],
    ['vm', 'tags: [x]\nname: web1\n', 'web1'],
    ['vm', '', undefined],
    ['container', 'hostname: db1\nname: x\n', 'db1'],
    ['container', 'name: x\n', undefined],
    ['container', 'arch: amd64\n  hostname: db1\n', undefined],
  ] as const)('of a %s in %j is %s', (kind, text, name) => {
    expect(nameIn(text, kind)).toBe(name)
  })
})

it('leaves out each hash of a password, the snapshots’ as well, and nothing else', () => {
  const text = 'cipassword: $5$a\nciuser: me\n# cipassword: is set\n[snap]\ncipassword: $5$b\u2028c\n'
  expect(shownConfiguration({ name: 'qemu-server.conf', text })).toEqual({
    name: 'qemu-server.conf',
    text: 'cipassword: (left out)\nciuser: me\n# cipassword: is set\n[snap]\ncipassword: (left out)\n',
  })
})
