/** What speaks against a restore by its archive, the site's version and the account's rights. Pure. */
import type { RestoreFinding } from '../../contracts/restore.ts'
import type { IntendedRestore } from '../capabilities/restores.ts'
import type { MissingPrivilege } from '../intended-work.ts'
import { parseLooseArchiveName } from './identifiers.ts'
import type { RestoreNeeds } from './restore-needs.ts'
import { FOR_PRIVILEGED } from './restore-privileges.ts'
import { isOlderRelease } from './versions.ts'

const refusal = (name: RestoreFinding['name'], message: string): RestoreFinding => ({ name, level: 'refusal', message })
const warning = (name: RestoreFinding['name'], message: string): RestoreFinding => ({ name, level: 'warning', message })

/** @param at `Site hq` */
export function archiveFindings(intended: IntendedRestore, needs: RestoreNeeds | undefined, at: string) {
  const { guest, fileName } = intended.archive
  const findings: RestoreFinding[] = []
  const named = parseLooseArchiveName(fileName)
  const type = guest.kind === 'vm' ? 'qemu' : 'lxc'
  if (named?.type !== type) {
    findings.push(
      refusal(
        'archive-unfit',
        `${at}: ${fileName} is not the name of a backup file of a ${guest.kind}, so the platform can't restore it. Encrypted archives and those of a backup server need their own tools.`,
      ),
    )
  }
  if (needs === undefined && intended.target.rehearsal !== undefined) {
    const message = `${at}: the archive's configuration isn't known, so the guest would not bear a mark by which it is removed again. Restore it by hand.`
    return [...findings, refusal('configuration-unknown', message)]
  }
  if (needs === undefined) {
    findings.push(
      warning(
        'configuration-unknown',
        `${at}: the archive's configuration isn't known, so its disks, bridges and devices were not checked, and the guest will not be marked as restored. Name the storage for its disks.`,
      ),
    )
    return findings
  }
  if (needs.bindMounts.length > 0) {
    findings.push(
      refusal(
        'bind-mount',
        `${at}: ${needs.bindMounts.join(', ')} of container ${guest.id} are directories or devices of its node, which only root may restore. Restore it as root on the node with pct restore.`,
      ),
    )
  }
  const isRehearsal = intended.target.rehearsal !== undefined
  if (isRehearsal && (needs.hookScript || needs.hostDevices.length > 0 || needs.mappings.length > 0)) {
    const uses = [...needs.hostDevices, ...needs.mappings, ...(needs.hookScript ? ['its hook script'] : [])]
    findings.push(
      refusal(
        'host-device',
        `${at}: guest ${guest.id} uses what its node has but once (${uses.join(', ')}), which the original may need meanwhile. It can't be rehearsed beside it: restore it by hand at a quiet time.`,
      ),
    )
  } else if (needs.hostDevices.length > 0) {
    findings.push(
      warning(
        'host-device',
        `${at}: guest ${guest.id} uses devices of its node (${needs.hostDevices.join(', ')}), which the target may lack or only root may give. Remove them from the guest if it doesn't start.`,
      ),
    )
  }
  if (needs.customOptions) {
    findings.push(
      warning(
        'custom-options',
        `${at}: container ${guest.id} has lxc.* options, which only root may restore. They are left out: add them as root.`,
      ),
    )
  }
  if (needs.leftOut.length > 0) {
    findings.push(
      warning(
        'disk-left-out',
        `${at}: the archive of guest ${guest.id} doesn't hold ${needs.leftOut.join(', ')}. Restore what was on it from elsewhere.`,
      ),
    )
  }
  return findings
}

/** An older platform may not know what a newer one wrote: machine types, options, features of file systems. */
export function versionFindings({ archive }: IntendedRestore, version: string, at: string): RestoreFinding[] {
  const { platformVersion } = archive
  if (platformVersion === undefined) {
    return [warning('version-unknown', `${at}: which version made the archive isn't known. The site runs ${version}.`)]
  }
  if (!isOlderRelease(version, platformVersion)) return []
  return [
    refusal(
      'platform-older',
      `${at} runs Proxmox VE ${version}, and the archive was made by ${platformVersion}. Restore on that version or a later one, or upgrade the site.`,
    ),
  ]
}

export function privilegeFindings(
  missing: readonly MissingPrivilege[],
  account: string,
  at: string,
  guestId: string,
): RestoreFinding[] {
  return missing.map(({ privilege, path }) =>
    privilege === FOR_PRIVILEGED.privilege
      ? refusal(
          'privileged-container',
          `${at}: container ${guestId} is privileged, and making one takes ${privilege} on ${path}, which ${account} lacks. Grant it, or restore it as root on the node.`,
        )
      : refusal(
          'privilege-missing',
          `${at}: ${account} lacks ${privilege} on ${path}. Grant it, to the token itself if it is privilege-separated.`,
        ),
  )
}

/** @param known the cluster that the site was, if that is known @param now that answers, if it tells */
export function clusterFindings(known: string | undefined, now: string | undefined, at: string): RestoreFinding[] {
  if (known === undefined || known === now) return []
  return now === undefined
    ? [warning('cluster-unknown', `${at} doesn't tell which cluster it is, so whether it is the known one isn't sure.`)]
    : [
        refusal(
          'cluster-changed',
          `${at}: another cluster answers than the one that the site is known to be. Check the site's endpoints, or accept the cluster with "guestlift site accept".`,
        ),
      ]
}
