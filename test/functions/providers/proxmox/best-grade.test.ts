import { describe, expect, it } from 'vitest'
import { backupOptionsSchema } from '../../../../functions/contracts/backup-options.ts'
import type { GuestRunState } from '../../../../functions/contracts/selection.ts'
import { bestGrade } from '../../../../functions/providers/proxmox/best-grade.ts'
import { disksOf } from '../../../../functions/providers/proxmox/guest-disks.ts'

interface Case {
  kind?: 'vm' | 'container'
  state?: GuestRunState
  mode?: 'snapshot' | 'suspend' | 'stop'
  config?: Record<string, string>
  excludePaths?: string[]
}

function graded({ kind = 'vm', state = 'running', config = {}, ...options }: Case) {
  const disks = disksOf(kind, config)
  return bestGrade({ kind, state, config, disks }, backupOptionsSchema.parse(options))
}

describe('the best consistency of a backup', () => {
  it.each<[string, Case, string]>([
    ['a VM without an agent', {}, 'crash'],
    ['a VM whose agent is off', { config: { agent: '0' } }, 'crash'],
    ['a VM with an agent', { config: { agent: '1' } }, 'file-system'],
    ['a VM with an agent, written out', { config: { agent: 'enabled=1,fstrim_cloned_disks=1' } }, 'file-system'],
    ['a VM whose agent may not freeze', { config: { agent: '1,freeze-fs-on-backup=0' } }, 'crash'],
    ['a suspended VM, whatever its agent', { mode: 'suspend', config: { agent: '1' } }, 'crash'],
    ['a VM that is shut down for it', { mode: 'stop' }, 'application'],
    ['a VM that does not run', { state: 'stopped' }, 'application'],
    ['a VM of which nothing is known', { state: 'unknown' }, 'application'],
    ['a paused VM without an agent', { state: 'paused' }, 'crash'],
    ['a container', { kind: 'container' }, 'file-system'],
    ['a container in mode suspend', { kind: 'container', mode: 'suspend' }, 'file-system'],
    ['a container that is shut down for it', { kind: 'container', mode: 'stop' }, 'application'],
  ])('of %s', (_what, its, consistency) => {
    expect(graded(its)).toMatchObject({ consistency, gaps: [] })
  })

  it('comes with what would reach more', () => {
    expect(graded({}).advice).toMatch(/Install qemu-guest-agent/)
    expect(graded({ config: { agent: '1,freeze-fs-on-backup=0' } }).advice).toMatch(/freeze-fs-on-backup/)
    expect(graded({ config: { agent: '1' } }).advice).toMatch(/Mode "stop"/)
    expect(graded({ mode: 'stop' })).not.toHaveProperty('advice')
  })
})

describe('what a backup leaves out for sure', () => {
  it('is what the configuration of a VM shows, CD drives apart', () => {
    const config = {
      scsi0: 'local-lvm:vm-100-disk-0,size=32G',
      scsi1: 'local-lvm:vm-100-disk-1,backup=0',
      ide2: 'none,media=cdrom',
      unused0: 'local-lvm:vm-100-disk-9',
      parent: 'before-upgrade',
    }
    expect(graded({ config }).gaps).toMatchObject([
      { name: 'disks', what: 'scsi1 (local-lvm:vm-100-disk-1; its backup option is off)', chosen: true },
      { name: 'unused-disks', what: 'unused0 (local-lvm:vm-100-disk-9; not attached to the guest)' },
      { name: 'snapshots' },
    ])
  })

  it('is mount points and excluded files of a container, as long as its archive would miss them', () => {
    const config = { rootfs: 'local:1', mp0: 'local:2,mp=/data', mp1: '/srv,mp=/srv', mp2: 'local:3,mp=/x,backup=1' }
    const gaps = graded({ kind: 'container', config, excludePaths: ['/tmp/*'] }).gaps
    expect(gaps.map(({ name }) => name)).toEqual(['disks', 'disks', 'files'])
    expect(graded({ kind: 'container', config: { rootfs: 'local:1', unused0: 'local:4' } }).gaps).toEqual([])
    // Patterns mean nothing to a VM.
    expect(graded({ excludePaths: ['/tmp/*'] }).gaps).toEqual([])
  })
})
