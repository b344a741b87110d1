import { stripVTControlCharacters } from 'node:util'
import { describe, expect, it } from 'vitest'
import type { RestoreReport } from '../../../../functions/contracts/restore-report.ts'
import { restoreReportSchema } from '../../../../functions/contracts/restore-report.ts'
import { restoreRequestSchema } from '../../../../functions/contracts/restore-request.ts'
import { restoreLines } from '../../../../local/cli/print/print-restore.ts'
import { textOf } from '../../../../local/cli/print/terminal.ts'
import { foreseen, restored } from '../../../fakes/restore-report.ts'

const request = { archive: 'vm-100', site: 'hq' }
const lines = (report: RestoreReport, asked: object = {}) =>
  printed(restoreLines(restoreReportSchema.parse(report), restoreRequestSchema.parse({ ...request, ...asked }))).map(
    stripVTControlCharacters,
  )
const printed = (told: Parameters<typeof textOf>[0]) => textOf(told, undefined).split('\n').slice(0, -1)
const taken = 'Site hq: id 9100 is taken by vm 9100 (db) on node pve2. Choose another id, or replace that guest.'
const hidden = 'Site hq: restore@pve!guestlift lacks VM.Allocate on /vms/9100. Grant it.'

describe('a printed dry run', () => {
  it('tells what would be done, and how to do it', () => {
    expect(lines(foreseen)).toEqual([
      'Archive  archives/hq/vm-100/2026-11-22T02-00-07Z/',
      'File     vzdump-qemu-100-2026_11_22-02_00_07.vma.zst, 2.0 GiB',
      'Guest    vm 100 web, archived on node pve1',
      'Target   site hq, node pve2, id 9100',
      'What would be done:',
      '  - bring the file to node pve2, 2.0 GiB, and check it there',
      '  - make vm 9100 of it, its disks where the archive had them',
      '  - compare the guest with the archive',
      '  - remove the file from node pve2',
      foreseen.summary,
      'To do it: the same command with --confirm.',
    ])
  })

  it('tells of whole disks what is made of them', () => {
    const target = { site: 'aws', id: 'i-1', node: 'eu-central-1b', storages: [] }
    const disks: RestoreReport = { ...foreseen, target, bringsDisks: true }
    expect(lines(disks, { to: 'volume' }).filter((line) => /^(Target|  - )/.test(line))).toEqual([
      'Target   site aws, node eu-central-1b',
      '  - write a snapshot of each disk: unpacked from 2.0 GiB, each block with its SHA-256',
      '  - make a volume of each in zone eu-central-1b',
      '  - compare blocks and settings with the archive',
    ])
    expect(lines(disks)).toContain('  - register an image of them, from which instances are run')
    const made: RestoreReport = { ...restored, target, bringsDisks: true, made: [{ what: 'image', ref: 'ami-1' }] }
    expect(lines(made)).toContain('Image    ami-1')
  })

  it('names the guest that would be lost, the start, the storage and the thaw', () => {
    const frozen = { name: 'archive-frozen', level: 'warning', message: 'It lies in GLACIER.' } as const
    const asked = { replace: true, start: true, storage: 'ceph', thaw: { tier: 'bulk', days: 3 } }
    const told = lines({ ...foreseen, findings: [frozen] }, asked)
    expect(told).toContain('warning: It lies in GLACIER.')
    expect(told.filter((line) => line.startsWith('  - '))).toEqual([
      '  - thaw it: tier bulk, for 3 days',
      '  - bring the file to node pve2, 2.0 GiB, and check it there',
      '  - destroy the guest that has id 9100, with its disks',
      '  - make vm 9100 of it, its disks on ceph',
      '  - compare the guest with the archive',
      '  - start the guest',
      '  - remove the file from node pve2',
    ])
    expect(lines({ ...foreseen, findings: [frozen] })).toContain('  - wait until it is thawed')
  })

  it('tells each refusal once, before the warnings, and no steps', () => {
    const summary = `Dry run: vm 100 (web) can't be restored as guest 9100 on site hq, node pve2 (2 reasons). ${taken}`
    const findings: RestoreReport['findings'] = [
      { name: 'space-tight', level: 'warning', message: 'Little room.' },
      { name: 'id-in-use', level: 'refusal', message: taken },
      { name: 'privilege-missing', level: 'refusal', message: hidden },
    ]
    expect(lines({ ...foreseen, outcome: 'failed', summary, findings }).slice(4)).toEqual([
      `refused: ${taken}`,
      `refused: ${hidden}`,
      'warning: Little room.',
      "Dry run: vm 100 (web) can't be restored as guest 9100 on site hq, node pve2 (2 reasons).",
      'Once nothing stands against it, do it with --confirm.',
    ])
  })

  it('is no invitation where the site could not be asked', () => {
    const error = { name: 'PlatformUnavailable', message: 'Site hq does not answer.' }
    expect(lines({ ...foreseen, outcome: 'failed', summary: error.message, error }).slice(4)).toEqual([
      'note: docs/troubleshooting.md has a section on PlatformUnavailable.',
      'Site hq does not answer.',
    ])
  })
})

describe('a printed restore', () => {
  it('tells what each step took, at which rate, and what it comes to', () => {
    expect(lines(restored)).toEqual([
      'Archive  archives/hq/vm-100/2026-11-22T02-00-07Z/',
      'File     vzdump-qemu-100-2026_11_22-02_00_07.vma.zst, 2.0 GiB',
      'Guest    vm 100 web, archived on node pve1',
      'Target   site hq, node pve2, id 9100, disks on local-lvm',
      'Deliver  1 m 04 s  2.0 GiB, 32.0 MiB/s',
      'Create   1 m 00 s',
      'Compare  4 s',
      'In all   2 m 10 s',
      restored.summary,
    ])
  })

  it('fits 80 columns, apart from sentences', () => {
    const all = [...lines(restored), ...lines(foreseen, { start: true, thaw: { tier: 'expedited' } })]
    expect(all.filter((line) => line.length > 80)).toEqual([restored.summary, foreseen.summary])
  })

  it('tells a thaw, and a delivery that took no time without a rate', () => {
    const told = lines({ ...restored, seconds: { thaw: 11_520, deliver: 0, total: 11_525 } })
    expect(told).toContain('Thaw     3 h 12 m')
    expect(told).toContain('Deliver  0 s       2.0 GiB')
  })

  it('shows each difference with both values and why, then what was expected', () => {
    const differences = [
      { key: 'memory', archived: '2048', made: '1024', why: 'The value is another one.' },
      {
        key: 'net1',
        archived: 'virtio=BC:24:11:00:00:01',
        why: 'The archive has it, and the restored guest does not.',
      },
    ]
    const expected = [{ key: 'vmgenid', archived: 'a', made: 'b', why: 'Each restore makes a generation id.' }]
    const told = lines({ ...restored, outcome: 'partial', differences, expected })
    expect(told.slice(8, -1)).toEqual([
      'not as archived: memory',
      '    archived: 2048',
      '    made:     1024',
      '    The value is another one.',
      'not as archived: net1',
      '    archived: virtio=BC:24:11:00:00:01',
      '    made:     not there',
      '    The archive has it, and the restored guest does not.',
      'changed, as expected: vmgenid. Each restore makes a generation id.',
    ])
  })

  it('shows of a long value the beginning, and nothing that would move the cursor', () => {
    const made = `\u001B[31mfirst\nsecond ${'x'.repeat(300)}`
    const [shown = ''] = printed(
      restoreLines(
        { ...restored, differences: [{ key: 'description', made, why: 'Other.' }] },
        restoreRequestSchema.parse(request),
      ),
    ).filter((line) => line.startsWith('    made:'))
    expect(shown).toMatch(/^ {4}made: {5} \[31mfirst second x+…$/)
    expect(shown.length).toBe('    made:     '.length + 200 + '…'.length)
    const whole = { key: 'description', made: 'x'.repeat(200), why: 'Other.' }
    expect(lines({ ...restored, differences: [whole] })).toContain(`    made:     ${whole.made}`)
  })

  it.each([
    [{ running: true }, 'it runs'],
    [{ running: true, agent: true }, 'it runs, and its agent answers'],
    [{ running: true, agent: false }, "it runs, and its agent doesn't answer"],
    [{ running: false }, "it doesn't run"],
  ])('says of a guest that was to be started: %j', (started, words) => {
    expect(lines({ ...restored, started })).toContain(`Started  ${words}`)
  })

  it('names what was left, with the command that removes it, and where the error is explained', () => {
    const told = lines({
      ...restored,
      outcome: 'failed',
      summary: 'The disk is full. Something was left on the platform: look at the report.',
      seconds: { total: 9 },
      warnings: ['A newer archive was passed over.'],
      left: [{ what: 'Guest 9100 is half made.', removeWith: 'qm destroy 9100' }, { what: 'A file.' }],
      error: { name: 'RestoreFailed', message: 'The disk is full.' },
    })
    expect(told.slice(4)).toEqual([
      'warning: A newer archive was passed over.',
      'left on the platform: Guest 9100 is half made.',
      '    Remove it, as root on the node:',
      '      qm destroy 9100',
      'left on the platform: A file.',
      'note: docs/troubleshooting.md has a section on RestoreFailed.',
      'The disk is full. Something was left on the platform: look at the report.',
    ])
  })

  it('does not repeat the refusals of a restore that was confirmed', () => {
    const findings: RestoreReport['findings'] = [{ name: 'id-in-use', level: 'refusal', message: taken }]
    const error = { name: 'RestoreRefused', message: taken }
    const told = lines({ ...restored, outcome: 'failed', summary: taken, seconds: { total: 1 }, findings, error })
    expect(told.slice(4)).toEqual([
      `refused: ${taken}`,
      'note: docs/troubleshooting.md has a section on RestoreRefused.',
      'Refused: nothing was made.',
    ])
  })

  it('says of a refusal what was left all the same', () => {
    const findings: RestoreReport['findings'] = [
      { name: 'id-in-use', level: 'refusal', message: taken },
      { name: 'privilege-missing', level: 'refusal', message: hidden },
    ]
    const error = { name: 'RestoreRefused', message: `${taken} ${hidden}` }
    const summary = `${error.message} Something was left on the platform: look at the report.`
    const left = [{ what: 'A file.' }]
    const told = lines({ ...restored, outcome: 'failed', summary, seconds: { total: 1 }, findings, error, left })
    expect(told.at(-1)).toBe('Something was left on the platform: look at the report.')
  })

  it('names a guest without a name by its id', () => {
    const guest = { id: '100', kind: 'vm', name: '', node: 'pve1' } as const
    expect(lines({ ...restored, guest })).toContain('Guest    vm 100, archived on node pve1')
  })

  it('says why another restore was left alone, which no finding tells', () => {
    const summary = 'Site hq: id 9100 is being restored to. Restore cli-0 holds it.'
    const error = { name: 'RestoreRefused', message: summary }
    expect(lines({ ...restored, outcome: 'failed', summary, seconds: { total: 1 }, error }).at(-1)).toBe(summary)
  })
})
