/** What the parts of a vzdump task share: the job, one guest's backup, and the lines both kinds of guest have. */
import type { Copy } from './archive-file.ts'
import type { Compressor } from './dumps/compress.ts'
import type { Values } from './schema-check.ts'
import { nodePath } from './storage-files.ts'
import type { Worker } from './tasks.ts'
import { renderFileSize } from './vzdump-text.ts'
import type { LabGuest, LabStorage, Shortcoming, World } from './world.ts'

export interface VzdumpJob {
  world: World
  worker: Worker
  node: string
  who: string
  /** Checked parameters of the call, vmid and node left out. */
  options: Values
  storage: LabStorage
  retention: Record<string, number>
  log(level: 'INFO' | 'WARN' | 'ERROR', text: string): void
  /** Run the site's hook script for a phase, if there is one. */
  hook(phase: string, mode?: string, vmid?: number): Promise<void>
}

export interface GuestBackup {
  job: VzdumpJob
  guest: LabGuest
  mode: 'snapshot' | 'suspend' | 'stop'
  compressor: Compressor
  /** Name of the finished archive, without directory. */
  file: string
  startedAt: number
  log: VzdumpJob['log']
  /** The `.dat` on this machine and as the node sees it. */
  temporary: { path: string; nodePath: string }
  copy: Pick<Copy, 'path' | 'availableBytes'>
}

export function fallsShort({ guest }: Pick<GuestBackup, 'guest'>, by: Shortcoming): boolean {
  return guest.shortcomings?.includes(by) === true
}

/** The size line comes before the rename, from the `.dat`. */
export function logSize(backup: GuestBackup, bytes: number): void {
  backup.log('INFO', `archive file size: ${renderFileSize(bytes)}`)
}

export function logTarget(backup: GuestBackup): void {
  const { job, guest, file } = backup
  if (job.world.faults.backup(guest.vmid, 'no-archive-line') !== undefined) return
  backup.log('INFO', `creating vzdump archive '${nodePath(job.storage, file)}'`)
}

/** The lines on mode and limits, which stand before or after those on the guest. */
export function describeMode(backup: GuestBackup): void {
  const { job, mode, log } = backup
  log('INFO', `backup mode: ${mode}`)
  const limit = Number(job.options['bwlimit'] ?? 0)
  if (limit > 0) log('INFO', `bandwidth limit: ${limit} KiB/s`)
  log('INFO', `ionice priority: ${job.options['ionice'] ?? 7}`)
}

/** The fault that kills the worker strikes half way. */
export function strike({ job, guest }: GuestBackup, share: number): void {
  if (share >= 0.5 && job.world.faults.backup(guest.vmid, 'killed') !== undefined)
    job.world.tasks.kill(job.worker.task.upid)
}

export function readError({ job, guest }: GuestBackup): { failAt?: { share: number; error: Error } } {
  const fault = job.world.faults.backup(guest.vmid, 'read-error')
  if (fault === undefined) return {}
  return { failAt: { share: fault.percent / 100, error: new Error('job failed with err -5 - Input/output error') } }
}
