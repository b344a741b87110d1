/** The best that a backup can reach, told before it begins: from the guest's configuration and state, by the rules of `grade.ts`. */
import type { BackupOptions } from '../../contracts/backup-options.ts'
import type { Gap, Grade } from '../../contracts/grade.ts'
import type { GuestKind } from '../../contracts/nouns.ts'
import type { GuestRunState } from '../../contracts/selection.ts'
import type { GuestDisk } from '../guest-facts.ts'
import { excludedFiles, SNAPSHOTS } from './gaps.ts'
import { CD_DRIVE } from './guest-disks.ts'
import { isOn, readOptions } from './property-parts.ts'
import type { GuestConfig } from './guest-schemas.ts'

interface Planned {
  kind: GuestKind
  state: GuestRunState
  config: GuestConfig
  disks: readonly GuestDisk[]
}

/** Whatever only the backup itself tells counts as good: what is less than required here, no backup like this can reach. */
export function bestGrade(planned: Planned, options: BackupOptions): Grade {
  return { ...bestConsistency(planned, options), gaps: knownGaps(planned, options) }
}

type Reachable = Pick<Grade, 'consistency' | 'reason' | 'advice'>

function bestConsistency({ kind, state, config }: Planned, { mode }: BackupOptions): Reachable {
  if (state === 'unknown') return { consistency: 'application', reason: "It isn't known whether the guest runs." }
  if (state === 'stopped') return { consistency: 'application', reason: "The guest isn't running." }
  if (mode === 'stop') return { consistency: 'application', reason: 'The guest is shut down for the backup.' }
  const advice = 'Mode "stop" reaches more, since the guest is shut down for it.'
  if (kind === 'container') {
    return { consistency: 'file-system', reason: `Its applications are not informed in mode "${mode}".`, advice }
  }
  if (mode === 'suspend') {
    return {
      consistency: 'crash',
      reason: 'What its kernel has not written yet stays in the suspended memory.',
      advice,
    }
  }
  const agent = readOptions(config['agent'] ?? '', 'enabled')
  if (!isOn(agent.get('enabled') ?? '')) {
    const install = 'Install qemu-guest-agent inside the guest and set the option agent of the VM.'
    return {
      consistency: 'crash',
      reason: 'No guest agent is set up that could freeze its file systems.',
      advice: install,
    }
  }
  if (!isOn(agent.get('freeze-fs-on-backup') ?? '1')) {
    const allow = 'Remove freeze-fs-on-backup from the option agent of the VM.'
    return { consistency: 'crash', reason: "The VM's options keep the agent from freezing.", advice: allow }
  }
  return {
    consistency: 'file-system',
    reason: 'The guest agent freezes the file systems, and informs no application.',
    advice,
  }
}

/** What the archive will leave out for sure, and the configuration shows. */
function knownGaps({ kind, config, disks }: Planned, { excludePaths = [] }: BackupOptions): Gap[] {
  const left = disks.filter(({ included, reason }) => !included && reason !== CD_DRIVE)
  return [
    ...left.flatMap(({ key, volume, reason }): Gap[] => {
      const isUnused = key.startsWith('unused')
      // Of a container's unused volumes its archives say nothing.
      if (isUnused && kind === 'container') return []
      return [{ name: isUnused ? 'unused-disks' : 'disks', what: `${key} (${volume}; ${reason})`, chosen: true }]
    }),
    // Only a guest with snapshots has one that its present state came from.
    ...('parent' in config ? [SNAPSHOTS] : []),
    ...(kind === 'container' && excludePaths.length > 0 ? [excludedFiles(excludePaths)] : []),
  ]
}
