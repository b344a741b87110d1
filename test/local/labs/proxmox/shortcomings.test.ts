/** A lab whose backups fall short, as the provider and the verdict see them over real sockets. */
import { evidenceOf } from '../../../functions/providers/gathered.ts'
import { afterEach, describe, expect, it } from 'vitest'
import type { Verdict } from '../../../../functions/contracts/evidence.ts'
import type { Requirement } from '../../../../functions/contracts/grade.ts'
import { gradeText, shortGrade } from '../../../../functions/domain/backup/grade.ts'
import { judgeProxmox as judge } from '../../../fakes/judge.ts'
import { backupOptionsSchema } from '../../../../functions/contracts/backup-options.ts'
import { openProxmox } from '../../../../functions/providers/proxmox/provider.ts'
import { proxmoxSiteSchema } from '../../../../functions/providers/proxmox/config.ts'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Lab, startLab } from '../../../../local/labs/proxmox/lab.ts'
import type { GuestSpec } from '../../../../local/labs/proxmox/default-site.ts'
import type { Shortcoming } from '../../../../local/labs/proxmox/world.ts'

const closing: (() => Promise<void> | void)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).toReversed()) await close()
})

async function labOf(guest: GuestSpec): Promise<Lab> {
  const directory = mkdtempSync(join(tmpdir(), 'guestlift-lab-'))
  closing.push(() => rmSync(directory, { recursive: true, force: true }))
  const lab = await startLab({ directory, guests: [guest], secondsPerDump: 0 })
  closing.push(() => lab.close())
  return lab
}

interface Case {
  kind: 'vm' | 'container'
  of: Shortcoming[]
  mode?: 'snapshot' | 'suspend' | 'stop'
  status?: 'running' | 'stopped'
  agent?: string
  require?: Requirement
}

/** Of a guest that is backed up in such a lab: what it reached, in words, and the verdict. */
async function backedUp({ kind, of, mode = 'snapshot', status = 'running', agent = '1', require }: Case) {
  const dataBytes = 65_536
  const guest: GuestSpec =
    kind === 'vm'
      ? { vmid: 100, kind: 'qemu', name: 'web', status, diskBytes: dataBytes, options: { agent } }
      : { vmid: 100, kind: 'lxc', name: 'web', status, dataBytes }
  const lab = await labOf(guest)
  lab.control.apply({ shortcomings: { id: 100, of } })
  const provider = openProxmox('hq', proxmoxSiteSchema.parse(lab.site()), {
    now: () => new Date(),
    sleep: () => Promise.resolve(),
    log: () => undefined,
  })
  try {
    const [found] = await provider.findGuests(['100'])
    if (found === undefined) throw new Error('the lab has no guest 100')
    const options = backupOptionsSchema.parse({ mode })
    const { jobRef } = await provider.start(found, options)
    await lab.control.endOfTask(jobRef)
    const evidence = await evidenceOf(provider, jobRef, found, options.storage)
    const verdict: Verdict = judge(evidence, { mode, ...(require === undefined ? {} : { require }) })
    const grade = evidence.grade === undefined ? undefined : shortGrade(evidence.grade)
    return { reached: gradeText(grade), verdict, used: evidence.used }
  } finally {
    await provider.close()
  }
}

/** Without any remark. */
const PLAIN = /is the archive it made\.$/

describe('a backup in the lab', () => {
  it.each<[string, Case, string, string, RegExp]>([
    ['of a VM whose agent answers', { kind: 'vm', of: [] }, 'file-system consistent', 'archived', PLAIN],
    ['of a VM without an agent', { kind: 'vm', of: [], agent: '0' }, 'crash consistent', 'archived', PLAIN],
    ['of a VM that is shut down', { kind: 'vm', of: [], mode: 'stop' }, 'application consistent', 'archived', PLAIN],
    [
      'of a stopped VM, whatever its agent',
      { kind: 'vm', of: ['agent-dead'], status: 'stopped' },
      'application consistent',
      'archived',
      PLAIN,
    ],
    [
      'of a VM whose agent is dead',
      { kind: 'vm', of: ['agent-dead'] },
      'crash consistent',
      'archived-with-warnings',
      /not file-system consistent: .*agent configured but not running\. Install and start qemu-guest-agent/,
    ],
    [
      'of a VM that does not freeze',
      { kind: 'vm', of: ['freeze-fails'] },
      'crash consistent',
      'archived-with-warnings',
      /not file-system consistent: .*guest-fsfreeze-freeze' failed - got timeout/,
    ],
    [
      'of a VM with snapshots and pending changes',
      { kind: 'vm', of: ['snapshots', 'pending-changes', 'unused-disk'] },
      'file-system consistent, without unused disks, snapshots, pending changes',
      'archived-with-warnings',
      /It lacks the guest's snapshots.* It lacks changes of the configuration/,
    ],
    ['of a container', { kind: 'container', of: [] }, 'file-system consistent', 'archived', PLAIN],
    [
      'of a container on a storage without snapshots, with a temporary directory on NFS',
      { kind: 'container', of: ['no-snapshots', 'tmpdir-on-nfs'] },
      'file-system consistent, without extended attributes',
      'archived-with-warnings',
      /was made in mode suspend \(some volumes do not support snapshots\)\. It lacks extended attributes.*vzdump\.conf/,
    ],
    [
      'of a container with snapshots and pending changes, of which its log says nothing',
      { kind: 'container', of: ['snapshots', 'pending-changes'] },
      'file-system consistent, without snapshots, pending changes',
      'archived-with-warnings',
      /It lacks the guest's snapshots/,
    ],
    [
      'of a VM with snapshots, which the job accepts',
      { kind: 'vm', of: ['snapshots'], require: { complete: true, accept: ['snapshots'] } },
      'file-system consistent, without snapshots',
      'archived',
      PLAIN,
    ],
  ])('%s', async (_, its, reached, name, reason) => {
    const found = await backedUp(its)
    expect({ reached: found.reached, name: found.verdict.name }).toEqual({ reached, name })
    expect(found.verdict.reason).toMatch(reason)
    expect(found.verdict).not.toHaveProperty('unmet')
  })

  it('that is less than the job requires says so, and what to do', async () => {
    const require = { consistency: 'file-system', complete: true, accept: [] } as const
    const { verdict } = await backedUp({
      kind: 'vm',
      of: ['agent-dead', 'snapshots'],
      require: { ...require, accept: [] },
    })
    expect(verdict).toMatchObject({ good: true })
    expect(verdict.unmet).toEqual([
      expect.stringMatching(/^It is crash consistent, and the job requires file-system consistent: .*qemu-guest-agent/),
      expect.stringMatching(/^It lacks the guest's snapshots/),
    ])
  })
})
