/** A VM's backup: the lines that qemu-server's VZDump/QemuServer.pm writes, and the VMA behind them. */
import { createHash } from 'node:crypto'
import { type Gate, Interrupted, NoSpace, runCopy } from './archive-file.ts'
import { compress } from './dumps/compress.ts'
import { mixSeed } from './dumps/random.ts'
import { configText, sizeText } from './guest-config.ts'
import { type VmaInput, writeVma } from './vma-writer.ts'
import { describeMode, fallsShort, type GuestBackup, logSize, logTarget, readError, strike } from './vzdump-context.ts'
import { progressLine, renderBytes } from './vzdump-text.ts'
import { imageOf } from './images.ts'
import type { LabDisk, LabGuest, World } from './world.ts'

const deviceName = (disk: LabDisk): string => `drive-${disk.key}`

/** Each archive's uuid differs, yet follows from guest and time: the same lab makes the same bytes. */
function backupUuid(guest: LabGuest, startedAt: number): Buffer {
  const uuid = createHash('md5').update(`${guest.vmid}/${guest.seed}/${startedAt}`).digest()
  uuid[6] = ((uuid[6] ?? 0) & 0x0f) | 0x40
  uuid[8] = ((uuid[8] ?? 0) & 0x3f) | 0x80
  return uuid
}

function uuidText(uuid: Buffer): string {
  return uuid.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5')
}

/** What goes into the archive of this guest, started at `startedAt` (unix seconds). */
function vmaInputOf(world: World, guest: LabGuest, startedAt: number): VmaInput {
  const included = guest.disks.filter((disk) => disk.backup)
  // The lines that tell a restore which stream belongs to which drive, its storage and its format.
  const map = included.map((disk) => {
    const [store = ''] = disk.volume.split(':')
    return `#qmdump#map:${disk.key}:${deviceName(disk)}:${store}:${disk.volume.endsWith('.qcow2') ? 'qcow2' : 'raw'}:\n`
  })
  return {
    uuid: backupUuid(guest, startedAt),
    ctime: startedAt,
    configs: [{ name: 'qemu-server.conf', text: configText(guest) + map.join('') }],
    disks: included.map((disk, index) => ({
      ...imageIn(world, guest, disk),
      deviceName: deviceName(disk),
      sizeBytes: disk.sizeBytes,
      seed: mixSeed(guest.seed, index),
      zero: guest.zero,
      compressible: guest.compressible,
    })),
  }
}

function imageIn(world: World, guest: LabGuest, disk: LabDisk): { image?: string } {
  const image = imageOf(world, guest, disk)
  if (image === undefined && disk.stored === true) throw new Error(`volume '${disk.volume}' does not exist`)
  return image === undefined ? {} : { image }
}

interface Counter {
  read: number
  zero: number
}

async function* paced(
  input: VmaInput,
  total: number,
  counter: Counter,
  gate: Gate,
  signal: AbortSignal,
): AsyncGenerator<Buffer> {
  const source = writeVma(input, (bytes, zeroBytes) => {
    counter.read += bytes
    counter.zero += zeroBytes
  })
  for await (const chunk of source) {
    yield chunk
    await gate.report(total === 0 ? 0.999 : Math.min(0.999, counter.read / total), signal)
    if (signal.aborted) throw new Interrupted()
  }
}

function describeGuest({ guest, log }: GuestBackup): void {
  log('INFO', `VM Name: ${guest.name}`)
  for (const disk of guest.disks) {
    if (disk.backup) log('INFO', `include disk '${disk.key}' '${disk.volume}' ${sizeText(disk.sizeBytes)}`)
    else log('INFO', `exclude disk '${disk.key}' '${disk.volume}' (backup=no)`)
  }
}

/** A suspended guest's agent answers as little as one that isn't there. */
function freeze(backup: GuestBackup): boolean {
  const { guest, mode, log } = backup
  const agent = guest.options['agent'] ?? '0'
  if (mode === 'stop' || guest.status !== 'running') return false
  // Since qemu-server 9.1 also said of a VM without any agent.
  if (!/^(1|enabled=1)/.test(agent) || /freeze-fs(?:-on-backup)?=0/.test(agent)) {
    log('INFO', 'skipping guest filesystem freeze - disabled in VM options')
    return false
  }
  if (mode === 'suspend' || fallsShort(backup, 'agent-dead')) {
    log('INFO', 'skipping guest filesystem freeze - agent configured but not running?')
    return false
  }
  log('INFO', "issuing guest-agent 'fs-freeze' command")
  if (fallsShort(backup, 'freeze-fails')) {
    log('ERROR', `VM ${guest.vmid} qmp command 'guest-fsfreeze-freeze' failed - got timeout`)
  }
  return true
}

/** What the archive's configuration is made without. */
function describeOmissions(backup: GuestBackup): void {
  const { guest, log } = backup
  if (fallsShort(backup, 'unused-disk')) {
    log('INFO', `skip unused drive 'local-lvm:vm-${guest.vmid}-disk-9' (not included into backup)`)
  }
  if (fallsShort(backup, 'snapshots')) log('INFO', 'snapshots found (not included into backup)')
  if (fallsShort(backup, 'pending-changes')) {
    log('INFO', 'pending configuration changes found (not included into backup)')
  }
}

export async function backUpVm(backup: GuestBackup): Promise<void> {
  const { job, guest, mode, log } = backup
  const running = guest.status === 'running'
  if (running && mode === 'snapshot') {
    describeGuest(backup)
    describeMode(backup)
  } else {
    describeMode(backup)
    describeGuest(backup)
  }
  if (running && mode === 'suspend') log('INFO', 'suspending guest')
  if (running && mode === 'stop') log('INFO', 'stopping virtual guest')
  await job.hook('backup-start', mode, guest.vmid)
  describeOmissions(backup)
  logTarget(backup)
  try {
    await runBackup(backup, running)
  } catch (error) {
    if (job.worker.killed) return
    const cause = causeOf(backup, error)
    log('ERROR', cause)
    log('INFO', 'aborting backup job')
    if (guest.startError !== undefined && !running) {
      log('ERROR', `VM ${guest.vmid} not running`)
      job.worker.log(`VM ${guest.vmid} not running`)
    } else log('INFO', 'resuming VM again')
    throw error instanceof Interrupted ? error : new Error(cause)
  }
  if (running && mode === 'suspend') log('INFO', 'resume vm')
}

function causeOf({ compressor, log }: GuestBackup, error: unknown): string {
  if (!(error instanceof NoSpace)) return error instanceof Error ? error.message : String(error)
  if (compressor === 'none') return 'vma_queue_write: write error - No space left on device'
  if (compressor === 'zstd') log('INFO', 'zstd: error 70 : Write error : cannot write block : No space left on device ')
  return 'vma_queue_write: write error - Broken pipe'
}

async function runBackup(backup: GuestBackup, running: boolean): Promise<void> {
  const { job, guest, mode, log } = backup
  if (guest.diskMissing) throw new Error(`volume '${guest.disks[0]?.volume}' does not exist`)
  const input = vmaInputOf(job.world, guest, backup.startedAt)
  const total = input.disks.reduce((sum, disk) => sum + disk.sizeBytes, 0)
  if (!running) log('INFO', 'starting kvm to execute backup task')
  if (!running && guest.startError !== undefined) {
    await job.world.pace.sleep(1, job.worker.signal)
    throw new Error(guest.startError)
  }
  const frozen = freeze(backup)
  log('INFO', 'starting backup via QMP command')
  if (frozen) log('INFO', "issuing guest-agent 'fs-thaw' command")
  log('INFO', `started backup task '${uuidText(input.uuid)}'`)
  if (running) log('INFO', mode === 'snapshot' ? 'resuming VM again' : 'resuming VM again after 1 seconds')
  const counter: Counter = { read: 0, zero: 0 }
  // A tiny disk would be read in no time; the log then still shows it growing over the seconds that the lab takes.
  const seconds = Math.max(1, job.world.secondsPerDump, total / (200 * 1024 ** 2))
  const fault = job.world.faults.backup(guest.vmid, 'no-space')
  const written = await runCopy(job.world, job.worker, {
    path: backup.copy.path,
    availableBytes: fault === undefined ? backup.copy.availableBytes : 65_536,
    source: (gate, signal) => compress(paced(input, total, counter, gate, signal), backup.compressor),
    onProgress: (share) => {
      const rate = total / seconds
      const dense = 1 - counter.zero / Math.max(1, counter.read)
      log('INFO', progressLine(Math.ceil(total * share), total, seconds * share, rate, rate * dense))
      strike(backup, share)
    },
    ...readError(backup),
  })
  if (job.worker.killed) return
  if (counter.zero > 0) {
    log(
      'INFO',
      `backup is sparse: ${renderBytes(counter.zero, 2)} (${Math.floor((counter.zero / total) * 100)}%) total zero data`,
    )
  }
  const whole = Math.round(seconds)
  log(
    'INFO',
    `transferred ${renderBytes(total, 2)} in ${whole < 1 ? '<1' : whole} seconds (${renderBytes(total / seconds)}/s)`,
  )
  if (!running) log('INFO', 'stopping kvm after backup task')
  logSize(backup, written)
}
