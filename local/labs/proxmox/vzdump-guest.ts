/** One guest's part of a vzdump task, from `Starting Backup` to its last line, and the log file beside its archive. */
import { existsSync, mkdirSync, renameSync, rmSync, truncateSync } from 'node:fs'
import { join } from 'node:path'
import { taskText } from './api-error.ts'
import { Interrupted } from './archive-file.ts'
import { compressorOf, EXTENSION } from './dumps/compress.ts'
import { logStamp, nameStamp } from './node-time.ts'
import { may } from './permissions.ts'
import { markBackups } from './prune.ts'
import {
  dateFile,
  dumpDirectory,
  listBackups,
  nodePath,
  removeBackup,
  setProtected,
  usage,
  writeDated,
  writeNotes,
} from './storage-files.ts'
import type { GuestBackup, VzdumpJob } from './vzdump-context.ts'
import { backUpContainer } from './vzdump-lxc.ts'
import { backUpVm } from './vzdump-qemu.ts'
import { clock } from './vzdump-text.ts'
import { findGuest, findNode, type LabGuest, unixSeconds } from './world.ts'

/** The lines of one guest, with the time each was written: the log file beside the archive has it, the task log hasn't. */
class GuestLog {
  readonly lines: string[] = []
  readonly #job: VzdumpJob
  readonly #zone: string
  constructor(job: VzdumpJob, zone: string) {
    this.#job = job
    this.#zone = zone
  }
  readonly write: VzdumpJob['log'] = (level, text) => {
    for (const line of text.split('\n'))
      this.lines.push(`${logStamp(unixSeconds(this.#job.world), this.#zone)} ${level}: ${line}`)
    this.#job.log(level, text)
  }
}

/** @returns whether it succeeded. Throws only what ends the whole job: an interruption of a VM's backup, a failing hook. */
export async function backUpGuest(job: VzdumpJob, vmid: number): Promise<boolean> {
  const { world, node, storage } = job
  const zone = findNode(world, node)?.timezone ?? 'UTC'
  const now = (): number => unixSeconds(world)
  const log = new GuestLog(job, zone)
  const startedAt = now()
  const guest = findGuest(world, vmid)
  const mode = job.options['mode'] === 'suspend' || job.options['mode'] === 'stop' ? job.options['mode'] : 'snapshot'
  const effectiveMode = guest?.status === 'stopped' ? 'stop' : mode
  let base: string | undefined
  try {
    if (guest === undefined) throw new Error(`unable to find VM '${vmid}'`)
    applyAcceptedFaults(job, guest)
    const extension = guest.kind === 'lxc' ? 'tar' : 'vma'
    const compressor = compressorOf(job.options['compress'])
    base = `vzdump-${guest.kind}-${vmid}-${nameStamp(startedAt, zone)}`
    const file = `${base}.${extension}${EXTENSION[compressor]}`
    const temporary = file.replace(/\.[^.]+$/, '.dat')
    log.write('INFO', `Starting Backup of VM ${vmid} (${guest.kind})`)
    log.write('INFO', `Backup started at ${logStamp(startedAt, zone)}`)
    const directory = dumpDirectory(world, storage, node)
    mkdirSync(directory, { recursive: true })
    const path = join(directory, temporary)
    const copy = { path, availableBytes: usage(world, storage, node).avail }
    const backup: GuestBackup = {
      job,
      guest,
      mode: effectiveMode,
      compressor,
      file,
      startedAt,
      log: log.write,
      copy,
      temporary: { path, nodePath: nodePath(storage, temporary) },
    }
    await packGuest(backup)
    if (job.worker.killed) return false
    await finish(backup, join(directory, file))
    log.write('INFO', `Finished Backup of VM ${vmid} (${clock(Math.max(0, now() - startedAt))})`)
    log.write('INFO', `Backup finished at ${logStamp(now(), zone)}`)
    saveLog(job, base, log)
    await job.hook('log-end', effectiveMode, vmid)
    return true
  } catch (error) {
    if (job.worker.killed) return false
    log.write('ERROR', `Backup of VM ${vmid} failed - ${taskText(error)}`)
    log.write('INFO', `Failed at ${logStamp(now(), zone)}`)
    if (base !== undefined) saveLog(job, base, log)
    await job.hook('backup-abort', effectiveMode, vmid)
    await job.hook('log-end', effectiveMode, vmid)
    if (error instanceof Interrupted) throw error
    return false
  }
}

/** What a test lets happen between the answer with the UPID and the guest's turn. */
function applyAcceptedFaults(job: VzdumpJob, guest: LabGuest): void {
  const { world } = job
  const { faults } = world
  const locked = faults.backup(guest.vmid, 'locked')
  if (locked !== undefined) guest.lock = locked.lock
  const moved = faults.backup(guest.vmid, 'migrated')
  if (moved !== undefined) guest.node = moved.to
  world.save()
}

async function packGuest(backup: GuestBackup): Promise<void> {
  const { job, guest, log } = backup
  const { world, node } = job
  if (guest.node !== node) {
    const folder = guest.kind === 'lxc' ? 'lxc' : 'qemu-server'
    throw new Error(`Configuration file 'nodes/${node}/${folder}/${guest.vmid}.conf' does not exist`)
  }
  log('INFO', `status = ${guest.status}`)
  if (guest.lock !== undefined) throw new Error(`${guest.kind === 'lxc' ? 'CT' : 'VM'} is locked (${guest.lock})`)
  if (guest.haState === 'started' && backup.mode === 'stop' && guest.status === 'running') {
    throw new Error(
      'Cannot execute a backup with stop mode on a HA managed and enabled Service. Use snapshot mode or disable the Service.',
    )
  }
  guest.lock = 'backup'
  world.save()
  try {
    checkLimits(backup)
    const warning = world.faults.backup(guest.vmid, 'warning')
    if (warning !== undefined) log('WARN', warning.text)
    const early = world.faults.backup(guest.vmid, 'error')
    if (early !== undefined && early.after === undefined) throw new Error(early.text)
    if (guest.kind === 'lxc') await backUpContainer(backup)
    else await backUpVm(backup)
    if (early !== undefined) throw new Error(early.text)
  } catch (error) {
    if (!job.worker.killed) rmSync(backup.temporary.path, { force: true })
    throw error
  } finally {
    // A worker that was killed can't unlock: the guest stays locked until someone does it by hand.
    if (!job.worker.killed) {
      delete guest.lock
      world.save()
    }
  }
}

const limitOf = (retention: Record<string, number>): number =>
  retention['keep-all'] === 1 ? 0 : Object.values(retention).reduce((sum, amount) => sum + amount, 0)

function existing(backup: GuestBackup): ReturnType<typeof listBackups> {
  const { job, guest } = backup
  return listBackups(job.world, job.storage, job.node).filter(
    (each) => each.vmid === guest.vmid && each.subtype === guest.kind && each.standardName,
  )
}

/** @throws Error when the guest already has as many backups as it may */
function checkLimits(backup: GuestBackup): void {
  const { job } = backup
  const limit = limitOf(job.retention)
  const backups = existing(backup)
  if (job.options['remove'] === '0' && limit > 0 && backups.filter((each) => !each.protected).length >= limit) {
    throw new Error(
      `There is a max backup limit of ${limit} enforced by the target storage or the vzdump parameters. Either increase the limit or delete old backups.`,
    )
  }
  if (job.options['protected'] !== '1') return
  const unlimited = may(job.world.site, job.who, `/storage/${job.storage.id}`, 'Datastore.Allocate')
  const most = job.storage.maxProtectedBackups ?? (unlimited ? -1 : 5)
  if (most >= 0 && backups.filter((each) => each.protected).length >= most) {
    throw new Error(`The number of protected backups per guest is limited to ${most} on storage '${job.storage.id}'`)
  }
}

/** Rename, size, notes, protection, pruning. Only from the rename on does anyone see the archive. */
async function finish(backup: GuestBackup, finalPath: string): Promise<void> {
  const { job, guest, log, temporary } = backup
  if (existsSync(temporary.path)) {
    dateFile(job.world, temporary.path)
    renameSync(temporary.path, finalPath)
  }
  const notes = job.options['notes-template']
  if (notes !== undefined) {
    log('INFO', 'adding notes to backup')
    writeNotes(
      job.world,
      finalPath,
      fillNotes(notes, {
        guestname: guest.name,
        node: job.node,
        vmid: String(guest.vmid),
        cluster: job.world.cluster().name,
      }),
    )
  }
  if (job.options['protected'] === '1') {
    log('INFO', 'marking backup as protected')
    setProtected(job.world, finalPath, true)
  }
  if (job.options['remove'] !== '0' && limitOf(job.retention) > 0) prune(backup)
  const cut = job.world.faults.backup(guest.vmid, 'truncated-archive')
  if (cut !== undefined) {
    truncateSync(finalPath, cut.bytes)
    dateFile(job.world, finalPath)
  }
  await job.hook('backup-end', backup.mode, guest.vmid)
}

function prune(backup: GuestBackup): void {
  const { job, log } = backup
  const rules = Object.entries(job.retention)
    .map(([name, amount]) => `${name}=${amount}`)
    .toSorted()
  log('INFO', `prune older backups with retention: ${rules.join(', ')}`)
  const zone = findNode(job.world, job.node)?.timezone ?? 'UTC'
  const gone = markBackups(existing(backup), job.retention, zone).filter((each) => each.mark === 'remove')
  for (const each of gone) {
    log('INFO', `removing backup '${each.volid}'`)
    removeBackup(each.path)
  }
  log('INFO', `pruned ${gone.length} backup(s)${gone.length > 0 ? ' not covered by keep-retention policy' : ''}`)
}

/** `{{variable}}`, `\n` for a line's end, `\\` for a backslash. */
export function fillNotes(template: string, values: Record<string, string>): string {
  return template
    .replace(/\\(n|\\)/g, (_all, escape: string) => (escape === 'n' ? '\n' : '\\'))
    .replace(/\{\{([^\s{}]+)\}\}/g, (all, name: string) => values[name] ?? all)
}

function saveLog(job: VzdumpJob, base: string, log: GuestLog): void {
  const path = join(dumpDirectory(job.world, job.storage, job.node), `${base}.log`)
  if (usage(job.world, job.storage, job.node).avail <= 0) {
    job.worker.log(`cp: error writing '${job.storage.path}/dump/${base}.log': No space left on device`)
    return
  }
  try {
    writeDated(job.world, path, `${log.lines.join('\n')}\n`)
  } catch {
    // The storage went away under the job; the task log has the lines anyway.
  }
}
