import { describe, expect, it } from 'vitest'
import { latestProgress, readTaskLog } from '../../../../functions/providers/proxmox/task-log.ts'

const GIB = 2 ** 30
const name = 'vzdump-qemu-100-2026_08_21-10_00_00.vma.zst'
const path = `/mnt/pve/nas/dump/${name}`
const opening = 'INFO: starting new backup job: vzdump 100 101 --storage nas'
const starting = (vmid = '100') => `INFO: Starting Backup of VM ${vmid} (qemu)`
const finished = (vmid = '100') => `INFO: Finished Backup of VM ${vmid} (00:01:10)`
const creating = `INFO: creating vzdump archive '${path}'`
const over = 'INFO: Backup job finished successfully'

/** The log of one guest with these lines in it. */
const within = (...lines: string[]) => readTaskLog([opening, starting(), ...lines, finished(), over, 'TASK OK'], '100')

describe('a guest that was finished', () => {
  it('did not fail, whatever became of the job after it', () => {
    const log = readTaskLog(
      [opening, starting(), finished(), 'ERROR: Backup job failed - disk gone', 'TASK ERROR: disk gone'],
      '100',
    )
    expect(log.finished).toBe(true)
    expect(log).not.toHaveProperty('failure')
  })

  it('is one whose own line says so, and no other’s', () => {
    expect(readTaskLog([opening, starting(), finished('101'), 'TASK OK'], '100').finished).toBe(false)
    expect(readTaskLog([opening, starting(), finished(), 'TASK OK'], '100').finished).toBe(true)
  })
})

describe('why a guest failed', () => {
  it.each([
    [
      'its own line',
      ['ERROR: Backup of VM 100 failed - no space', 'ERROR: Backup job failed - other', 'TASK ERROR: job errors'],
      'no space',
    ],
    [
      'the job’s where it has none',
      ['ERROR: Backup job failed - hook said no', 'TASK ERROR: job errors'],
      'hook said no',
    ],
    ['the task’s where the job has none', ['TASK ERROR: unable to connect'], 'unable to connect'],
    ['nothing where the task speaks of job errors only', ['TASK ERROR: job errors'], undefined],
    [
      'not what a hook quotes',
      [
        'INFO: hook: ERROR: Backup job failed - theirs',
        'INFO: hook: ERROR: Backup of VM 100 failed - theirs',
        'INFO: hook: TASK ERROR: theirs',
        'TASK ERROR: job errors',
      ],
      undefined,
    ],
    ['not another guest’s', ['ERROR: Backup of VM 101 failed - theirs', 'TASK ERROR: job errors'], undefined],
  ])('is %s', (_, lines, failure) => {
    expect(readTaskLog([opening, starting(), ...lines], '100').failure).toBe(failure)
  })

  it('is the first of its lines', () => {
    const lines = ['ERROR: Backup of VM 100 failed - first', 'ERROR: Backup of VM 100 failed - second']
    expect(readTaskLog([opening, starting(), ...lines], '100').failure).toBe('first')
  })
})

describe('the last line of a task', () => {
  it.each([
    ['TASK OK', 'OK'],
    ['TASK WARNINGS: 2', 'WARNINGS: 2'],
    ['TASK ERROR: job errors', 'ERROR: job errors'],
    ['TASK WARNINGS: two', undefined],
    ['TASK OK ', undefined],
    ['a TASK OK', undefined],
  ])('%j is %s', (line, taskLine) => {
    expect(readTaskLog([opening, line], '100').taskLine).toBe(taskLine)
  })

  it('may have blank lines after it, and nothing else', () => {
    expect(readTaskLog([opening, 'TASK OK', '', '  '], '100').taskLine).toBe('OK')
    expect(readTaskLog([opening, 'TASK OK', 'INFO: more'], '100')).not.toHaveProperty('taskLine')
    expect(readTaskLog([], '100')).not.toHaveProperty('taskLine')
  })
})

describe('the lines of a guest', () => {
  const log = [
    opening,
    'INFO: head',
    starting('101'),
    'WARN: theirs',
    finished('101'),
    'WARN: theirs, afterwards',
    starting(),
    'WARN: ours',
    'ERROR: could not notify via target `mail`: ours',
    'ERROR: ours',
    finished(),
    'INFO: Backup job finished with errors',
    'WARN: of the end',
    'ERROR: of the end',
    'TASK WARNINGS: 3',
  ]

  it('are its own, the head’s and the job’s end, but for errors of notifications', () => {
    expect(readTaskLog(log, '100').section).toEqual([
      opening,
      'INFO: head',
      starting(),
      'WARN: ours',
      'ERROR: ours',
      finished(),
      'INFO: Backup job finished with errors',
      'WARN: of the end',
      'TASK WARNINGS: 3',
    ])
    expect(readTaskLog(log, '100').warnings).toEqual(['ours', 'of the end'])
    expect(readTaskLog(log, '101').warnings).toEqual(['theirs', 'theirs, afterwards', 'of the end'])
    expect(readTaskLog(log, '101').errors).toEqual([])
  })

  it('of one that failed before it was started begin with that', () => {
    const failed = [
      opening,
      starting('101'),
      'ERROR: Backup of VM 100 failed - locked',
      'INFO: Failed at 10:00',
      'TASK ERROR: job errors',
    ]
    expect(readTaskLog(failed, '100').section).toEqual([opening, ...failed.slice(2)])
    expect(readTaskLog(failed, '100').failure).toBe('locked')
  })

  it('of the job’s errors leave out that there were any', () => {
    expect(readTaskLog([opening, starting(), 'ERROR: mine', 'TASK ERROR: job errors'], '100').errors).toEqual(['mine'])
    expect(readTaskLog([opening, 'TASK ERROR: no storage'], '100').errors).toEqual(['no storage'])
  })

  it('are errors and the end of a job where they begin so, and not where they quote one', () => {
    expect(within('INFO: hook: ERROR: quoted').errors).toEqual([])
    expect(within('INFO: hook: WARN: quoted').warnings).toEqual([])
    expect(within(`INFO: hook: ${starting('101')}`, 'ERROR: ours').errors).toEqual(['ours'])
    expect(within('INFO: hook: INFO: Backup job finished', 'ERROR: ours').errors).toEqual(['ours'])
    expect(within('INFO: hook: ERROR: Backup job failed - no', 'ERROR: ours').errors).toEqual(['ours'])
  })

  it('have the task’s last word, though another guest’s turn was not over', () => {
    const lines = [opening, starting(), finished(), starting('101'), 'WARN: theirs', 'TASK ERROR: got signal']
    expect(readTaskLog(lines, '100')).toMatchObject({
      errors: ['got signal'],
      warnings: [],
      taskLine: 'ERROR: got signal',
    })
  })

  it.each(['\r', '\u2028'])('are told though they hold what ends a line elsewhere: %j', (end) => {
    const texts = [`WARN: w${end}`, `ERROR: e${end}more`, `INFO: mode failure - m${end}`]
    expect(within(...texts)).toMatchObject({ warnings: ['w'], errors: ['e'], modeFailure: 'm' })
    const failure = (...lines: string[]) => readTaskLog([opening, starting(), ...lines], '100').failure
    expect(failure(`ERROR: Backup of VM 100 failed - f${end}`)).toBe('f')
    expect(failure(`ERROR: Backup job failed - f${end}`)).toBe('f')
    expect(failure(`TASK ERROR: f${end}`)).toBe('f')
  })

  it('are odd up to the job’s end, and what follows is not the backup’s', () => {
    const ending = (...lines: string[]) => readTaskLog([opening, starting(), finished(), ...lines], '100').remarks
    expect(ending('odd before', over, 'odd after', 'TASK OK')).toEqual(['odd before'])
    expect(ending('odd without an end')).toEqual(['odd without an end'])
    expect(readTaskLog(['odd at the start', opening, starting()], '100').remarks).toEqual(['odd at the start'])
  })

  it('are told once each, at most twenty, and long ones by both ends', () => {
    expect(within('WARN: a', 'WARN: b', 'WARN:  a').warnings).toEqual(['a', 'b'])
    expect(within(...Array.from({ length: 30 }, (_, at) => `WARN: ${at}`)).warnings).toHaveLength(20)
    expect(within(`WARN: ${'x'.repeat(300)}`).warnings).toEqual(['x'.repeat(300)])
    const [long = ''] = within(`WARN: ${'a'.repeat(200)}${'b'.repeat(200)}`).warnings
    expect(long).toBe(`${'a'.repeat(149)} … ${'b'.repeat(148)}`)
  })
})

describe('what a log says of an archive', () => {
  it('is its name and path, and whether it was written to its end', () => {
    expect(within(creating, 'INFO: archive file size: 1.23GB')).toMatchObject({
      archiveName: name,
      archivePath: path,
      packed: true,
    })
    expect(within(creating, creating)).toMatchObject({ archiveName: name, packed: false })
    expect(within('INFO: sort of archive file size: 1.23GB').packed).toBe(false)
  })

  it.each([
    ['relative', "INFO: creating vzdump archive 'dump/x.vma'"],
    ['without quotes', `INFO: creating vzdump archive ${path}`],
    ['with something behind', `${creating}!`],
    ['with something before', `INFO: ${creating}`],
  ])('is nothing where the path is %s', (_, line) => {
    expect(within(line)).not.toHaveProperty('archiveName')
    expect(within(line)).not.toHaveProperty('archivePath')
  })
})

describe('what a log says of how it was made', () => {
  it('is start, mode, state and scratch folder', () => {
    const log = within(
      'INFO: Backup started at 2026-08-21 10:00:00',
      'INFO: Backup started at 2026-08-21 11:00:00',
      'INFO: status = stopped',
      'INFO: backup mode: stop',
      "INFO: filesystem type on dumpdir is 'zfs' -using /var/tmp/vzdumptmp1_100 for temporary files",
    )
    expect(log).toMatchObject({
      startedLocal: '2026-08-21 10:00:00',
      mode: 'stop',
      guestStatus: 'stopped',
      scratchFolder: '/var/tmp/vzdumptmp1_100',
    })
  })

  it('is not known where it is said in two ways, or not quite', () => {
    const log = within(
      'INFO: backup mode: stop',
      'INFO: backup mode: snapshot',
      'INFO: status = running!',
      'INFO: Backup started at 21.8.2026',
    )
    for (const key of ['mode', 'guestStatus', 'startedLocal', 'scratchFolder', 'contentBytes'])
      expect(log).not.toHaveProperty(key)
    expect(within('INFO: backup mode: stop', 'INFO: backup mode: stop').mode).toBe('stop')
  })

  it('is not what a hook says of it', () => {
    const said = [
      'Backup started at 2026-08-21 10:00:00',
      'status = stopped',
      'backup mode: stop',
      'mode failure - some volumes do not support snapshots',
      "filesystem type on dumpdir is 'zfs' -using /var/tmp/vzdumptmp1_100 for temporary files",
      'Total bytes written: 10240 (10KiB, 1MiB/s)',
      'transferred 32.00 GiB in 9 seconds',
    ]
    const plain: object = within()
    const { remarks: _, section: __, ...hooked } = within(...said.map((line) => `INFO: INFO: ${line}`))
    expect(plain).toMatchObject(hooked)
    for (const line of said) expect(Object.keys(within(`INFO: ${line}`)).length).toBe(Object.keys(plain).length + 1)
  })

  it.each<[string, string, (log: ReturnType<typeof within>) => unknown]>([
    ['a start', 'INFO: Backup started at 2026-08-21 10:00:00', (log) => log.startedLocal],
    ['a mode', 'INFO: backup mode: stop', (log) => log.mode],
    ['another mode', 'INFO: status = stopped', (log) => log.guestStatus],
    [
      'a scratch folder',
      "INFO: filesystem type on dumpdir is 'zfs' -using /var/tmp/x for temporary files",
      (log) => log.scratchFolder,
    ],
    ['bytes', 'INFO: transferred 32.00 GiB in 70 seconds (468.1 MiB/s)', (log) => log.contentBytes],
  ])('is nothing where the line of %s has more before or after it', (_, line, of) => {
    expect(of(within(line))).toBeDefined()
    expect(of(within(`INFO: ${line}`))).toBeUndefined()
    expect(of(within(`${line} or so`))).toBeUndefined()
  })

  it('is why another mode was used, whole, and once', () => {
    const failure = 'INFO: mode failure - some volumes do not support snapshots'
    expect(within(failure).modeFailure).toBe('some volumes do not support snapshots')
    expect(within(`INFO: hook said: ${failure}`)).not.toHaveProperty('modeFailure')
    expect(within(failure, 'INFO: mode failure - other')).not.toHaveProperty('modeFailure')
  })

  it.each([
    ['the line of a tar', 'INFO: Total bytes written: 1 (1B, 1B/s)'],
    ['an archive', creating],
    ['its size', 'INFO: archive file size: 1.23GB'],
  ])('is nothing where %s is quoted by another', (_, line) => {
    const log = within(`INFO: hook: ${line}`)
    expect(log).toMatchObject({ packed: false })
    expect(log).not.toHaveProperty('contentBytes')
    expect(log).not.toHaveProperty('archiveName')
  })

  it('begins with the line that opens a job', () => {
    expect(within().begins).toBe(true)
    expect(readTaskLog(['INFO: starting new backup job: vzdumpx', starting()], '100').begins).toBe(false)
    expect(readTaskLog([` ${opening}`], '100').begins).toBe(false)
  })
})

describe('how much went into an archive', () => {
  const transferred = 'INFO: transferred 32.00 GiB in 70 seconds (468.1 MiB/s)'

  it('is not known where a tar holds nothing, or zeroes are told in two ways', () => {
    expect(within('INFO: Total bytes written: 0 (0B, 0B/s)').contentBytes).toBeUndefined()
    expect(within('INFO: Total bytes written: 1 (1B, 1B/s)').contentBytes).toBe(1)
    const sparse = (gib: string) => `INFO: backup is sparse: ${gib} GiB (29%) total zero data`
    expect(within(sparse('9.36'), sparse('9.37'), transferred).contentBytes).toBeUndefined()
    expect(within(sparse('33.00'), transferred).contentBytes).toBeUndefined()
    expect(within(`${sparse('9.36')} or so`, transferred).contentBytes).toBe(32 * GIB)
    expect(within(`INFO: ${sparse('9.36')}`, transferred).contentBytes).toBe(32 * GIB)
  })

  it('is known up to a twentieth of what rounding may have moved it by', () => {
    // Both have two decimals: each may be off by 0.005 GiB, which is a twentieth of 0.2.
    const sparse = (gib: string) => `INFO: backup is sparse: ${gib} GiB (99%) total zero data`
    expect(within(sparse('31.79'), transferred).contentBytes).toBeCloseTo(0.21 * GIB, -1)
    expect(within(sparse('31.81'), transferred).contentBytes).toBeUndefined()
    const bytes = 'INFO: transferred 100 B in <1 seconds'
    expect(within('INFO: backup is sparse: 100 B (100%) total zero data', bytes).contentBytes).toBeUndefined()
    expect(within('INFO: backup is sparse: 99 B (99%) total zero data', bytes).contentBytes).toBe(1)
    const whole = 'INFO: transferred 32 GiB in 70 seconds'
    // Without decimals by half of a GiB: a twentieth of ten.
    expect(within('INFO: backup is sparse: 21 B (1%) total zero data', whole).contentBytes).toBe(32 * GIB - 21)
    expect(within('INFO: transferred 9 GiB in 70 seconds').contentBytes).toBeUndefined()
    // Half of a KiB is exactly a twentieth of ten.
    expect(within('INFO: transferred 10 KiB in 70 seconds').contentBytes).toBe(10_240)
  })

  it.each([
    ['1.00 KiB', 2 ** 10],
    ['1.00 MiB', 2 ** 20],
    ['1.00 TiB', 2 ** 40],
    ['1.00 PiB', 2 ** 50],
    ['7 B', 7],
  ])('%s are %i bytes', (text, bytes) => {
    expect(within(`INFO: transferred ${text} in 70 seconds`).contentBytes).toBe(bytes)
  })
})

describe('the newest progress', () => {
  const progress = (text: string) => latestProgress([`INFO: ${text}`])

  it('is the last that is told', () => {
    expect(latestProgress(['INFO: 5% (1 B of 9 B) in 1s', 'INFO: 7% (2 B of 9 B) in 2s', 'INFO: other'])).toEqual({
      progressPercent: 7,
      doneBytes: 2,
      totalBytes: 9,
    })
    expect(latestProgress([])).toBeUndefined()
  })

  it('has no figures that can’t be read, and none above a hundred', () => {
    expect(progress('100% (x of 9 B) in 1s')).toEqual({ progressPercent: 100, totalBytes: 9 })
    expect(progress('5% (1 Bit of 9 Bits) in 1s')).toEqual({ progressPercent: 5 })
    expect(progress('5% (about 1 B of 9 B) in 1s')).toEqual({ progressPercent: 5, totalBytes: 9 })
    expect(progress('0% (1 B of 1.2.3 B) in 1s')).toEqual({ progressPercent: 0, doneBytes: 1 })
    expect(progress('101% (1 B of 9 B) in 1s')).toBeUndefined()
    expect(progress('5 % (1 B of 9 B) in 1s')).toBeUndefined()
    expect(progress('INFO: 5% (1 B of 9 B) in 1s')).toBeUndefined()
    expect(progress('hook: 5% (1 B of 9 B) in 1s')).toBeUndefined()
  })
})
