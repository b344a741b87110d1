/** What speaks against making a VM of imported disks, beside what speaks against every restore. Pure. */
import type { RestoreFinding } from '../../contracts/restore.ts'
import { valuesIn } from '../../domain/identity/embedded-identity.ts'
import type { IntendedRestore } from '../capabilities/restores.ts'
import { isDiskKey } from './guest-disks.ts'
import { leftOutOfImport } from './import-form.ts'
import { readOptions } from './property-parts.ts'
import type { RestoreNeeds } from './restore-needs.ts'
import { isAtLeast } from './versions.ts'

const refusal = (message: string): RestoreFinding => ({ name: 'import-unfit', level: 'refusal', message })
const warning = (message: string): RestoreFinding => ({ name: 'import-unfit', level: 'warning', message })

/** Storages take raw and qcow2 files as content "import" since this release. */
const SINCE = [8, 4] as const

/** @param at `Site hq` */
export function importFindings(
  { archive, target, imports }: IntendedRestore,
  needs: RestoreNeeds | undefined,
  version: string,
  at: string,
): RestoreFinding[] {
  if (imports === undefined) return []
  const { guest, configuration } = archive
  if (guest.kind === 'container') {
    return [
      refusal(
        `${at}: container ${guest.id} can't come by import, since the platform imports disks of VMs alone. Restore it with delivery "pull" or "sftp".`,
      ),
    ]
  }
  const findings: RestoreFinding[] = []
  if (!isAtLeast(version, ...SINCE)) {
    findings.push(
      refusal(
        `${at} runs Proxmox VE ${version}, and its storages take disks to import from ${SINCE.join('.')} on. Upgrade the site, or restore with delivery "pull" or "sftp".`,
      ),
    )
  }
  if (target.replace === true) {
    findings.push(
      refusal(`${at}: an import can't replace guest ${target.id}. Choose another id, or remove the guest first.`),
    )
  }
  if (configuration === undefined || needs === undefined) {
    const message = `${at}: the archive's configuration isn't known, and an import makes the guest by it. Restore with delivery "pull" or "sftp".`
    return [...findings, refusal(message)]
  }
  const held = new Set([...configuration.matchAll(/^#qmdump#map:([^:\n]+):/gm)].map(([, key = '']) => key))
  const unmapped = needs.disks.filter(({ key }) => !held.has(key)).map(({ key }) => key)
  if (unmapped.length > 0 || needs.disks.length === 0) {
    const what = unmapped.length > 0 ? `doesn't say where ${unmapped.join(', ')} lie in it` : 'names no disks'
    findings.push(refusal(`${at}: the archive of guest ${guest.id} ${what}. Restore with delivery "pull" or "sftp".`))
  }
  const left = leftOutOfImport(configuration)
  if (left.length > 0) {
    findings.push(
      warning(
        `${at}: an import leaves out ${left.join(', ')} of guest ${guest.id}: only root may write them, or their value is a secret that is in the archive alone. Add them afterwards.`,
      ),
    )
  }
  if (target.limitKiBPerSecond !== undefined) {
    findings.push(warning(`${at}: an import keeps no limit while the platform writes the disks.`))
  }
  return findings
}

/** Whether the configuration has drives for CDs, and settings of cloud-init: writing them takes rights of their own. */
export function importedParts(configuration: string): { drives: boolean; cloudInit: boolean } {
  const entries = Object.entries(valuesIn(configuration))
  return {
    drives: entries.some(([key, value]) => isDiskKey('vm', key) && readOptions(value, 'file').get('media') === 'cdrom'),
    cloudInit: entries.some(([key]) => /^(?:ci\w+|ipconfig\d+|nameserver|searchdomain|sshkeys)$/.test(key)),
  }
}
