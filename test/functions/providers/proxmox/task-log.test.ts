import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { latestProgress, readTaskLog } from '../../../../functions/providers/proxmox/task-log.ts'
import { recordedLogs, recording, recordingsPresent } from './transcripts.ts'

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

  it('never says that a guest was finished, or that all is there, without the very line for it', () => {
    const others = whole.map((line) => line.replaceAll('100', '101'))
    const lies = [
      'INFO: Finished Backup of VM 1000 (00:01:10)',
      'INFO:  Finished Backup of VM 100 (00:01:10)',
      'WARN: Finished Backup of VM 100 (00:01:10)',
      'Finished Backup of VM 100 (00:01:10)',
      'TASK OK.',
      ' TASK OK',
      'TASK ERROR: TASK OK',
    ]
    const finish = 'INFO: Finished Backup of VM 100 (00:01:10)'
    fc.assert(
      fc.property(
        // Interleaved, reordered, doubled and cut off.
        fc.array(fc.constantFrom(...whole, ...others, ...lies), { maxLength: 40 }),
        fc.nat(40),
        (lines, cut) => {
          const seen = lines.slice(0, lines.length - cut)
          const { finished, taskLine, begins, archiveName, failure } = readTaskLog(seen, '100')
          expect(finished && !seen.includes(finish)).toBe(false)
          expect(finished && failure !== undefined).toBe(false)
          expect(taskLine === 'OK' && seen.at(-1) !== 'TASK OK').toBe(false)
          expect(begins && !seen.some((line) => line.startsWith('INFO: starting new backup job: vzdump'))).toBe(false)
          expect(
            archiveName === undefined || seen.includes(`INFO: creating vzdump archive '/mnt/pve/nas/dump/${name}'`),
          ).toBe(true)
        },
      ),
    )
  })

  it('yields the newest percentage, and none for containers', () => {
    expect(latestProgress(whole)?.progressPercent).toBe(71)
    expect(latestProgress(['no content'])).toBeUndefined()
    expect(latestProgress(['INFO: 999% (1 B of 1 B) in 1s'])).toBeUndefined()
    expect(latestProgress(['INFO:   5% (1.6 GiB of 32.0 GiB) in 3s, read: 558.2 MiB/s, write: 0 B/s'])).toEqual({
      progressPercent: 5,
      doneBytes: Math.round(1.6 * 2 ** 30),
      totalBytes: 32 * 2 ** 30,
    })
    expect(latestProgress(['INFO: 100% (512.0 B of 512.0 B) in 0s, read: 0 B/s, write: 0 B/s'])).toEqual({
      progressPercent: 100,
      doneBytes: 512,
      totalBytes: 512,
    })
  })
})

describe('the content that went into a backup', () => {
  const GIB = 2 ** 30
  const of = (...lines: string[]) =>
    readTaskLog([...whole.slice(0, 8), ...lines.map((line) => `INFO: ${line}`), ...whole.slice(9)], '100').contentBytes

  it('of a VM is what was read of its disks without the zeroes', () => {
    const sparse = 'backup is sparse: 9.36 GiB (29%) total zero data'
    const transferred = 'transferred 32.00 GiB in 70 seconds (468.1 MiB/s)'
    expect(of(sparse, transferred)).toBe(32 * GIB - Math.round(9.36 * GIB))
    expect(of(transferred)).toBe(32 * GIB)
    expect(of('transferred 512.00 MiB in <1 seconds')).toBe(512 * 2 ** 20)
    expect(of('transferred 512.00 MiB in <1 seconds (512.0 MiB/s)')).toBe(512 * 2 ** 20)
  })

  it('of a container is what its tar holds', () => {
    expect(of('Total bytes written: 564357120 (539MiB, 93MiB/s)')).toBe(564_357_120)
  })

  it('is not known where nothing was said, nothing was left, or several things were said', () => {
    const transferred = 'transferred 32.00 GiB in 70 seconds (468.1 MiB/s)'
    expect(of()).toBeUndefined()
    expect(of('backup is sparse: 9.36 GiB (29%) total zero data')).toBeUndefined()
    expect(of('backup is sparse: 32.00 GiB (100%) total zero data', transferred)).toBeUndefined()
    // A hook that copies something somewhere may say much the same.
    expect(of(transferred, 'transferred 1.00 GiB in 3 seconds (341.3 MiB/s)')).toBeUndefined()
    expect(of('first sync finished - transferred 1.23G bytes in 10s', 'transferred 5 files in 3 seconds')).toBe(
      undefined,
    )
  })

  it('is not known where it is little beside the rounding of what it is the difference of', () => {
    const transferred = 'transferred 2.00 TiB in 4000 seconds (524.3 MiB/s)'
    expect(of('backup is sparse: 1.90 TiB (95%) total zero data', transferred)).toBeUndefined()
    expect(of('backup is sparse: 1.20 TiB (60%) total zero data', transferred)).toBeCloseTo(0.8 * 2 ** 40, -2)
  })

  it('of one guest is never that of another in the same job', () => {
    const guests = [100, 101, 102].flatMap((vmid) => [
      `INFO: Starting Backup of VM ${vmid} (lxc)`,
      ...(vmid === 101 ? [] : [`INFO: Total bytes written: ${vmid}0000 (1.0MiB, 1MiB/s)`]),
      `INFO: Finished Backup of VM ${vmid} (00:00:01)`,
    ])
    const log = [
      'INFO: starting new backup job: vzdump 100 101 102',
      ...guests,
      'INFO: Backup job finished successfully',
    ]
    expect(['100', '101', '102'].map((vmid) => readTaskLog(log, vmid).contentBytes)).toEqual([
      1_000_000,
      undefined,
      1_020_000,
    ])
  })

  it.skipIf(!recordingsPresent)('is read from the logs of real servers (in ../shared, if it is there)', () => {
    const logOf = (name: string) =>
      recording(name).flatMap(({ request, response }) => {
        if (!/\/log(\?|$)/.test(request.path)) return []
        const { data } = JSON.parse(response.body ?? '{}') as { data?: { t: string }[] }
        return (data ?? []).map(({ t }) => t)
      })
    expect(readTaskLog(logOf('vzdump-qemu-suspend-mode'), '200').contentBytes).toBe(512 * 2 ** 20)
    const several = logOf('vzdump-ok-multi')
    expect(readTaskLog(several, '100').contentBytes).toBe(2_140_160)
    expect(readTaskLog(several, '104').contentBytes).toBe(1_085_440)
    expect(readTaskLog(logOf('vzdump-fail-qemu'), '200').contentBytes).toBeUndefined()
  })
})

describe('lines that nothing accounts for', () => {
  const remarksOf = (...lines: string[]) => readTaskLog(whole.toSpliced(9, 0, ...lines), '100').remarks

  it.each([
    ["unable to open file '/etc/pve/x.tmp.1' - Transport endpoint is not connected"],
    ['VM 100 not running'],
    ["cp: error writing '/mnt/pve/nas/dump/x.log': No space left on device"],
    ['  WARNING: Thin pool pve/data is now 100.00% full.'],
    ['INFOS: not a level'],
  ])('%j is kept', (line) => expect(remarksOf(line)).toEqual([line.trim()]))

  it.each([
    ['  Logical volume "snap_vm-100-disk-0_vzdump" created.'],
    ['  Logical volume "snap_vm-100-disk-0_vzdump" successfully removed.'],
    ['  WARNING: You have not turned on protection against thin pools running out of space.'],
    [
      '  WARNING: Set activation/thin_pool_autoextend_threshold below 100 to trigger automatic extension of thin pools before they get full.',
    ],
    [
      '  WARNING: Sum of all thin volume sizes (1.50 TiB) exceeds the size of thin pool pve/data and the size of whole volume group (931.01 GiB).',
    ],
    ['Creating snap: 100% complete...done.'],
    ["Formatting '/var/lib/vz/images/100/vm-100-fleece-0.qcow2', fmt=qcow2 cluster_size=65536 size=34359738368"],
    ['INFO: HOOK: backup-end snapshot 100: anything'],
    [''],
  ])('%j is not one: good backups have it', (line) => expect(remarksOf(line)).toEqual([]))

  it('are at most twenty, of this guest alone, and none from after the job', () => {
    expect(remarksOf(...Array.from({ length: 50 }, (_, index) => `strange ${index}`))).toHaveLength(20)
    const other = ['INFO: Starting Backup of VM 101 (lxc)', 'strange', 'INFO: Finished Backup of VM 101 (00:00:01)']
    const log = whole.toSpliced(-3, 0, ...other).toSpliced(-1, 0, 'sendmail: no route')
    expect(readTaskLog(log, '100').remarks).toEqual([])
    expect(readTaskLog(log, '101').remarks).toEqual(['strange'])
  })

  it.skipIf(!recordingsPresent)('are in no real log of a backup that went well (in ../shared, if it is there)', () => {
    const guests = recordedLogs().flatMap(({ name, lines }) =>
      lines.flatMap((line) => {
        const vmid = /^INFO: Finished Backup of VM (\d+) /.exec(line)?.[1]
        return vmid === undefined ? [] : [{ name, log: readTaskLog(lines, vmid) }]
      }),
    )
    expect(guests.length).toBeGreaterThan(20)
    for (const { name, log } of guests) {
      expect(log.remarks, name).toEqual([])
      expect(log.mode, name).toMatch(/^(snapshot|suspend|stop)$/)
    }
    // And those of failed ones are what they look like.
    const failed = recordedLogs().flatMap(({ lines }) => {
      const log = readTaskLog(lines, '200')
      return log.begins ? log.remarks : []
    })
    expect(new Set(failed)).toEqual(new Set(['VM 200 not running']))
  })
})
