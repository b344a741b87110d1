import type { BackupEvidence } from '../../contracts/evidence.ts'
import type { SideFile } from '../../contracts/side-file.ts'

/** Log and notes under the names that Proxmox VE itself gives them, so that a restore finds them where it expects them. */
export function sideFilesOf({ archiveName, notes }: BackupEvidence, lines: readonly string[]): SideFile[] {
  const log = { name: archiveName === undefined ? 'job.log' : `${archiveName.split('.')[0]}.log`, text: textOf(lines) }
  if (archiveName === undefined || notes === undefined) return [log]
  return [log, { name: `${archiveName}.notes`, text: notes }]
}

/** One line a row. */
export function textOf(lines: readonly string[]): string {
  return lines.map((line) => `${line}\n`).join('')
}
