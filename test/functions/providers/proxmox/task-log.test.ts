import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { latestPercent, readTaskLog } from '../../../../functions/providers/proxmox/task-log.ts'

const name = 'vzdump-qemu-100-2026_08_21-10_00_00.vma.zst'
const whole = [
  'INFO: trying to get global lock - waiting...',
  'INFO: got global lock',
  'INFO: starting new backup job: vzdump 100 --storage nas --mode snapshot',
  'INFO: Starting Backup of VM 100 (qemu)',
  'INFO: Backup started at 2026-08-21 10:00:00',
  'INFO: status = running',
  `INFO: creating vzdump archive '/mnt/pve/nas/dump/${name}'`,
  'INFO:   5% (1.6 GiB of 32.0 GiB) in 3s, read: 558.2 MiB/s, write: 431.0 MiB/s',
  'INFO:  71% (22.7 GiB of 32.0 GiB) in 1m 2s, read: 1.7 GiB/s, write: 0 B/s',
  'INFO: archive file size: 1.23GB',
  'INFO: Finished Backup of VM 100 (00:01:10)',
  'INFO: Backup finished at 2026-08-21 10:01:10',
  'INFO: Backup job finished successfully',
  'INFO: notified via target `mail-to-root`',
  'TASK OK',
]

describe("a backup task's log", () => {
  it('of a good backup names the archive and says that all is there', () => {
    expect(readTaskLog(whole, '100')).toMatchObject({
      begins: true,
      taskLine: 'OK',
      archiveName: name,
      archivePath: `/mnt/pve/nas/dump/${name}`,
      startedLocal: '2026-08-21 10:00:00',
      finished: true,
      warnings: [],
      errors: [],
    })
  })

  it('says nothing about a guest whose number is part of another, or that is not in it', () => {
    for (const vmid of ['10', '1000', '101']) {
      const log = readTaskLog(whole, vmid)
      expect(log).toMatchObject({ finished: false })
      expect(log).not.toHaveProperty('archiveName')
    }
  })

  it('that was cut anywhere is not taken for whole', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: whole.length - 1 }), (length) => {
        expect(readTaskLog(whole.slice(0, length), '100').taskLine).toBeUndefined()
      }),
    )
    expect(readTaskLog(whole.slice(3), '100').begins).toBe(false)
  })

  it('ignores notifications that failed after the backup was good', () => {
    const log = [...whole.slice(0, -2), 'ERROR: could not notify via target `mail-to-root`: no route', 'TASK OK']
    expect(readTaskLog(log, '100')).toMatchObject({ errors: [], finished: true })
  })

  it('keeps warnings of the guest and of the job, and not those of other guests', () => {
    const log = [
      'INFO: starting new backup job: vzdump 100 101',
      'WARN: of the job',
      'INFO: Starting Backup of VM 100 (qemu)',
      'WARN: of this guest',
      'INFO: Finished Backup of VM 100 (00:00:01)',
      'WARN: of this guest, afterwards',
      'INFO: Starting Backup of VM 101 (lxc)',
      'WARN: of another guest',
      'ERROR: of another guest',
      'ERROR: Backup of VM 101 failed - broken',
      'INFO: Backup job finished with errors',
      'TASK ERROR: job errors',
    ]
    expect(readTaskLog(log, '100')).toMatchObject({
      warnings: ['of the job', 'of this guest', 'of this guest, afterwards'],
      errors: [],
      finished: true,
    })
    expect(readTaskLog(log, '101')).toMatchObject({ failure: 'broken', finished: false })
  })

  it('takes no archive when it names several, or one of another guest', () => {
    const other = name.replace('10_00_00', '09_00_00')
    const second = [
      ...whole.slice(0, 7),
      `INFO: creating vzdump archive '/mnt/pve/nas/dump/${other}'`,
      ...whole.slice(7),
    ]
    expect(readTaskLog(second, '100')).not.toHaveProperty('archiveName')
    const foreign = whole.map((line) => line.replace(name, name.replace('-100-', '-101-')))
    expect(readTaskLog(foreign, '100')).not.toHaveProperty('archiveName')
  })

  it('shortens the shell command of a failed dump to its two ends', () => {
    const long = `ERROR: Backup of VM 100 failed - command 'set -o pipefail && tar ${'x'.repeat(900)}' failed: exit code 70`
    const { failure = '' } = readTaskLog([...whole.slice(0, 7), long], '100')
    expect(failure.length).toBeLessThanOrEqual(300)
    expect(failure).toMatch(/^command 'set -o pipefail && tar .* … .*failed: exit code 70$/)
  })

  it('of any lines is read without failing, in any order', () => {
    fc.assert(
      fc.property(
        fc.array(fc.oneof(fc.constantFrom(...whole), fc.string())),
        fc.constantFrom('100', '1'),
        (lines, vmid) => {
          const log = readTaskLog(lines, vmid)
          expect(log.warnings.length).toBeLessThanOrEqual(20)
          expect(log.errors.length).toBeLessThanOrEqual(20)
        },
      ),
    )
  })

  it('yields the newest percentage, and none for containers', () => {
    expect(latestPercent(whole)).toBe(71)
    expect(latestPercent(['no content'])).toBeUndefined()
    expect(latestPercent(['INFO: 999% (1 B of 1 B) in 1s'])).toBeUndefined()
    expect(latestPercent(['INFO: 100% (32.0 GiB of 32.0 GiB) in 1m 10s, read: 1.7 GiB/s, write: 0 B/s'])).toBe(100)
  })
})
