import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { gradeSchema } from '../../../../functions/contracts/grade.ts'
import { gradeOf } from '../../../../functions/providers/proxmox/grade.ts'
import { findOpening } from '../../../../functions/providers/proxmox/opening-line.ts'
import { readTaskLog } from '../../../../functions/providers/proxmox/task-log.ts'
import { recordedLogs, recordingsPresent } from './transcripts.ts'

const opening = 'INFO: starting new backup job: vzdump 100 --storage nas --mode snapshot'
const FREEZE = "issuing guest-agent 'fs-freeze' command"
const THAW = "issuing guest-agent 'fs-thaw' command"
const BEGUN = "started backup task '3fef2565-ac97-4258-a3a4-c8d2cfd2e8cd'"

/** Lines without a level become INFO, as vzdump writes them. */
function logOf(kind: 'vm' | 'container', said: readonly string[], first = opening): string[] {
  const levelled = said.map((line) => (/^(?:INFO|WARN|ERROR): /.test(line) ? line : `INFO: ${line}`))
  return [
    first,
    `INFO: Starting Backup of VM 100 (${kind === 'vm' ? 'qemu' : 'lxc'})`,
    ...levelled,
    'INFO: Finished Backup of VM 100 (00:01:10)',
    'INFO: Backup job finished successfully',
    'TASK OK',
  ]
}

function grade(kind: 'vm' | 'container', said: readonly string[], first = opening) {
  const lines = logOf(kind, said, first)
  return gradeSchema.parse(gradeOf(readTaskLog(lines, '100'), { id: '100', kind }, findOpening(lines)))
}

const running = ['status = running', 'backup mode: snapshot']
const suspended = ['status = running', 'backup mode: suspend']
const shutDown = ['status = running', 'backup mode: stop', 'stopping virtual guest']

describe('the grade of a backup, by what its log means', () => {
  it.each<[string, 'vm' | 'container', string[], string | undefined]>([
    ['a stopped VM is application consistent', 'vm', ['status = stopped', 'backup mode: stop'], 'application'],
    ['a stopped container, too', 'container', ['status = stopped', 'backup mode: stop'], 'application'],
    ['a VM that was shut down for it, too', 'vm', shutDown, 'application'],
    ['a container that was shut down for it, too', 'container', shutDown, 'application'],
    ['mode stop without a shutdown proves nothing', 'vm', shutDown.slice(0, 2), undefined],
    ['a snapshot of a container', 'container', [...running, "create storage snapshot 'vzdump'"], 'file-system'],
    ['mode snapshot of a container without a snapshot proves nothing', 'container', running, undefined],
    ['a suspended container', 'container', [...suspended, 'suspending guest'], 'file-system'],
    ['a container that nothing suspended proves nothing', 'container', suspended, undefined],
    ['a suspended VM keeps in memory what was not written', 'vm', [...suspended, 'suspending guest', BEGUN], 'crash'],
    ['a running VM without an agent', 'vm', [...running, BEGUN], 'crash'],
    ['a VM whose agent froze its file systems', 'vm', [...running, FREEZE, THAW, BEGUN], 'file-system'],
    ['a freeze that nothing ended proves nothing', 'vm', [...running, FREEZE, BEGUN], 'crash'],
    ['a freeze before a job that never began proves nothing', 'vm', [...running, FREEZE, THAW], 'crash'],
    ['a log that tells no state proves nothing', 'vm', ['backup mode: stop', 'stopping virtual guest'], undefined],
    ['a log that tells two states proves nothing', 'vm', ['status = stopped', 'status = running'], undefined],
    ['a state that nobody knows proves nothing', 'vm', ['status = hibernated', 'backup mode: stop'], undefined],
  ])('%s', (_, kind, said, consistency) => {
    expect(grade(kind, said).consistency).toBe(consistency)
  })

  it.each([
    ["skipping guest-agent 'fs-freeze', agent configured but not running?", 'file-system'],
    ['skipping guest filesystem freeze - agent configured but not running?', 'file-system'],
    ['skipping guest filesystem freeze - already frozen', 'file-system'],
    ['skipping guest filesystem freeze - of tomorrow', 'file-system'],
    ["skipping guest-agent 'fs-freeze', disabled in VM options", undefined],
    ['skipping guest filesystem freeze - disabled in VM options', undefined],
  ])('a freeze that was skipped leaves it crash consistent: %s', (line, expected) => {
    const found = grade('vm', [...running, line, BEGUN])
    expect(found).toMatchObject({ consistency: 'crash', reason: expect.stringMatching(/were not frozen: [^:?]+\.$/) })
    expect(found.expected).toBe(expected)
  })

  it.each([
    ["ERROR: VM 100 qmp command 'guest-fsfreeze-freeze' failed - got timeout", 1],
    ["ERROR: VM 100 qmp command 'guest-fsfreeze-thaw' failed - got timeout", 2],
    ['WARN: something about freezing', 1],
  ])('a freeze that was complained of is none: %s', (line, after) => {
    const said = [...running, ...[FREEZE, THAW, BEGUN].toSpliced(after, 0, line)]
    expect(grade('vm', said)).toMatchObject({
      consistency: 'crash',
      expected: 'file-system',
      reason: expect.stringContaining(line.replace(/^\w+: /, '')),
    })
    // Complaints after the job began are about something else.
    expect(grade('vm', [...running, FREEZE, THAW, BEGUN, line]).consistency).toBe('file-system')
  })

  it('goes by nothing that was said before the turn of the guest, as by a hook', () => {
    const [first = '', ...rest] = logOf('vm', [...running, BEGUN])
    const lines = [
      first,
      `INFO: ${FREEZE}`,
      `INFO: ${THAW}`,
      `INFO: snapshots found (not included into backup)`,
      ...rest,
    ]
    const found = gradeOf(readTaskLog(lines, '100'), { id: '100', kind: 'vm' }, undefined)
    expect(found).toMatchObject({ consistency: 'crash', gaps: [] })
  })

  it('never claims what an empty log, or one of another guest, does not tell', () => {
    for (const lines of [[], ['no content'], logOf('vm', shutDown).map((line) => line.replaceAll('100', '101'))]) {
      const found = gradeOf(readTaskLog(lines, '100'), { id: '100', kind: 'vm' }, undefined)
      expect(found).not.toHaveProperty('consistency')
      expect(found.gaps).toEqual([])
    }
  })

  it('never rises when lines are missing', () => {
    const rank = (of: string | undefined) => [undefined, 'crash', 'file-system', 'application'].indexOf(of)
    const whole = [...running, "include disk 'scsi0' 'local-lvm:vm-100-disk-0' 32G", FREEZE, THAW, BEGUN]
    fc.assert(
      fc.property(fc.subarray(whole), (some) => {
        expect(rank(grade('vm', some).consistency)).toBeLessThanOrEqual(rank('file-system'))
      }),
    )
  })
})

describe('the gaps of an archive, by what its log means', () => {
  it.each<[string, object]>([
    ['snapshots found (not included into backup)', { name: 'snapshots' }],
    ['pending configuration changes found (not included into backup)', { name: 'pending-changes' }],
    [
      'temporary directory is on NFS, disabling xattr and acl support, consider configuring a local tmpdir via /etc/vzdump.conf',
      { name: 'extended-attributes', advice: expect.stringContaining('/etc/vzdump.conf') },
    ],
    ["skip unused drive 'local-lvm:vm-100-disk-1' (not included into backup)", { name: 'unused-disks', chosen: true }],
    [
      "exclude disk 'scsi1' 'local-lvm:vm-100-disk-1' (backup=no)",
      { name: 'disks', chosen: true, what: 'the disk scsi1 (local-lvm:vm-100-disk-1; backup=no)' },
    ],
    [
      "excluding volume mount point mp0 ('/data') from backup (disabled)",
      { name: 'disks', chosen: true, what: 'the volume mount point mp0 (/data)' },
    ],
    ["excluding bind mount point mp1 ('/srv') from backup (not a volume)", { name: 'disks', chosen: true }],
    ["excluding bind mount point mp1 ('/srv') from backup", { name: 'disks', chosen: true }],
    [
      'cloud metadata found (not included into backup)',
      { name: 'other', what: expect.stringContaining('cloud metadata') },
    ],
  ])('%s', (line, gap) => {
    // Twice, as a job says it that fell back to another mode and looked again.
    expect(grade('vm', [...running, line, line]).gaps).toEqual([expect.objectContaining(gap)])
  })

  it.each(['special config section found (not included into backup)', "include disk 'scsi0' 'a:b' 32G", 'anything'])(
    'none follows from: %s',
    (line) => {
      expect(grade('vm', [...running, line]).gaps).toEqual([])
    },
  )

  it('are seen in a line that ends with a carriage return', () => {
    const { gaps } = grade('vm', [...running, 'snapshots found (not included into backup)\r'])
    expect(gaps).toEqual([expect.objectContaining({ name: 'snapshots' })])
  })

  it('hold the files that the job leaves out', () => {
    const first = `${opening} --exclude-path /var/cache/?* --exclude-path '/srv/big files'`
    expect(grade('container', running, first).gaps).toEqual([
      { name: 'files', what: 'files that match /var/cache/?*, /srv/big files', chosen: true },
    ])
  })

  it('stay a list that a report can bear, and say that there are more', () => {
    const many = Array.from({ length: 500 }, (_, at) => `exclude disk 'scsi${at}' 'a:${at}' (backup=no)`)
    const { gaps } = grade('vm', [...running, ...many])
    expect(gaps).toHaveLength(41)
    expect(gaps.at(-1)).toEqual({ name: 'other', what: '460 more that its log names' })
  })
})

describe.skipIf(!recordingsPresent)('the grade of recorded backups', () => {
  it('is known of every guest that was finished, and never more than its log tells', () => {
    const seen = new Set<string>()
    for (const { lines } of recordedLogs()) {
      const ids = lines.flatMap((line) => /^INFO: Finished Backup of VM (\d+) \(/.exec(line)?.[1] ?? [])
      for (const id of ids) {
        const kind = lines.includes(`INFO: Starting Backup of VM ${id} (qemu)`)
          ? ('vm' as const)
          : ('container' as const)
        const { consistency, gaps } = gradeOf(readTaskLog(lines, id), { id, kind }, findOpening(lines))
        const isStopped = readTaskLog(lines, id).guestStatus === 'stopped'
        expect({ id, consistency, gaps }).toEqual({ id, consistency: isStopped ? 'application' : 'crash', gaps: [] })
        seen.add(`${kind} ${consistency}`)
      }
    }
    expect([...seen].toSorted()).toEqual(['container application', 'vm crash'])
  })
})
